// Package tallystick gives a static website or a small shop a backend without a
// server: it counts, keeps and agrees. This file is the table of contents: every
// function that is deployed, by its entry point, and the folder that it is in.
package tallystick

import (
	_ "embed"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"

	"github.com/tallystick/tallystick/functions/docs"
	"github.com/tallystick/tallystick/functions/fetch"
	"github.com/tallystick/tallystick/functions/remove"
	"github.com/tallystick/tallystick/functions/stock"
	"github.com/tallystick/tallystick/functions/store"
	"github.com/tallystick/tallystick/functions/update"
	"github.com/tallystick/tallystick/functions/visits"
	"github.com/tallystick/tallystick/internal/edge"
)

// Functions is the table of functions.
var Functions = []edge.Function{
	{EntryPoint: "Visits", Name: "visits", Register: visits.Register},
	{EntryPoint: "Store", Name: "store", Register: store.Register},
	{EntryPoint: "Fetch", Name: "fetch", Register: fetch.Register},
	{EntryPoint: "Remove", Name: "remove", Register: remove.Register},
	{EntryPoint: "Stock", Name: "stock", Register: stock.Register},
	{EntryPoint: "Update", Name: "update", Register: update.Register},
	{EntryPoint: "Docs", Name: "docs", Stateless: true, Register: docs.Register},
}

// GatewayConfig is the gateway's routing table, generated from the functions.
//
//go:embed gateway-config.yaml
var GatewayConfig []byte

//go:generate go run ./openapi/generate

func init() {
	for _, f := range Functions {
		functions.HTTP(f.EntryPoint, deployed(f).ServeHTTP)
	}
}
