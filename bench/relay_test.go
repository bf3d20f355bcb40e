package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"path"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// relay stands before a Datastore emulator, counts the calls of each method, and lets
// commits take longer.
type relay struct {
	addr  string
	to    *grpc.ClientConn
	delay time.Duration // of each commit

	mu    sync.Mutex
	count map[string]int
}

func relayTo(b *testing.B, host string, delay time.Duration) *relay {
	b.Helper()
	to, err := grpc.NewClient("passthrough:///"+host, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	r := &relay{addr: l.Addr().String(), to: to, delay: delay, count: make(map[string]int)}
	server := grpc.NewServer(grpc.UnknownServiceHandler(r.relay), grpc.ForceServerCodec(raw{}))
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() {
		server.Stop()
		to.Close()
	})
	return r
}

// calls is how many calls of a method there were.
func (r *relay) calls(method string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count[method]
}

func (r *relay) relay(_ any, from grpc.ServerStream) error {
	full, _ := grpc.MethodFromServerStream(from)
	method := path.Base(full)
	r.mu.Lock()
	r.count[method]++
	r.mu.Unlock()
	if method == "Commit" {
		time.Sleep(r.delay)
	}
	return r.forward(from.Context(), full, from)
}

// forward makes the call and hands on what the emulator answers.
func (r *relay) forward(ctx context.Context, method string, from grpc.ServerStream) error {
	var message []byte
	if err := from.RecvMsg(&message); err != nil {
		return err
	}
	to, err := r.to.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, method, grpc.ForceCodec(raw{}))
	if err != nil {
		return err
	}
	if err := errors.Join(to.SendMsg(&message), to.CloseSend()); err != nil {
		return err
	}
	for {
		switch err := to.RecvMsg(&message); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := from.SendMsg(&message); err != nil {
			return err
		}
	}
}

// raw is a codec that leaves messages as they are.
type raw struct{}

func (raw) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (raw) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}

func (raw) Name() string { return "proto" }
