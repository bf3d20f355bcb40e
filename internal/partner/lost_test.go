package partner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// TestAnUpdateWhoseCommitHadNoReplyIsDoneOnce, on the Datastore emulator behind a proxy that
// drops the replies to commits. Two instances take the updates, and each is sent until it
// is accepted, and once more.
func TestAnUpdateWhoseCommitHadNoReplyIsDoneOnce(t *testing.T) {
	host, namespace := emulator.Datastore(t), fmt.Sprintf("update%x", rand.Uint64())
	proxy := startDropping(t, host)
	direct := openNamespace(t, host, namespace)
	folder := newFolder(t, documentOf("acme", "one")).folder
	services := []*Service{
		NewService(openNamespace(t, proxy.host, namespace), folder, Options{Now: new(clock).Now}),
		NewService(openNamespace(t, proxy.host, namespace), folder, Options{Now: new(clock).Now}),
	}
	stock := inventory.New(direct, inventory.Options{})
	lines := []inventory.CountLine{{SKU: "A", Quantity: 1_000}, {SKU: "B", Quantity: 1_000}}
	if _, err := stock.Count(t.Context(), inventory.Caller{}, inventory.Count{Lines: lines}); err != nil {
		t.Fatal(err)
	}
	const callers = 8
	each := pick(12, 100)
	bodies := []string{
		`{"type":"stock.adjusted","timestamp":"2026-11-22T12:00:00Z","data":{"lines":[{"sku":"A","delta":-1},{"sku":"B","delta":1}]}}`,
		`{"type":"delivery.updated","timestamp":"2026-11-22T12:00:00Z","data":{"id":"D-1","status":"x"}}`,
	}
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				m := Signed{Partner: "acme", ID: fmt.Sprintf("msg_%d-%d", c, i), Body: []byte(bodies[i%2])}
				insist(t, services, m)
				if again := insist(t, services, m); !again.Replayed {
					t.Errorf("%s was done again", m.ID)
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d commits, of %d the reply was dropped", proxy.commits.Load(), proxy.dropped.Load())
	if proxy.dropped.Load() < 10 {
		t.Errorf("%d replies were dropped, want at least 10, or the test shows nothing", proxy.dropped.Load())
	}
	reader := NewService(direct, folder, Options{Now: new(clock).Now})
	page, err := reader.Updates(t.Context(), "acme", 1000, "")
	if err != nil || len(page.Rows) != callers*each {
		t.Errorf("%d rows, %v, want %d", len(page.Rows), err, callers*each)
	}
	items, _, err := stock.Read(t.Context(), "A", "B")
	if want := int64(callers * each / 2); err != nil || items[0].OnHand != 1_000-want || items[1].OnHand != 1_000+want {
		t.Errorf("%+v, %v, want %d less and %d more than 1000", items, err, want, want)
	}
	d, err := reader.Delivery(t.Context(), "D-1")
	if err != nil || len(d.Events) != callers*each/2 {
		t.Errorf("%+v, %v, want %d events", d, err, callers*each/2)
	}
}

// insist sends an update to any of the services until one accepts it.
func insist(t *testing.T, services []*Service, m Signed) Receipt {
	for !t.Failed() {
		s := services[rand.IntN(len(services))]
		m.Timestamp = strconv.FormatInt(noon.Unix(), 10)
		var err error
		if m.Signature, err = Sign(secretOf("one"), m.ID, noon, m.Body); err != nil {
			t.Error(err)
			break
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		receipt, err := s.Accept(ctx, m)
		cancel()
		switch {
		case err == nil:
			return receipt
		case !errors.Is(err, storage.ErrUnknown) && !errors.Is(err, storage.ErrConflict) && !errors.Is(err, storage.ErrUnavailable) && !errors.Is(err, ErrInFlight):
			t.Errorf("%s: %v, want it done, or to try again", m.ID, err)
		}
	}
	return Receipt{}
}

func openNamespace(t *testing.T, host, namespace string) storage.Store {
	t.Helper()
	store, err := datastore.Open(t.Context(), "test", "", datastore.Emulator(host), datastore.Namespace(namespace))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

// dropping is a proxy before a gRPC server. Of a third of the commits that the server
// carried out it drops the reply.
type dropping struct {
	host             string
	behind           *grpc.ClientConn
	commits, dropped atomic.Int64
}

func startDropping(t *testing.T, server string) *dropping {
	t.Helper()
	behind, err := grpc.NewClient("passthrough:///"+server, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &dropping{host: listener.Addr().String(), behind: behind}
	proxy := grpc.NewServer(grpc.ForceServerCodec(frames{}), grpc.UnknownServiceHandler(d.relay))
	go func() { _ = proxy.Serve(listener) }()
	t.Cleanup(func() { proxy.Stop(); behind.Close() })
	return d
}

func (d *dropping) relay(_ any, stream grpc.ServerStream) error {
	method, _ := grpc.MethodFromServerStream(stream)
	var request, reply []byte
	if err := stream.RecvMsg(&request); err != nil {
		return err
	}
	headers, _ := metadata.FromIncomingContext(stream.Context())
	ctx := metadata.NewOutgoingContext(stream.Context(), headers)
	if err := d.behind.Invoke(ctx, method, &request, &reply, grpc.ForceCodec(frames{})); err != nil {
		return err
	}
	if strings.HasSuffix(method, "/Commit") {
		d.commits.Add(1)
		if rand.IntN(3) == 0 {
			d.dropped.Add(1)
			return status.Error(codes.Unavailable, "the proxy dropped the reply")
		}
	}
	return stream.SendMsg(&reply)
}

// frames is a codec that leaves messages as they are.
type frames struct{}

func (frames) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (frames) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = slices.Clone(data)
	return nil
}

func (frames) Name() string { return "proto" }
