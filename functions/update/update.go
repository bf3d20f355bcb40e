// Package update is the function that takes updates from partners: signed ones, and those
// of the old scheme. It also shows what they have told. Each file holds operations that
// belong together, with their wire types; what they mean is in internal/partner.
package update

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/stockhttp"
)

// Register declares the function's operations.
func Register(a *edge.API) {
	a.Rules(
		edge.Rule{Err: partner.ErrHeaders, Status: http.StatusBadRequest, Code: "WEBHOOK_HEADERS_INVALID", Tell: true},
		edge.Rule{Err: partner.ErrSignature, Status: http.StatusUnauthorized, Code: "SIGNATURE_INVALID",
			Detail: "The signature is missing, or is not this partner's for this webhook-id, webhook-timestamp and body."},
		edge.Rule{Err: partner.ErrMalformed, Status: http.StatusBadRequest, Code: "MALFORMED_REQUEST", Tell: true},
		edge.Rule{Err: partner.ErrForbidden, Status: http.StatusForbidden, Code: "NOT_ALLOWED", Tell: true},
		edge.Rule{Err: partner.ErrInFlight, Status: http.StatusConflict, Code: "UPDATE_IN_FLIGHT",
			Detail: "An update of this webhook-id is under way. Send it again for its reply.", Retry: 1},
		edge.Rule{Err: partner.ErrReused, Status: http.StatusUnprocessableEntity, Code: "WEBHOOK_ID_REUSED",
			Detail: "This webhook-id came before with another body. Make a new one for each update."},
		edge.Rule{Err: partner.ErrTooMuch, Status: http.StatusUnprocessableEntity, Code: "UPDATE_TOO_LARGE", Tell: true},
		edge.Rule{Err: partner.ErrUnknown, Status: http.StatusServiceUnavailable, Code: "OUTCOME_UNKNOWN",
			Detail: "It is not known whether this was done. Send it again with the same webhook-id, and it is done once.", Retry: 1},
		edge.Rule{Err: partner.ErrUnavailable, Status: http.StatusServiceUnavailable, Code: "PARTNERS_UNAVAILABLE",
			Detail: "Who the partners are cannot be read now. Nothing was done.", Retry: 30},
		edge.Rule{Err: partner.ErrDeliveryFull, Status: http.StatusUnprocessableEntity, Code: "DELIVERY_FULL", Tell: true},
		edge.Rule{Err: partner.ErrDeliveryNotFound, Status: http.StatusNotFound, Code: "DELIVERY_NOT_FOUND", Tell: true},
	)
	a.Rules(stockhttp.Rules()...)
	folder, err := partner.Open(a.Config.Partners, a.Now)
	switch {
	case err != nil:
		a.Refuse(fmt.Errorf("PARTNERS: %w", err))
	case a.Store != nil: // or it is only asked whether it could start
		folder.LogWrong()
	}
	h := handlers{api: a, folder: folder, partners: partner.NewService(a.Store, folder, partner.Options{Queue: a.Config.MergeQueue, Now: a.Now})}
	h.registerAccept()
	h.registerLegacy()
	h.registerRead()
	h.registerPartners()
}

type handlers struct {
	api      *edge.API
	folder   *partner.Folder
	partners *partner.Service
}

// problem tells what is wrong with an update, and what stands against what it says. Other
// errors it returns as they are.
func (h handlers) problem(err error) error {
	var invalid *partner.InvalidError
	switch {
	case errors.Is(err, partner.ErrTimestamp):
		return edge.NewProblem(http.StatusUnauthorized, "TIMESTAMP_OUT_OF_RANGE", err.Error()+".").
			WithHeader("Date", h.api.Now().UTC().Format(http.TimeFormat))
	case errors.As(err, &invalid):
		return edge.NewProblem(http.StatusUnprocessableEntity, "UPDATE_INVALID", "").
			WithFaults(edge.Fault{Location: invalid.Pointer, Message: invalid.Reason})
	}
	return stockhttp.Problem(err)
}

// object is a JSON object, for the specification.
func object(text string) (o map[string]any) {
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		panic(err)
	}
	return o
}
