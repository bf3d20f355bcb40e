// Package stock is the function that keeps a shop's stock: items, the ledger of their
// movements, and reservations. Each file holds operations that belong together, with
// their wire types; what they mean is in internal/inventory.
package stock

import (
	"context"
	"net/http"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/stockhttp"
)

// Register declares the function's operations.
func Register(a *edge.API) {
	a.Rules(stockhttp.Rules()...)
	h := handlers{api: a, stock: inventory.New(a.Store, inventory.Options{Queue: a.Config.MergeQueue, Now: a.Now})}
	if a.Publish != nil {
		a.Publish("stock", func() any { return h.stock.Stats() })
	}
	h.registerRead()
	h.registerChange()
	h.registerLedger()
	h.registerReservations()
}

type handlers struct {
	api   *edge.API
	stock *inventory.Service
}

// IdempotencyKey is what every change takes. huma wants it exported.
type IdempotencyKey struct {
	Key string `header:"Idempotency-Key" maxLength:"255" pattern:"^[!-~]+$" doc:"Any text of your own, new for each change: with it the same change may be sent again for 7 days, is done once, and has the same reply. What was refused is not kept, and may be tried again."`
}

// caller is who makes a change.
func (k IdempotencyKey) caller(ctx context.Context) inventory.Caller {
	who := "key"
	if user := edge.ClientOf(ctx).User; user != "" {
		who = "user " + user
	}
	return inventory.Caller{Who: who, IdempotencyKey: k.Key}
}

// Done is what the reply to every change says.
type Done struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when it was done when it was first sent."`
}

func done(r inventory.Result) Done {
	if r.Replayed {
		return Done{"true"}
	}
	return Done{}
}

var changeErrors = []int{http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable}

func withNotFound(errs []int) []int { return append([]int{http.StatusNotFound}, errs...) }
