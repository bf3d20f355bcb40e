// Package stockhttp is what the functions that change stock have in common: what its
// errors are to a client.
package stockhttp

import (
	"errors"
	"net/http"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
)

// Rules is the table of what the stock's errors are to a client.
func Rules() []edge.Rule {
	unprocessable := func(err error, code string) edge.Rule {
		return edge.Rule{Err: err, Status: http.StatusUnprocessableEntity, Code: code, Tell: true}
	}
	return []edge.Rule{
		{Err: inventory.ErrItemNotFound, Status: http.StatusNotFound, Code: "ITEM_NOT_FOUND", Tell: true},
		{Err: inventory.ErrReservationNotFound, Status: http.StatusNotFound, Code: "RESERVATION_NOT_FOUND", Tell: true},
		{Err: inventory.ErrPageToken, Status: http.StatusBadRequest, Code: "PAGE_TOKEN_INVALID", Tell: true},
		{Err: inventory.ErrStaleSettings, Status: http.StatusConflict, Code: "STALE_SETTINGS", Tell: true},
		unprocessable(inventory.ErrSKU, "SKU_INVALID"),
		unprocessable(inventory.ErrLines, "LINES_INVALID"),
		unprocessable(inventory.ErrQuantity, "QUANTITY_INVALID"),
		unprocessable(inventory.ErrText, "TEXT_INVALID"),
		unprocessable(inventory.ErrTTL, "TTL_INVALID"),
	}
}

// Problem tells what refusals of the stock are, with the numbers that stand against what
// was asked for. Other errors it returns as they are.
func Problem(err error) error {
	var short *inventory.InsufficientError
	var stale *inventory.StaleError
	var ended *inventory.EndedError
	switch {
	case errors.As(err, &short):
		var faults []edge.Fault
		for _, s := range short.Shortages {
			faults = append(faults, fault(s.SKU+"/available", s.String(), s.Available))
		}
		return conflict("INSUFFICIENT_STOCK", short, faults...)
	case errors.As(err, &stale):
		return conflict("STALE_COUNT", stale, fault(stale.SKU+"/onHand", stale.Error(), stale.OnHand))
	case errors.As(err, &ended):
		return conflict(endings[ended.Status], ended)
	}
	return err
}

var endings = map[inventory.Status]string{
	inventory.StatusCommitted: "RESERVATION_COMMITTED",
	inventory.StatusReleased:  "RESERVATION_RELEASED",
	inventory.StatusExpired:   "RESERVATION_EXPIRED",
}

func conflict(code string, err error, faults ...edge.Fault) error {
	p := edge.NewProblem(http.StatusConflict, code, err.Error()+".")
	p.Errors = faults
	return p
}

func fault(location, message string, value int64) edge.Fault {
	return edge.Fault{Location: location, Message: message, Value: &value}
}
