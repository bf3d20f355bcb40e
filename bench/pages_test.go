package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/visit"
)

// BenchmarkPages compares a count, and the list of the busiest pages, at 1,000,000
// pages with the same at 1,000, on SQLite.
func BenchmarkPages(b *testing.B) {
	few, many := sitePages(b, 1_000), sitePages(b, 1_000_000)
	for _, c := range []struct {
		name string
		call func(*site) func(context.Context) error
	}{
		{"count", (*site).visits},
		{"top", (*site).busiest},
	} {
		b.Run(c.name, func(b *testing.B) {
			timesSlower(b, c.call(few), c.call(many))
		})
	}
}

// timesSlower reports how a call where there are many compares with the same where
// there are few, in turn, by the median of the rounds.
func timesSlower(b *testing.B, few, many func(context.Context) error) {
	b.Helper()
	var ratios, at []float64
	for range 5 {
		f := hammer(1, 2*time.Second, few)
		m := hammer(1, 2*time.Second, many)
		if f.failed+m.failed > 0 {
			b.Fatalf("%d and %d calls failed", f.failed, m.failed)
		}
		ratios, at = append(ratios, f.perSecond()/m.perSecond()), append(at, m.perSecond())
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(at), "calls/s")
	b.ReportMetric(median(ratios), "times-slower")
}

// site is a store with so many pages.
type site struct {
	*visit.Service
	pages int
}

func sitePages(b *testing.B, pages int) *site {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "pages.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	s := &site{visit.New(store, visit.Options{}), pages}
	views := make([]visit.View, pages)
	for i := range views {
		views[i] = visit.View{Page: page(i), Tally: visit.Tally{Visits: int64(i), Uniques: 1}}
	}
	if err := s.Import(b.Context(), views); err != nil {
		b.Fatal(err)
	}
	return s
}

func page(i int) visit.Page { return visit.Page(fmt.Sprintf("/blog/%d", i)) }

func (s *site) visits() func(context.Context) error {
	visitor := visit.Visitor{Addr: netip.MustParseAddr("192.0.2.1"), UserAgent: "bench"}
	return func(ctx context.Context) error {
		_, err := s.Count(ctx, visit.Request{Page: page(rand.IntN(s.pages)), Visitor: visitor})
		return err
	}
}

func (s *site) busiest() func(context.Context) error {
	return func(ctx context.Context) error {
		_, _, err := s.Top(ctx, 50, "")
		return err
	}
}
