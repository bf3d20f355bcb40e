package google_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path"
	"slices"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/firestore"
)

// The methods of both services that matter here.
const (
	begin    = "BeginTransaction"
	commit   = "Commit"
	rollback = "Rollback"
)

// backend is one of the two, with its emulator.
type backend struct {
	name     string
	emulator func(testing.TB) string
	connect  func(ctx context.Context, project, database, host string) (storage.Store, error)
	headers  map[string]string // of a call to the database shop of "a project"
	read     string            // the method behind Get
	query    string            // and Query
	count    string            // and Count
}

var backends = []backend{
	{
		name:     "Datastore",
		emulator: emulator.Datastore,
		connect: func(ctx context.Context, project, database, host string) (storage.Store, error) {
			return datastore.Open(ctx, project, database, datastore.Emulator(host))
		},
		headers: map[string]string{
			"google-cloud-resource-prefix": "projects/a+project/databases/shop",
			"x-goog-request-params":        "project_id=a+project&database_id=shop",
		},
		read: "Lookup", query: "RunQuery", count: "RunAggregationQuery",
	},
	{
		name:     "Firestore",
		emulator: emulator.FirestoreNative,
		connect: func(ctx context.Context, project, database, host string) (storage.Store, error) {
			return firestore.Open(ctx, project, database, firestore.Emulator(host))
		},
		headers: map[string]string{
			"google-cloud-resource-prefix": "projects/a project/databases/shop",
			"x-goog-request-params":        "project_id=a+project&database_id=shop",
			"authorization":                "Bearer owner", // for the emulator
		},
		read: "BatchGetDocuments", query: "RunQuery", count: "RunAggregationQuery",
	},
}

// onEach runs a case on both backends.
func onEach(t *testing.T, name string, run func(t *testing.T, b backend)) {
	t.Helper()
	for _, b := range backends {
		t.Run(path.Join(b.name, name), func(t *testing.T) { run(t, b) })
	}
}

// open opens an empty store of the backend behind a proxy.
func (b backend) open(t *testing.T) (storage.Store, *proxy) {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///"+b.emulator(t), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return b.serve(t, &proxy{conn: conn}, fmt.Sprintf("fault%x", rand.Uint64()), "")
}

// serve lets the proxy stand for the backend's server.
func (b backend) serve(t *testing.T, p *proxy, project, database string) (storage.Store, *proxy) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnknownServiceHandler(p.relay), grpc.ForceServerCodec(raw{}))
	go func() { _ = server.Serve(l) }()
	t.Cleanup(server.Stop)
	s, err := b.connect(t.Context(), project, database, l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, p
}

// faults are what a proxy answers instead of the server; n counts the calls of the
// method from 0.
type faults struct {
	begin  func(n int) error // before the call
	commit func(n int) error
	answer func(n int) error // after a commit that was applied
	other  error             // to all other methods but a rollback
}

// proxy stands before a server, can fail, and records the calls.
type proxy struct {
	faults
	conn     *grpc.ClientConn
	expire   func() // at the transaction's call of the number expireAt
	expireAt int

	mu      sync.Mutex
	methods []string
	headers metadata.MD // of the last call
}

func (p *proxy) relay(_ any, server grpc.ServerStream) error {
	full, _ := grpc.MethodFromServerStream(server)
	method := path.Base(full)
	n := p.record(server.Context(), method)
	fault := func(f func(int) error) error {
		if f == nil {
			return nil
		}
		return f(n)
	}
	var err error
	switch method {
	case begin:
		err = fault(p.begin)
	case commit:
		err = fault(p.commit)
	case rollback:
	default:
		err = p.other
	}
	if err != nil {
		return err
	}
	replies, err := p.forward(full, server)
	if err == nil && method == commit {
		err = fault(p.answer)
	}
	if err != nil {
		return err
	}
	for _, reply := range replies {
		if err := server.SendMsg(&reply); err != nil {
			return err
		}
	}
	return nil
}

// forward makes the call and returns all that the server answers.
func (p *proxy) forward(method string, from grpc.ServerStream) (replies [][]byte, err error) {
	var request []byte
	if err := from.RecvMsg(&request); err != nil {
		return nil, err
	}
	to, err := p.conn.NewStream(from.Context(), &grpc.StreamDesc{ServerStreams: true}, method, grpc.ForceCodec(raw{}))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(to.SendMsg(&request), to.CloseSend()); err != nil {
		return nil, err
	}
	for {
		var reply []byte
		switch err := to.RecvMsg(&reply); {
		case err == io.EOF:
			return replies, nil
		case err != nil:
			return nil, err
		}
		replies = append(replies, reply)
	}
}

// record returns how many calls of the method there were before.
func (p *proxy) record(ctx context.Context, method string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.methods {
		if m == method {
			n++
		}
	}
	p.headers, _ = metadata.FromIncomingContext(ctx)
	p.methods = append(p.methods, method)
	if transactional(method) && len(transactions(p.methods)) == p.expireAt {
		p.expire()
	}
	return n
}

// calls are those of transactions.
func (p *proxy) calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return transactions(p.methods)
}

// header is that of the last call.
func (p *proxy) header(name string) []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.headers.Get(name)
}

// times is how often a method was called.
func (p *proxy) times(method string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.methods {
		if m == method {
			n++
		}
	}
	return n
}

func transactions(methods []string) (list []string) {
	for _, m := range methods {
		if transactional(m) {
			list = append(list, m)
		}
	}
	return list
}

func transactional(method string) bool {
	return slices.Contains([]string{begin, commit, rollback}, method)
}

// raw is a codec that leaves messages as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}

func (raw) Name() string { return "proto" }
