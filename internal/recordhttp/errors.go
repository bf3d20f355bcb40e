package recordhttp

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
)

// Rules is the table of what records' errors are to a client.
func Rules() []edge.Rule {
	unprocessable := func(err error, code string) edge.Rule {
		return edge.Rule{Err: err, Status: http.StatusUnprocessableEntity, Code: code, Tell: true}
	}
	return []edge.Rule{
		{Err: record.ErrIncomplete, Status: http.StatusServiceUnavailable, Code: "IMPORT_INCOMPLETE",
			Detail: "A part is imported. Send the same file again to complete it: with ids in its rows, or the same Idempotency-Key, no record is doubled.", Retry: 1},
		{Err: record.ErrPartlyRemoved, Status: http.StatusServiceUnavailable, Code: "REMOVAL_INCOMPLETE",
			Detail: "Some of the records are removed, others not. Send the same request again: it removes the rest, and lists as missing what is gone.", Retry: 1},
		{Err: record.ErrNotFound, Status: http.StatusNotFound, Code: "RECORD_NOT_FOUND", Tell: true},
		{Err: record.ErrCollectionNotFound, Status: http.StatusNotFound, Code: "COLLECTION_NOT_FOUND", Tell: true},
		{Err: record.ErrExists, Status: http.StatusConflict, Code: "RECORD_EXISTS", Tell: true},
		{Err: record.ErrPrecondition, Status: http.StatusPreconditionFailed, Code: "PRECONDITION_FAILED", Tell: true},
		{Err: record.ErrTooLarge, Status: http.StatusRequestEntityTooLarge, Code: "RECORDS_TOO_LARGE", Tell: true},
		unprocessable(record.ErrIndexRequired, "INDEX_REQUIRED"),
		unprocessable(record.ErrUnsupported, "FILTER_UNSUPPORTED"),
		unprocessable(record.ErrFilter, "FILTER_INVALID"),
		unprocessable(record.ErrOrder, "ORDER_INVALID"),
		unprocessable(record.ErrID, "ID_INVALID"),
		unprocessable(record.ErrDuplicateID, "ID_TWICE"),
		unprocessable(record.ErrCollection, "COLLECTION_INVALID"),
		unprocessable(record.ErrTooMany, "TOO_MANY_RECORDS"),
		unprocessable(record.ErrSettings, "SETTINGS_INVALID"),
		unprocessable(record.ErrFile, "IMPORT_INVALID"),
	}
}

// Problem names the places of what is wrong with a document. Other errors it returns
// as they are.
func Problem(err error) error {
	var invalid *record.InvalidError
	if !errors.As(err, &invalid) {
		return err
	}
	prefix := ""
	var item *record.ItemError
	if errors.As(err, &item) {
		prefix = fmt.Sprintf("records[%d]", item.Item)
	}
	p := edge.NewProblem(http.StatusUnprocessableEntity, "DOCUMENT_INVALID", strings.TrimPrefix(prefix+": ", ": ")+invalid.Reason)
	for _, f := range invalid.Faults {
		p.Errors = append(p.Errors, edge.Fault{Location: prefix + f.Pointer, Message: f.Message})
	}
	if len(p.Errors) > 0 {
		first := p.Errors[0]
		p.Detail += ": " + strings.TrimPrefix(first.Location+": ", ": ") + first.Message
	}
	return p
}
