package update

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
)

type acceptInput struct {
	edge.Raw
	Partner   string `path:"partner" doc:"The partner who sends it." example:"acme"`
	ID        string `header:"webhook-id" doc:"A name of your own for this update, new for each, the same when it is sent again: 1 to 64 letters A-Z a-z, digits, _ and -."`
	Timestamp string `header:"webhook-timestamp" doc:"When this try is sent, in seconds since 1970. It may be 300 seconds off, either way."`
	Signature string `header:"webhook-signature" doc:"v1, a comma, and the base64 of the HMAC-SHA256 of webhook-id, webhook-timestamp and the body with a dot between two, keyed with the bytes that follow whsec_ in base64. Up to 5 of them, with a space between two."`
}

type acceptOutput struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when it was accepted when it was first sent."`
	Body     acceptedUpdate
}

type acceptedUpdate struct {
	Status bool   `json:"status" doc:"True: it is done, and stored."`
	ID     string `json:"id" doc:"The webhook-id."`
}

const acceptDescription = "Takes an update that is signed as [Standard Webhooks](https://www.standardwebhooks.com) has it, at most 64 KiB. " +
	"`type` is `stock.adjusted` (data: `sku`, `delta`), `stock.counted` (`sku`, `quantity`, and `expected` where it is to hold only if that was on hand) or `delivery.updated` (`id`, `status`, `order`, `note`); " +
	"`data` is one such line, or `{\"lines\":[…]}` with up to 100 of them, all or none of which are done. Updates of stock take a `reason` and a `reference` for the ledger.\n\n" +
	"Sent again with the same webhook-id and the same body, signed anew, an update is done once and has the same reply, for 7 days. " +
	"A missing or wrong signature and a partner that there is not have one and the same reply."

const exampleUpdate = `{"type":"stock.adjusted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"ACME-1","delta":-2,"reference":"PO-1001"}}`

func (h handlers) registerAccept() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "acceptUpdate", Method: http.MethodPost, Path: "/partners/{partner}/updates",
			Summary:     "Send a signed update",
			Description: acceptDescription,
			RequestBody: &huma.RequestBody{Required: true, Description: "The update.", Content: map[string]*huma.MediaType{
				"application/json": {Schema: updateSchema(), Example: object(exampleUpdate)},
			}},
			Errors: []int{
				http.StatusForbidden, http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
			},
		},
		Signed:  true,
		Example: acceptedUpdate{Status: true, ID: "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"},
	}, h.accept)
}

// updateSchema says what a signed update looks like. It is held against one by
// internal/partner, after its signature.
func updateSchema() *huma.Schema {
	return &huma.Schema{
		Type:     huma.TypeObject,
		Required: []string{"type", "timestamp", "data"},
		Properties: map[string]*huma.Schema{
			"type":      {Type: huma.TypeString, Enum: []any{partner.StockAdjusted, partner.StockCounted, partner.DeliveryUpdated}, Description: "What it is."},
			"timestamp": {Type: huma.TypeString, Format: "date-time", Description: "When it happened, by your clock; at most a day ahead."},
			"data":      {Type: huma.TypeObject, AdditionalProperties: true, Description: "One line, or lines."},
		},
		AdditionalProperties: false,
	}
}

// accept is POST /partners/{partner}/updates.
func (h handlers) accept(ctx context.Context, in *acceptInput) (*acceptOutput, error) {
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		if len(in.Header(name)) > 1 {
			return nil, fmt.Errorf("%w: %s is there more than once", partner.ErrHeaders, name)
		}
	}
	receipt, err := h.partners.Accept(ctx, partner.Signed{
		Partner: in.Partner, ID: in.ID, Timestamp: in.Timestamp, Signature: in.Signature, Body: in.Bytes(),
	})
	if err != nil {
		return nil, h.problem(err)
	}
	out := &acceptOutput{Body: acceptedUpdate{Status: true, ID: receipt.ID}}
	if receipt.Replayed {
		out.Replayed = "true"
	}
	return out, nil
}
