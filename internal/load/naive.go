package load

import (
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/visit"
)

// Way is how visits were counted, and what came of it.
type Way struct {
	Name string
	Result
	Check Check
}

// Compare counts visits on an empty store in several ways, one after the other: as Tallystick does, many
// in a transaction, and then by a transaction for each, which reads, adds and puts. They run in
// this process, without HTTP.
//
// A store whose writers come one by one, which SQLite's do, is asked a third way: each
// transaction alone. For ours lets those that wait share a flush, also the naive ones,
// which SQLite by itself does not. When ctx ends, so does the way that is under way, and the
// ways are those that there were.
func Compare(ctx context.Context, s storage.Store, oneWriter bool, p Plan) (ways []Way, err error) {
	service := visit.New(s, visit.Options{})
	counting := ctx
	ctx = context.WithoutCancel(ctx) // what is stored is read all the same
	read := func() (int64, error) {
		views, err := service.Read(ctx, page)
		if err != nil {
			return 0, err
		}
		return views[0].Visits, nil
	}
	all := []struct {
		name   string
		call   Call
		stored func() (int64, error)
	}{
		{"merged", merged(service), read},
		{"a transaction each", naive(s), func() (int64, error) { return naiveCount(ctx, s) }},
		{"a transaction and a flush each", alone(naive(s)), func() (int64, error) { return naiveCount(ctx, s) }},
	}
	if !oneWriter {
		all = all[:2]
	}
	for _, w := range all {
		way, err := p.way(counting, w.call, w.stored)
		if err != nil {
			return ways, fmt.Errorf("load: %s: %w", w.name, err)
		}
		way.Name = w.name
		ways = append(ways, way)
		if counting.Err() != nil {
			break
		}
	}
	return ways, nil
}

func (p Plan) way(ctx context.Context, call Call, stored func() (int64, error)) (w Way, err error) {
	if w.Check.Before, err = stored(); err != nil {
		return w, err
	}
	w.Result = p.Run(ctx, call)
	w.Check.Acknowledged, w.Check.Attempted = w.Done, w.Attempted
	w.Check.After, err = stored()
	return w, err
}

const page visit.Page = "/tallystick-load"

func merged(s *visit.Service) Call {
	visitor := visit.Visitor{Addr: netip.MustParseAddr("192.0.2.1"), UserAgent: "tallystick-load"}
	return timed(func(ctx context.Context) error {
		_, err := s.Count(ctx, visit.Request{Page: page, Visitor: visitor})
		return err
	})
}

// naiveKey is where the naive way counts.
var naiveKey = storage.Key{Kind: "NaiveCounter", Name: "one"}

func naive(s storage.Store) Call {
	return timed(func(ctx context.Context) error {
		return s.Update(ctx, func(tx storage.Tx) error {
			found, err := tx.Get(naiveKey)
			if err != nil {
				return err
			}
			n := countIn(found[0]) + 1
			return tx.Put(storage.Entity{Key: naiveKey, Data: binary.BigEndian.AppendUint64(nil, uint64(n))})
		})
	})
}

func naiveCount(ctx context.Context, s storage.Store) (int64, error) {
	found, err := s.Get(ctx, naiveKey)
	if err != nil {
		return 0, err
	}
	return countIn(found[0]), nil
}

func countIn(e storage.Entity) int64 {
	if !e.Exists {
		return 0
	}
	return int64(binary.BigEndian.Uint64(e.Data))
}

// alone makes calls one by one. One that waits is under way, and its time runs.
func alone(call Call) Call {
	var one sync.Mutex
	return func(ctx context.Context, i int) error {
		one.Lock()
		defer one.Unlock()
		return call(ctx, i)
	}
}

// callTime is how long a call may take, as the gateway gives it to a function.
const callTime = 15 * time.Second

func timed(call func(context.Context) error) Call {
	return func(ctx context.Context, _ int) error {
		ctx, cancel := context.WithTimeout(ctx, callTime)
		defer cancel()
		return call(ctx)
	}
}
