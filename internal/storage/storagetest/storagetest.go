// Package storagetest is the conformance suite of package storage: a backend's
// test is Run and little else.
//
// Each sentence of the comments in storage.go has a case here that is named for
// it. get.go, update.go, isolation.go with sum.go, context.go and limits.go follow
// Store and Tx; keys.go, values.go and expire.go follow Key and Entity; query.go,
// count.go and cursor.go follow Query and Page, moment.go follows Snapshot; model.go compares random histories with a map.
//
// For the tests of what stands on a store there are stores that can be looked into
// (watched.go), and that cannot be relied on (unreliable.go).
package storagetest

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tallystick/tallystick/internal/storage"
)

// patience is how long a case may take before it fails instead of hanging.
const patience = 60 * time.Second

// Run tests the store that open makes. open is called once, and closes the store
// with t.Cleanup; what it holds before and between the cases is all the same,
// for each case has kinds of its own. Without names groups that are left out.
func Run(t *testing.T, open func(t *testing.T) storage.Store, without ...string) {
	store := open(t)
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"Get", getCases},
		{"Update", updateCases},
		{"Isolation", isolationCases},
		{"Context", contextCases},
		{"Limits", limitCases},
		{"Keys", keyCases},
		{"Values", valueCases},
		{"Expire", expireCases},
		{"Query", queryCases},
		{"Count", countCases},
		{"Cursor", cursorCases},
		{"Snapshot", snapshotCases},
		{Moment, momentCases},
		{"Model", modelCases},
	} {
		if slices.Contains(without, group.name) {
			continue
		}
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, store)) })
			}
		})
	}
}

type testCase struct {
	name string
	run  func(f *fixture)
}

// fixture is what a case works with.
type fixture struct {
	*testing.T
	store storage.Store
	ctx   context.Context
	kind  string
}

var kinds atomic.Int64

func newFixture(t *testing.T, store storage.Store) *fixture {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return &fixture{t, store, ctx, newKind()}
}

func newKind() string { return fmt.Sprintf("Case%d", kinds.Add(1)) }

func (f *fixture) key(name string) storage.Key { return storage.Key{Kind: f.kind, Name: name} }

// entity has data and nothing else.
func (f *fixture) entity(name, data string) storage.Entity {
	return storage.Entity{Key: f.key(name), Exists: true, Data: []byte(data)}
}

// put stores the entities in one transaction.
func (f *fixture) put(entities ...storage.Entity) {
	f.Helper()
	if err := f.tryPut(entities...); err != nil {
		f.Fatalf("Update to put %d entities: %v", len(entities), err)
	}
}

func (f *fixture) tryPut(entities ...storage.Entity) error {
	return f.store.Update(f.ctx, func(tx storage.Tx) error {
		for _, e := range entities {
			if err := tx.Put(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *fixture) remove(names ...string) {
	f.Helper()
	err := f.store.Update(f.ctx, func(tx storage.Tx) error {
		for _, name := range names {
			if err := tx.Delete(f.key(name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatalf("Update to delete %q: %v", names, err)
	}
}

func (f *fixture) get(names ...string) []storage.Entity {
	f.Helper()
	keys := make([]storage.Key, len(names))
	for i, name := range names {
		keys[i] = f.key(name)
	}
	got, err := f.store.Get(f.ctx, keys...)
	if err != nil {
		f.Fatalf("Get %q: %v", names, err)
	}
	if len(got) != len(names) {
		f.Fatalf("Get %q: got %d entities, want %d", names, len(got), len(names))
	}
	return got
}

// wantData fails unless the entity has this data. "-" stands for a missing one.
func (f *fixture) wantData(name, want string) {
	f.Helper()
	e := f.get(name)[0]
	got := string(e.Data)
	if !e.Exists {
		got = "-"
	}
	if got != want {
		f.Errorf("%s: got data %q, want %q", name, got, want)
	}
}

// equal compares entities: nil and empty are the same, and times by their instant.
func (f *fixture) equal(what string, got, want any) {
	f.Helper()
	if diff := difference(got, want); diff != "" {
		f.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func difference(got, want any) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }
