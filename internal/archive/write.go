package archive

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
)

// Source is what goes into an archive.
type Source struct {
	Snapshot storage.Snapshot
	Time     time.Time          // when that was taken
	Partners []*partner.Partner // those that are revoked are left out
	Program  string             // the version that writes
}

// Write writes an archive and tells progress how many entities it has written. Memory
// does not grow with the archive.
func Write(ctx context.Context, w io.Writer, from Source, progress func(entities int64)) (Contents, error) {
	z := gzip.NewWriter(w)
	a := &writer{out: z, sum: sha256.New(), order: newOrder(), progress: progress}
	c, err := a.write(ctx, from)
	if err == nil {
		err = z.Close()
	}
	return c, err
}

type writer struct {
	out      io.Writer
	sum      hash.Hash
	order    *order
	progress func(int64)
	buffer   bytes.Buffer
}

func (a *writer) write(ctx context.Context, from Source) (Contents, error) {
	c := Contents{Time: from.Time.UTC().Truncate(storage.TimeResolution), Program: from.Program}
	page, err := from.Snapshot.Query(ctx, storage.Query{Kind: restoreKind, Limit: 1, KeysOnly: true})
	switch {
	case err != nil:
		return c, err
	case len(page.Entities) > 0:
		return c, ErrUnfinished
	}
	if err := a.line(header{Format: format, Version: version, Time: c.Time, Program: c.Program, Without: privateKinds()}); err != nil {
		return c, err
	}
	for _, p := range from.Partners {
		if revoked(p, c.Time) {
			continue
		}
		p := Partner{ID: p.ID, Types: p.Types, SKUs: p.SKUs, Texts: p.Texts}
		if err := p.check(); err != nil { // which no import would take
			return c, err
		}
		c.Partners = append(c.Partners, p)
		if err := a.line(line{Partner: &p}); err != nil {
			return c, err
		}
	}
	if err := a.entities(ctx, from.Snapshot); err != nil {
		return c, err
	}
	c.Entities, c.Kinds, c.SHA256 = a.order.total, a.order.counts, hex.EncodeToString(a.sum.Sum(nil))
	return c, a.line(line{End: &end{Entities: c.Entities, Kinds: c.Kinds, SHA256: c.SHA256}})
}

// revoked says whether nobody could prove to be the partner. In an archive it would come
// back with a new secret.
func revoked(p *partner.Partner, at time.Time) bool {
	return len(p.ActiveKeys(at)) == 0 && len(p.Texts) == 0
}

func (a *writer) entities(ctx context.Context, s storage.Snapshot) error {
	for _, kind := range public(Kinds()) {
		if err := a.kind(ctx, s, kind); err != nil {
			return err
		}
	}
	for _, c := range a.order.collections {
		for _, kind := range public(record.KindsOf(c)) {
			if err := a.kind(ctx, s, kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// A page has pageBytes, as far as those before tell. They tell nothing of entities that are
// larger than all before: so it has few entities at first, and never more than maxPage, which
// bounds what it can be.
const (
	pageBytes = 4 << 20
	firstPage = 4
	maxPage   = 250
)

func (a *writer) kind(ctx context.Context, s storage.Snapshot, kind string) error {
	q := storage.Query{Kind: kind, Limit: firstPage}
	largest := 1
	for {
		page, err := s.Query(ctx, q)
		if err != nil {
			return err
		}
		for _, e := range page.Entities {
			largest = max(largest, e.Size())
			if err := a.order.next(e.Key); err != nil {
				return err
			}
			if err := a.line(line{Entity: newEntity(e)}); err != nil {
				return err
			}
		}
		a.progress(a.order.total)
		if page.Next == "" {
			return nil
		}
		q.Cursor, q.Limit = page.Next, max(1, min(4*q.Limit, pageBytes/largest, maxPage))
	}
}

func (a *writer) line(v any) error {
	a.buffer.Reset()
	if err := json.MarshalWrite(&a.buffer, v, json.Deterministic(true)); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	a.buffer.WriteByte('\n')
	a.sum.Write(a.buffer.Bytes())
	_, err := a.out.Write(a.buffer.Bytes())
	return err
}
