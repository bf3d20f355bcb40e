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
	"github.com/tallystick/tallystick/internal/storage"
)

// Functions is the table of functions.
var Functions = []edge.Function{
	{EntryPoint: "Visits", Name: "visits", Access: storage.All, Register: visits.Register},
	{EntryPoint: "Store", Name: "store", Access: storage.All, Register: store.Register},
	{EntryPoint: "Fetch", Name: "fetch", Access: storage.Reads | storage.Lists, Register: fetch.Register},
	{EntryPoint: "Remove", Name: "remove", Access: storage.Reads | storage.Writes | storage.Deletes, Register: remove.Register},
	{EntryPoint: "Stock", Name: "stock", Access: storage.Reads | storage.Lists | storage.Writes, Register: stock.Register},
	{EntryPoint: "Update", Name: "update", Access: storage.Reads | storage.Lists | storage.Writes, Partners: true, Register: update.Register},
	{EntryPoint: "Docs", Name: "docs", Register: docs.Register},
}

// GatewayConfig is the gateway's routing table, generated from the functions.
//
//go:embed gateway-config.yaml
var GatewayConfig []byte

//go:generate go run ./openapi/generate
//go:generate go run ./deploy/generate

func init() {
	for _, f := range Functions {
		functions.HTTP(f.EntryPoint, deployed(f).ServeHTTP)
	}
}
