package datastore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// partial answers each call in part only, as the server does when a reply would
// be large.
type partial struct{ pb.DatastoreClient }

func (p partial) Lookup(ctx context.Context, in *pb.LookupRequest, o ...grpc.CallOption) (*pb.LookupResponse, error) {
	deferred := in.Keys[1:]
	in.Keys = in.Keys[:1]
	reply, err := p.DatastoreClient.Lookup(ctx, in, o...)
	if err == nil {
		reply.Deferred = append(reply.Deferred, deferred...)
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
	s := onEmulator(t)
	s.client = partial{s.client}
	var keys []storage.Key
	err := s.Update(t.Context(), func(storage.Getter) (writes []storage.Write, err error) {
		for i := range 5 {
			key := storage.Key{Kind: "Part", Name: fmt.Sprint(i)}
			keys = append(keys, key)
			writes = append(writes, storage.Write{Entity: storage.Entity{Key: key, Data: []byte(key.Name)}})
		}
		return writes, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Get(t.Context(), keys)
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

// onEmulator is an empty store.
func onEmulator(t *testing.T) *store {
	t.Helper()
	s, err := open(t.Context(), "test", "", Emulator(emulator.Datastore(t)), Namespace(fmt.Sprintf("part%x", rand.Uint64())))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
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
