package bench

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	cloud "cloud.google.com/go/datastore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/visit"
)

// BenchmarkDatastore compares our visits with one transaction for each visit, as
// Datastore's own documentation has it, on the Datastore emulator.
func BenchmarkDatastore(b *testing.B) {
	host := emulator.Datastore(b)
	b.Setenv("DATASTORE_EMULATOR_HOST", host)
	const patience = 10 * time.Second // for each round
	for _, clients := range []int{64, 256} {
		b.Run(fmt.Sprintf("clients=%d", clients), func(b *testing.B) {
			service, reads := visits(b, fmt.Sprintf("bench-%d-%d", clients, time.Now().UnixNano()))
			naive := oneTransactionEach(b)
			var ratios []float64
			var ours, theirs tallies
			for range 3 {
				c := hammer(clients, patience, naive)
				a := hammer(clients, patience, service)
				ours, theirs = ours.plus(a), theirs.plus(c)
				ratios = append(ratios, a.perSecond()/c.perSecond())
			}
			if ours.failed > 0 {
				b.Errorf("%d visits failed, want none", ours.failed)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(ours.perSecond(), "visits/s")
			b.ReportMetric(theirs.perSecond(), "naive/s")
			b.ReportMetric(100*float64(theirs.failed)/float64(theirs.failed+theirs.done), "naive-failed-%")
			b.ReportMetric(median(ratios), "ratio")
			b.ReportMetric(1000*float64(reads())/float64(ours.done), "reads+writes/1000")
		})
	}
}

// visits returns a call that counts one visit, and what all have cost so far. It
// checks that none is lost.
func visits(b *testing.B, project string) (count func(context.Context) error, cost func() uint64) {
	b.Helper()
	store, err := datastore.Open(b.Context(), project, "")
	if err != nil {
		b.Fatal(err)
	}
	service := visit.New(store, visit.Options{})
	visitor := visit.Visitor{Addr: netip.MustParseAddr("192.0.2.1"), UserAgent: "bench"}
	var acknowledged atomic.Int64
	b.Cleanup(func() {
		views, err := service.Read(context.Background(), "/")
		if err != nil || views[0].Visits != acknowledged.Load() {
			b.Errorf("stored %v, %v, acknowledged %d", views, err, acknowledged.Load())
		}
		store.Close()
	})
	return func(ctx context.Context) error {
			_, err := service.Count(ctx, visit.Request{Page: "/", Visitor: visitor})
			if err == nil {
				acknowledged.Add(1)
			}
			return err
		}, func() uint64 {
			s := service.Stats()
			return s.EntityReads + s.EntityWrites
		}
}

// oneTransactionEach returns a call that reads, adds and writes in a transaction of
// its own, with the client library's own retries.
func oneTransactionEach(b *testing.B) func(context.Context) error {
	client := cloudClient(b)
	type counter struct {
		Data []byte `datastore:",noindex"`
	}
	key := cloud.NameKey("Counter", "one", nil)
	return func(ctx context.Context) error {
		_, err := client.RunInTransaction(ctx, func(tx *cloud.Transaction) error {
			c := counter{make([]byte, 8)}
			if err := tx.Get(key, &c); err != nil && err != cloud.ErrNoSuchEntity {
				return err
			}
			binary.BigEndian.PutUint64(c.Data, binary.BigEndian.Uint64(c.Data)+1)
			_, err := tx.Put(key, &c)
			return err
		})
		return err
	}
}

// cloudClient is Google's client of an empty project on the emulator.
func cloudClient(b *testing.B) *cloud.Client {
	b.Helper()
	client, err := cloud.NewClient(b.Context(), fmt.Sprintf("naive-%d", time.Now().UnixNano()),
		option.WithoutAuthentication(), option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { client.Close() })
	return client
}

// tallies is what came of calls.
type tallies struct {
	done, failed int64
	took         time.Duration
}

func (t tallies) perSecond() float64 { return float64(t.done) / t.took.Seconds() }

func (t tallies) plus(u tallies) tallies {
	return tallies{t.done + u.done, t.failed + u.failed, t.took + u.took}
}

// hammer calls from so many clients for so long.
func hammer(clients int, length time.Duration, call func(context.Context) error) tallies {
	var done, failed atomic.Int64
	var all sync.WaitGroup
	begin := time.Now()
	for range clients {
		all.Go(func() {
			for time.Since(begin) < length {
				if err := call(context.Background()); err != nil {
					failed.Add(1)
				} else {
					done.Add(1)
				}
			}
		})
	}
	all.Wait()
	return tallies{done.Load(), failed.Load(), time.Since(begin)}
}
