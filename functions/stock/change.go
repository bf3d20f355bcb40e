package stock

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/stockhttp"
)

type settingsInput struct {
	ItemPath
	IdempotencyKey
	Body settingsChange
}

type settingsChange struct {
	ItemSettings
	Expected *ItemSettings `json:"expected,omitempty" doc:"What the settings were thought to be: if they are others, they are left (STALE_SETTINGS). Left out: whatever they are."`
}

// ItemSettings are what an operator says of an item. huma wants it exported.
type ItemSettings struct {
	OversellLimit     int64  `json:"oversellLimit,omitempty" minimum:"0" maximum:"9007199254740991" doc:"How far available may go below zero; 0: nothing is oversold." example:"0"`
	LowStockThreshold *int64 `json:"lowStockThreshold,omitempty" nullable:"true" minimum:"-9007199254740991" maximum:"9007199254740991" doc:"An alert comes when available falls to it. null, or left out: none." example:"5"`
}

// Note is what a movement is told to say. huma wants it exported.
type Note struct {
	Reason    string `json:"reason,omitempty" maxLength:"100" doc:"Why, for the ledger." example:"delivery"`
	Reference string `json:"reference,omitempty" maxLength:"200" doc:"What it belongs to, such as an order, for the ledger." example:"PO-1001"`
}

type adjustInput struct {
	ItemPath
	IdempotencyKey
	Body adjustment
}

type adjustment struct {
	Delta int64 `json:"delta" minimum:"-9007199254740991" maximum:"9007199254740991" doc:"What is added to what is on hand; below zero, what is taken." example:"12"`
	Note
}

type countInput struct {
	ItemPath
	IdempotencyKey
	Body physicalCount
}

type physicalCount struct {
	Quantity int64  `json:"quantity" minimum:"0" maximum:"9007199254740991" doc:"How many are there." example:"40"`
	Expected *int64 `json:"expected,omitempty" nullable:"true" minimum:"-9007199254740991" maximum:"9007199254740991" doc:"What was thought to be there: if onHand is not that, the count is refused (STALE_COUNT). null, or left out: the count holds whatever was thought." example:"40"`
	Note
}

type batchInput struct {
	IdempotencyKey
	Body stockBatch
}

type stockBatch struct {
	Lines []batchLine `json:"lines" minItems:"1" maxItems:"100" doc:"What to add and take. Lines of one SKU are summed first." example:"[{\"sku\":\"WIDGET\",\"delta\":-2},{\"sku\":\"GADGET\",\"delta\":2}]"`
	Note
}

type batchLine struct {
	SKU   string `json:"sku" doc:"The item."`
	Delta int64  `json:"delta" minimum:"-9007199254740991" maximum:"9007199254740991" doc:"What is added; below zero, what is taken."`
}

type changedOutput struct {
	Status int
	Done
	Body keyedItem
}

type batchOutput struct {
	Done
	Body batchDone
}

type batchDone struct {
	Items []keyedItem `json:"items" doc:"The items as they are now, in order of SKU."`
}

func (h handlers) registerChange() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "putItem", Method: http.MethodPut, Path: "/stock/{sku}",
			Summary:     "Create an item, or change its settings",
			Description: "Gives the item these settings, all of them, and makes it with nothing on hand if there is none: 201. An oversell limit that what is reserved goes beyond is refused (INSUFFICIENT_STOCK). Who shows settings and saves them sends what they were as expected, or undoes what another saved meanwhile.",
			Errors:      changeErrors,
		},
		Example: exampleSet,
	}, h.set)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "adjustItem", Method: http.MethodPost, Path: "/stock/{sku}/adjust",
			Summary:     "Add to an item's stock, or take from it",
			Description: "Adds a movement to the item's ledger. To take more than is available, and may be oversold, is refused (INSUFFICIENT_STOCK, with what is available).",
			Errors:      withNotFound(changeErrors),
		},
		Example: exampleAdjusted,
	}, h.adjust)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "countItem", Method: http.MethodPost, Path: "/stock/{sku}/count",
			Summary: "Say how many of an item were counted",
			Description: "Adds the movement that makes onHand the quantity, and makes the item if there is none. A count that does not cover what is reserved is refused (INSUFFICIENT_STOCK): " +
				"release reservations, or let the item be oversold, first.",
			Errors: changeErrors,
		},
		Example: exampleCounted,
	}, h.count)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "adjustItems", Method: http.MethodPost, Path: "/stock/batch",
			Summary:     "Adjust several items at once",
			Description: "All lines, or none, in one transaction.",
			Errors:      withNotFound(changeErrors),
		},
		Example: exampleBatch,
	}, h.batch)
}

// set is PUT /stock/{sku}.
func (h handlers) set(ctx context.Context, in *settingsInput) (*changedOutput, error) {
	set := in.Body.domain()
	if in.Body.Expected != nil {
		set.Expected = new(in.Body.Expected.domain())
	}
	return changed(h.stock.Set(ctx, in.caller(ctx), in.SKU, set))
}

func (s ItemSettings) domain() inventory.Settings {
	return inventory.Settings{OversellLimit: s.OversellLimit, LowStock: s.LowStockThreshold}
}

// adjust is POST /stock/{sku}/adjust.
func (h handlers) adjust(ctx context.Context, in *adjustInput) (*changedOutput, error) {
	return changed(h.stock.Adjust(ctx, in.caller(ctx), inventory.Adjustment{
		Lines: []inventory.Line{{SKU: in.SKU, Quantity: in.Body.Delta}}, Reason: in.Body.Reason, Reference: in.Body.Reference,
	}))
}

// count is POST /stock/{sku}/count.
func (h handlers) count(ctx context.Context, in *countInput) (*changedOutput, error) {
	return changed(h.stock.Count(ctx, in.caller(ctx), inventory.Count{
		Lines:  []inventory.CountLine{{SKU: in.SKU, Quantity: in.Body.Quantity, Expected: in.Body.Expected}},
		Reason: in.Body.Reason, Reference: in.Body.Reference,
	}))
}

// changed is the reply to a change of one item: 201 where it is new.
func changed(r inventory.Result, err error) (*changedOutput, error) {
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	out := &changedOutput{Status: http.StatusOK, Done: done(r), Body: keyedItemOf(r.Items[0])}
	if r.Items[0].Version == 1 {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// batch is POST /stock/batch.
func (h handlers) batch(ctx context.Context, in *batchInput) (*batchOutput, error) {
	a := inventory.Adjustment{Reason: in.Body.Reason, Reference: in.Body.Reference}
	for _, l := range in.Body.Lines {
		a.Lines = append(a.Lines, inventory.Line{SKU: l.SKU, Quantity: l.Delta})
	}
	r, err := h.stock.Adjust(ctx, in.caller(ctx), a)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	out := &batchOutput{Done: done(r)}
	for _, i := range r.Items {
		out.Body.Items = append(out.Body.Items, keyedItemOf(i))
	}
	return out, nil
}
