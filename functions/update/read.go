package update

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
)

type updatesInput struct {
	Partner string `path:"partner" maxLength:"63" doc:"The partner." example:"acme"`
	edge.List
}

type updatesOutput struct{ Body partnerUpdates }

type partnerUpdates struct {
	Updates       []partnerUpdate `json:"updates" doc:"The updates that were accepted, the latest first."`
	NextPageToken string          `json:"nextPageToken" doc:"For the next page; empty at the end. A page may have fewer updates than were asked for before it."`
}

type partnerUpdate struct {
	ID           string          `json:"id" doc:"Its webhook-id; one of the old scheme has an id that was made here."`
	Type         string          `json:"type,omitempty" doc:"Its type. One of the old scheme that is only kept has none."`
	Scheme       string          `json:"scheme" enum:"standard-webhooks,legacy" doc:"How it was signed."`
	ReceivedTime time.Time       `json:"receivedTime" doc:"When it was accepted."`
	Body         json.RawMessage `json:"body" doc:"What it said: its body, or its parameter."`
}

type deliveryInput struct {
	ID string `path:"id" maxLength:"64" doc:"The delivery." example:"D-1"`
}

type deliveryOutput struct{ Body delivery }

type delivery struct {
	ID         string          `json:"id" doc:"The delivery."`
	Partner    string          `json:"partner" doc:"Whose it is: who told of it first. No other partner's updates of it are taken."`
	Status     string          `json:"status" doc:"The status of the latest event, by the partner's time."`
	Order      string          `json:"order,omitempty" doc:"The order that it delivers."`
	CreateTime time.Time       `json:"createTime" doc:"When the first event came."`
	UpdateTime time.Time       `json:"updateTime" doc:"When the last event came."`
	Events     []deliveryEvent `json:"events" doc:"All events, in the order in which they came."`
}

type deliveryEvent struct {
	Status       string    `json:"status" doc:"What the delivery's status was."`
	Note         string    `json:"note,omitempty" doc:"What was said to it."`
	Update       string    `json:"update" doc:"The id of the update that told it."`
	Time         time.Time `json:"time" doc:"When it happened, by the partner's clock."`
	ReceivedTime time.Time `json:"receivedTime" doc:"When it came."`
}

func (h handlers) registerRead() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listPartnerUpdates", Method: http.MethodGet, Path: "/partners/{partner}/updates",
			Summary:     "List a partner's updates",
			Description: "Every update that was accepted, also from who is no partner any more.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: partnerUpdates{Updates: []partnerUpdate{exampleRow}},
	}, h.updates)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "readDelivery", Method: http.MethodGet, Path: "/deliveries/{id}",
			Summary:     "Read a delivery",
			Description: "Its status, and its whole history.",
			Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: exampleDelivery,
	}, h.delivery)
}

var exampleTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

var exampleRow = partnerUpdate{
	ID: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W", Type: partner.StockAdjusted, Scheme: "standard-webhooks",
	ReceivedTime: exampleTime, Body: json.RawMessage(exampleUpdate),
}

var exampleDelivery = delivery{
	ID: "D-1", Partner: "acme", Status: "shipped", Order: "ORDER-7", CreateTime: exampleTime, UpdateTime: exampleTime,
	Events: []deliveryEvent{{Status: "shipped", Update: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4X", Time: exampleTime, ReceivedTime: exampleTime}},
}

// updates is GET /partners/{partner}/updates.
func (h handlers) updates(ctx context.Context, in *updatesInput) (*updatesOutput, error) {
	page, err := h.partners.Updates(ctx, in.Partner, in.Size(), in.PageToken)
	if err != nil {
		return nil, err
	}
	out := &updatesOutput{partnerUpdates{Updates: []partnerUpdate{}, NextPageToken: page.Next}}
	for _, r := range page.Rows {
		u := partnerUpdate{ID: r.ID, Type: r.Type, Scheme: "standard-webhooks", ReceivedTime: r.Received, Body: r.Body}
		if r.Legacy {
			u.Scheme = "legacy"
		}
		out.Body.Updates = append(out.Body.Updates, u)
	}
	return out, nil
}

// delivery is GET /deliveries/{id}.
func (h handlers) delivery(ctx context.Context, in *deliveryInput) (*deliveryOutput, error) {
	d, err := h.partners.Delivery(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	out := &deliveryOutput{delivery{
		ID: d.ID, Partner: d.Partner, Status: d.Status, Order: d.Order, CreateTime: d.Created, UpdateTime: d.Updated,
	}}
	for _, e := range d.Events {
		out.Body.Events = append(out.Body.Events, deliveryEvent{e.Status, e.Note, e.Update, e.Time, e.Received})
	}
	return out, nil
}
