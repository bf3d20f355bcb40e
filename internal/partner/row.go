package partner

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// Row is an update that was accepted, as it was.
type Row struct {
	ID       string // webhook-id; of the old scheme, made here
	Partner  string
	Type     string // of an update that is only kept, empty
	Legacy   bool   // it came by the old scheme
	Received time.Time
	Body     []byte // of the old scheme, its parameter
}

// rowHead is a row as it is stored, before its body.
type rowHead struct {
	ID, Partner, Type string
	Legacy            bool
	Received          time.Time
}

const (
	rowKind     = "PartnerUpdate"
	rowProperty = "partner"
	rowVersion  = 1
)

// rowKey orders a partner's rows from the latest to the first.
func rowKey(partner, id string, received time.Time) storage.Key {
	return storage.Key{Kind: rowKind, Name: fmt.Sprintf("%s %016x %s", partner, ^uint64(received.UnixMicro()), id)}
}

// row is the update's own row: its encoding is a version, and then a line of JSON and
// the body.
func (a *accepted) row(received time.Time) storage.Entity {
	h := rowHead{ID: a.id, Partner: a.partner.ID, Type: a.update.kind, Legacy: a.legacy, Received: received}
	head, err := json.Marshal(h)
	if err != nil {
		panic(err) // of texts and a time
	}
	data := append([]byte{rowVersion}, head...)
	return storage.Entity{
		Key:   rowKey(h.Partner, h.ID, received),
		Index: map[string]any{rowProperty: h.Partner},
		Data:  append(append(data, '\n'), a.body...),
	}
}

func decodeRow(e storage.Entity) (r Row, err error) {
	head, body, ok := bytes.Cut(e.Data, []byte("\n"))
	if !ok || head[0] != rowVersion {
		return r, errors.New("partner: not a row of a known version")
	}
	var h rowHead
	if err := json.Unmarshal(head[1:], &h); err != nil {
		return r, err
	}
	return Row{h.ID, h.Partner, h.Type, h.Legacy, h.Received, body}, nil
}

// Rows is a page of a partner's updates, the latest first.
type Rows struct {
	Rows []Row
	Next string // for the page after it; empty at the end
}

// Updates returns a page of the updates that were accepted from a partner, also from one
// that is a partner no longer.
func (s *Service) Updates(ctx context.Context, partner string, size int, token string) (Rows, error) {
	q := storage.Query{Kind: rowKind, Limit: size, Cursor: token, Where: []storage.Filter{
		{Property: rowProperty, Op: storage.Equal, Value: partner},
	}}
	found, err := s.store.Query(ctx, q)
	if err != nil {
		return Rows{}, fmt.Errorf("partner: updates of %s: %w", partner, err)
	}
	page := Rows{Next: found.Next}
	size = 0
	for i, e := range found.Entities {
		r, err := decodeRow(e)
		if err != nil {
			return Rows{}, fmt.Errorf("partner: update %s: %w", e.Key, err)
		}
		page.Rows = append(page.Rows, r)
		if size += len(r.Body); size > maxPageBytes && i < len(found.Entities)-1 {
			page.Next = found.After(i)
			break
		}
	}
	return page, nil
}

// maxPageBytes is when a page of updates ends before it is full.
const maxPageBytes = 8 << 20
