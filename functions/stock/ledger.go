package stock

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/stockhttp"
)

type movementsInput struct {
	ItemPath
	edge.List
}

type movementsOutput struct{ Body movements }

type movements struct {
	Movements     []movement `json:"movements" doc:"The movements, the latest first."`
	NextPageToken string     `json:"nextPageToken" doc:"For the next page; empty at the end."`
}

type movement struct {
	Number      int64          `json:"number" doc:"1 for the item's first movement, without a gap."`
	Type        inventory.Type `json:"type" enum:"adjusted,counted,committed" doc:"What made it."`
	Delta       int64          `json:"delta" doc:"What it added to what was on hand, or took."`
	OnHand      int64          `json:"onHand" doc:"What was on hand after it."`
	Reason      string         `json:"reason,omitempty" doc:"Why."`
	Reference   string         `json:"reference,omitempty" doc:"What it belongs to."`
	Reservation string         `json:"reservation,omitempty" doc:"The reservation that was committed."`
	Who         string         `json:"who" doc:"Who made it: key, or the user of Basic authentication, or the partner."`
	Time        time.Time      `json:"time" doc:"When."`
}

type alertsInput struct{ edge.List }

type alertsOutput struct{ Body stockAlerts }

type stockAlerts struct {
	Alerts        []stockAlert `json:"alerts" doc:"The alerts, the latest first."`
	NextPageToken string       `json:"nextPageToken" doc:"For the next page; empty at the end. A page may have fewer alerts than were asked for before it."`
}

type stockAlert struct {
	SKU       string    `json:"sku" doc:"The item."`
	Available int64     `json:"available" doc:"What was available then."`
	Threshold int64     `json:"threshold" doc:"The threshold that it fell to."`
	Time      time.Time `json:"time" doc:"When."`
}

func (h handlers) registerLedger() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listMovements", Method: http.MethodGet, Path: "/stock/{sku}/movements",
			Summary:     "List an item's movements",
			Description: "The item's ledger: onHand is the sum of its movements. Movements are added and never changed; what was wrong is put right by another one.",
			Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: movements{Movements: []movement{exampleMovement}},
	}, h.movements)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listStockAlerts", Method: http.MethodGet, Path: "/stock/alerts",
			Summary:     "List the alerts of low stock",
			Description: "One for each time that an item's availability fell to its threshold. They are kept for 90 days.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: stockAlerts{Alerts: []stockAlert{exampleAlert}},
	}, h.alerts)
}

// movements is GET /stock/{sku}/movements.
func (h handlers) movements(ctx context.Context, in *movementsInput) (*movementsOutput, error) {
	page, err := h.stock.Movements(ctx, in.SKU, in.Size(), in.PageToken)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	out := &movementsOutput{movements{Movements: []movement{}, NextPageToken: page.Next}}
	for _, m := range page.Movements {
		out.Body.Movements = append(out.Body.Movements, movement(m))
	}
	return out, nil
}

// alerts is GET /stock/alerts.
func (h handlers) alerts(ctx context.Context, in *alertsInput) (*alertsOutput, error) {
	page, err := h.stock.Alerts(ctx, in.Size(), in.PageToken)
	if err != nil {
		return nil, stockhttp.Problem(err)
	}
	out := &alertsOutput{stockAlerts{Alerts: []stockAlert{}, NextPageToken: page.Next}}
	for _, a := range page.Alerts {
		out.Body.Alerts = append(out.Body.Alerts, stockAlert(a))
	}
	return out, nil
}
