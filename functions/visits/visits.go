// Package visits is the function that counts visits. Each file holds operations
// that belong together, with their wire types; what they mean is in
// internal/visit.
package visits

import (
	"net/http"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/visit"
	"github.com/tallystick/tallystick/internal/visit/badge"
)

// Register declares the function's operations.
func Register(a *edge.API) {
	a.Rules(
		edge.Rule{Err: visit.ErrIncomplete, Status: http.StatusServiceUnavailable, Code: "IMPORT_INCOMPLETE",
			Detail: "A part is imported. Send the same file again to complete it.", Retry: 1},
		edge.Rule{Err: visit.ErrPage, Status: http.StatusUnprocessableEntity, Code: "PAGE_INVALID", Tell: true},
		edge.Rule{Err: visit.ErrTooMany, Status: http.StatusUnprocessableEntity, Code: "TOO_MANY_PAGES", Tell: true},
		edge.Rule{Err: visit.ErrDay, Status: http.StatusUnprocessableEntity, Code: "DAY_INVALID", Tell: true},
		edge.Rule{Err: visit.ErrNumber, Status: http.StatusUnprocessableEntity, Code: "NUMBER_INVALID", Tell: true},
		edge.Rule{Err: visit.ErrFile, Status: http.StatusUnprocessableEntity, Code: "IMPORT_INVALID", Tell: true},
		edge.Rule{Err: badge.ErrColor, Status: http.StatusUnprocessableEntity, Code: "COLOR_INVALID", Tell: true},
	)
	h := handlers{
		api:    a,
		visits: visit.New(a.Store, visit.Options{Queue: a.Config.MergeQueue, Shards: a.Config.Shards, Now: a.Now}),
	}
	if a.Publish != nil {
		a.Publish("visits", func() any { return h.visits.Stats() })
	}
	h.registerCount()
	h.registerRead()
	h.registerSet()
	h.registerList()
	h.registerSummary()
	h.registerTransfer()
}

type handlers struct {
	api    *edge.API
	visits *visit.Service
}
