package datastore

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
)

// down is a server that answers nothing but that it is down, and counts.
type down struct {
	pb.UnimplementedDatastoreServer
	lookups, commits atomic.Int32
	headers          atomic.Pointer[metadata.MD]
}

func (d *down) Lookup(ctx context.Context, _ *pb.LookupRequest) (*pb.LookupResponse, error) {
	md, _ := metadata.FromIncomingContext(ctx)
	d.headers.Store(&md)
	d.lookups.Add(1)
	return nil, status.Error(codes.Unavailable, "down")
}

func (d *down) Commit(context.Context, *pb.CommitRequest) (*pb.CommitResponse, error) {
	d.commits.Add(1)
	return nil, status.Error(codes.Unavailable, "down")
}

func TestReadsAreRepeatedAndACommitIsNot(t *testing.T) {
	d := &down{}
	s := serve(t, d)
	if _, err := s.Get(t.Context(), []storage.Key{counter}); err == nil {
		t.Error("Get succeeded")
	}
	if got := d.lookups.Load(); got < 2 {
		t.Errorf("got %d lookups, want more than one", got)
	}
	_, err := s.client.Commit(t.Context(), &pb.CommitRequest{})
	if status.Code(err) != codes.Unavailable {
		t.Errorf("got error %v, want Unavailable", err)
	}
	if got := d.commits.Load(); got != 1 {
		t.Errorf("got %d commits, want 1", got)
	}
}

func TestCallsSayWhichDatabaseTheyAreFor(t *testing.T) {
	d := &down{}
	s := serve(t, d)
	_, _ = s.Get(t.Context(), []storage.Key{counter})
	got := d.headers.Load()
	for name, want := range map[string]string{
		"google-cloud-resource-prefix": "projects/a+project/databases/shop",
		"x-goog-request-params":        "project_id=a+project&database_id=shop",
	} {
		if v := got.Get(name); len(v) != 1 || v[0] != want {
			t.Errorf("%s: got %q, want %q", name, v, want)
		}
	}
}

func TestOpenWaitsForNothing(t *testing.T) {
	// Nobody listens there, and nothing asks for credentials.
	s, err := Open(t.Context(), "test", "", Emulator("127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Get(ctx, counter); err == nil {
		t.Error("Get succeeded")
	}
}

func serve(t *testing.T, d *down) *store {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	pb.RegisterDatastoreServer(server, d)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	pool, err := dial(t.Context(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	return &store{project: "a project", database: "shop", headers: headers("a project", "shop"), pool: pool, client: pb.NewDatastoreClient(pool)}
}
