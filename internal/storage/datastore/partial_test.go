package datastore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// partial answers each call in part only, as the server does when a reply would
// be large. Its read times are of nanoseconds, which it does not take in a request. Unless
// nil, looked runs before the part of a lookup is handed out.
type partial struct {
	pb.DatastoreClient
	looked func()
}

func (p partial) Lookup(ctx context.Context, in *pb.LookupRequest, o ...grpc.CallOption) (*pb.LookupResponse, error) {
	if in.GetReadOptions().GetReadTime().GetNanos()%1000 != 0 {
		return nil, status.Error(codes.InvalidArgument, "a read time has microseconds")
	}
	deferred := in.Keys[1:]
	in.Keys = in.Keys[:1]
	reply, err := p.DatastoreClient.Lookup(ctx, in, o...)
	if err == nil {
		reply.Deferred = append(reply.Deferred, deferred...)
		if reply.ReadTime != nil {
			reply.ReadTime.Nanos++
		}
	}
	if p.looked != nil {
		p.looked()
	}
	return reply, err
}

func (p partial) RunQuery(ctx context.Context, in *pb.RunQueryRequest, o ...grpc.CallOption) (*pb.RunQueryResponse, error) {
	query := in.GetQuery()
	wanted := query.GetLimit().GetValue()
	query.Limit = wrapperspb.Int32(1)
	reply, err := p.DatastoreClient.RunQuery(ctx, in, o...)
	if err == nil && wanted > 1 && len(reply.GetBatch().GetEntityResults()) == 1 {
		reply.Batch.MoreResults = pb.QueryResultBatch_NOT_FINISHED
	}
	return reply, err
}

func TestRepliesInPartsArePutTogether(t *testing.T) {
	s := onEmulator(t, emulator.Datastore)
	s.client = partial{DatastoreClient: s.client}
	putParts(t, s, "0", "1", "2", "3", "4")
	got, err := s.Get(t.Context(), parts(5))
	if err != nil {
		t.Fatal(err)
	}
	wantParts(t, "Get", got, "0", "1", "2", "3", "4")
	q := storage.Query{Kind: "Part", Limit: 3}
	page, err := s.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	wantParts(t, "first page", page.Entities, "0", "1", "2")
	q.Cursor = page.After(2)
	if page, err = s.Query(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	wantParts(t, "last page", page.Entities, "3", "4")
	if page.More {
		t.Error("after the last page there is more")
	}
}

func TestTheRepliesOfOneGetAreOneState(t *testing.T) {
	s := onEmulator(t, emulator.FirestoreDatastoreMode) // Datastore's has no read times
	s.conn.Emulated = false
	putParts(t, s, "0", "0", "0")
	looks := 0
	s.client = partial{s.client, func() {
		looks++
		now := fmt.Sprint(looks)
		putParts(t, s, now, now, now)
	}}
	got, err := s.Get(t.Context(), parts(3))
	if err != nil {
		t.Fatal(err)
	}
	wantParts(t, "Get", got, "0", "0", "0")
	if looks != 3 {
		t.Errorf("got %d replies, want 3", looks)
	}
}

// onEmulator is an empty store.
func onEmulator(t *testing.T, start func(testing.TB) string) *store {
	t.Helper()
	s, err := open(t.Context(), "test", "", Emulator(start(t)), Namespace(fmt.Sprintf("part%x", rand.Uint64())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func parts(n int) []storage.Key {
	keys := make([]storage.Key, n)
	for i := range keys {
		keys[i] = storage.Key{Kind: "Part", Name: fmt.Sprint(i)}
	}
	return keys
}

func putParts(t *testing.T, s *store, data ...string) {
	t.Helper()
	err := s.Update(t.Context(), func(storage.Getter) (writes []storage.Write, err error) {
		for i, key := range parts(len(data)) {
			writes = append(writes, storage.Write{Entity: storage.Entity{Key: key, Data: []byte(data[i])}})
		}
		return writes, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantParts(t *testing.T, what string, got []storage.Entity, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: got %d entities, want %d", what, len(got), len(want))
	}
	for i, e := range got {
		if !e.Exists || string(e.Data) != want[i] {
			t.Errorf("%s: entity %d is %+v, want %s", what, i, e, want[i])
		}
	}
}
