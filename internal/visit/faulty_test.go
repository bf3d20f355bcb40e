package visit_test

import (
	"context"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// A fault is what a proxy does to one call.
type fault int

const (
	noFault fault = iota

	// The server does what it was asked, and its caller does not hear of it.
	replyUnavailable // gets UNAVAILABLE in its place
	replyReset       // loses its connection
	replyLate        // gets it after the proxy's delay

	// The server is not asked.
	requestUnavailable
	requestReset
	requestDenied // gets PERMISSION_DENIED

	// The caller loses its connection, and the server is asked within the proxy's
	// delay: before or after the caller has tried again.
	requestLate
)

// odds are the probabilities of faults; what is left of 1 is without one.
type odds map[fault]float64

// throw decides by chance.
func (o odds) throw() fault {
	dice := rand.Float64()
	for f := replyUnavailable; f <= requestLate; f++ {
		if dice -= o[f]; dice < 0 {
			return f
		}
	}
	return noFault
}

// faulty is a proxy in front of a gRPC server, with faults.
type faulty struct {
	host   string // where it listens
	decide func(method string) fault
	delay  time.Duration
	server *grpc.Server
	behind *grpc.ClientConn

	mu    sync.Mutex
	conns map[string]net.Conn // of our callers, by their addresses
	done  map[string]int      // calls that the server carried out, by method
	lost  map[string]int      // those of them whose caller was not told
}

// startFaulty starts a proxy in front of a server, until the test ends. decide is
// called by many goroutines.
func startFaulty(t *testing.T, server string, delay time.Duration, decide func(method string) fault) *faulty {
	t.Helper()
	behind, err := grpc.NewClient("passthrough:///"+server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &faulty{
		host: listener.Addr().String(), decide: decide, delay: delay, behind: behind,
		conns: make(map[string]net.Conn), done: make(map[string]int), lost: make(map[string]int),
	}
	p.server = grpc.NewServer(
		grpc.ForceServerCodec(frames{}), grpc.UnknownServiceHandler(p.handle), grpc.WaitForHandlers(true),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}),
	)
	go p.server.Serve(known{listener, p})
	t.Cleanup(p.stop)
	return p
}

// stop ends the proxy once the server has had all that it will get.
func (p *faulty) stop() {
	p.server.Stop()
	p.behind.Close()
}

// handle passes on one call, which has one request and one reply.
func (p *faulty) handle(_ any, stream grpc.ServerStream) error {
	path, _ := grpc.MethodFromServerStream(stream)
	method := path[strings.LastIndex(path, "/")+1:]
	var request, reply frame
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	f := p.decide(method)
	switch f {
	case requestUnavailable:
		return status.Error(codes.Unavailable, "the proxy dropped the request")
	case requestReset:
		p.reset(stream.Context())
		return nil
	case requestDenied:
		return status.Error(codes.PermissionDenied, "the proxy denied the request")
	case requestLate:
		p.reset(stream.Context())
		time.Sleep(rand.N(p.delay))
	}
	if err := p.forward(stream.Context(), path, &request, &reply); err != nil {
		return err
	}
	p.count(method, f)
	switch f {
	case replyUnavailable:
		return status.Error(codes.Unavailable, "the proxy dropped the reply")
	case replyReset:
		p.reset(stream.Context())
		return nil
	case replyLate:
		time.Sleep(p.delay)
	}
	return stream.SendMsg(&reply)
}

// forward asks the server, even when the caller has gone.
func (p *faulty) forward(ctx context.Context, path string, request, reply *frame) error {
	headers, _ := metadata.FromIncomingContext(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	return p.behind.Invoke(metadata.NewOutgoingContext(ctx, headers), path, request, reply, grpc.ForceCodec(frames{}))
}

// count counts a call that the server carried out.
func (p *faulty) count(method string, f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done[method]++
	if f == replyUnavailable || f == replyReset || f == requestLate {
		p.lost[method]++
	}
}

// counts returns how many calls the server carried out, and how many of those the
// caller was not told of.
func (p *faulty) counts(method string) (done, lost int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.done[method], p.lost[method]
}

// reset breaks the connection of the caller, with all the calls on it.
func (p *faulty) reset(ctx context.Context) {
	caller, _ := peer.FromContext(ctx)
	p.mu.Lock()
	conn := p.conns[caller.Addr.String()]
	p.mu.Unlock()
	if conn, ok := conn.(*net.TCPConn); ok {
		_ = conn.SetLinger(0) // a reset, not an orderly end
		_ = conn.Close()
	}
}

// known is a listener that lets its proxy know the connections.
type known struct {
	net.Listener
	proxy *faulty
}

func (k known) Accept() (net.Conn, error) {
	conn, err := k.Listener.Accept()
	if err == nil {
		k.proxy.mu.Lock()
		k.proxy.conns[conn.RemoteAddr().String()] = conn
		k.proxy.mu.Unlock()
	}
	return conn, err
}

// frame is a message that nobody looks into.
type frame []byte

// frames is the codec of frames.
type frames struct{}

func (frames) Name() string { return "proto" }

func (frames) Marshal(v any) ([]byte, error) { return *v.(*frame), nil }

func (frames) Unmarshal(data []byte, v any) error {
	*v.(*frame) = append(frame(nil), data...)
	return nil
}
