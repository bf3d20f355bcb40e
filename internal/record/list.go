package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

// ListRequest asks for a page of a collection's records.
type ListRequest struct {
	Collection string
	Terms      []Term // that all have to hold
	OrderBy    string // a field, perhaps with " desc"; empty: an order that is fixed and means nothing
	Size       int    // records at most, 1 to storage.MaxQueryLimit
	Token      string // the Next of the page before
	Count      bool   // whether to count all that the terms select
}

// Page is a page of records.
type Page struct {
	Records []Record
	IDs     []string // of Keys, in place of Records
	Next    string   // empty: the end. A page may be short, or empty, before it.
	Total   int64    // where it was asked for
}

// List returns a page of records. It ends when it is full, or has read maxReplyBytes.
func (r *Reader) List(ctx context.Context, req ListRequest) (Page, error) {
	q, _, err := r.prepareQuery(ctx, req)
	if err != nil {
		return Page{}, err
	}
	found, err := r.source.Query(ctx, q)
	if err != nil {
		return Page{}, queryError(q, err)
	}
	page := Page{Records: make([]Record, 0, len(found.Entities)), Next: found.Next}
	bytes := 0
	for i, e := range found.Entities {
		id := idOf(e.Key.Name)
		s, err := r.fromEntity(ctx, req.Collection, id, e)
		if err != nil {
			return Page{}, err
		}
		if s == nil {
			continue
		}
		page.Records = append(page.Records, s.record(req.Collection, id))
		if bytes += len(s.original) + len(s.transformed); bytes > maxReplyBytes && i < len(found.Entities)-1 {
			page.Next = found.After(i)
			break
		}
	}
	page.Total, err = r.total(ctx, req, q)
	return page, err
}

// Keys is List for the ids alone, which costs the store less.
func (r *Reader) Keys(ctx context.Context, req ListRequest) (Page, error) {
	q, c, err := r.prepareQuery(ctx, req)
	if err != nil {
		return Page{}, err
	}
	q.KeysOnly = !c.Expires // a key does not tell whether its record has expired
	found, err := r.source.Query(ctx, q)
	if err != nil {
		return Page{}, queryError(q, err)
	}
	page := Page{IDs: make([]string, 0, len(found.Entities)), Next: found.Next}
	for _, e := range found.Entities {
		if !e.Expire.IsZero() && !r.now().Before(e.Expire) {
			continue
		}
		page.IDs = append(page.IDs, idOf(e.Key.Name))
	}
	page.Total, err = r.total(ctx, req, q)
	return page, err
}

func (r *Reader) prepareQuery(ctx context.Context, req ListRequest) (storage.Query, *Collection, error) {
	c, err := r.collection(ctx, req.Collection)
	if err != nil {
		return storage.Query{}, nil, err
	}
	q, err := c.query(req.Terms, req.OrderBy)
	q.Limit, q.Cursor = req.Size, req.Token
	return q, c, err
}

// total counts what the query selects. It may count records that expired in the last
// days and that the store has not removed yet.
func (r *Reader) total(ctx context.Context, req ListRequest, q storage.Query) (int64, error) {
	if !req.Count {
		return 0, nil
	}
	n, err := r.source.Count(ctx, q)
	return n, queryError(q, err)
}

func queryError(q storage.Query, err error) error {
	var index *storage.IndexError
	if errors.As(err, &index) {
		return &IndexRequiredError{
			Reason: "The database has no index for these fields together",
			Remedy: "Its operator has to make it:\n" + index.Hint,
		}
	}
	if err != nil {
		return fmt.Errorf("record: query %s: %w", q.Kind, err)
	}
	return nil
}
