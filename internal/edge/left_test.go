package edge

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/storage"
)

// patient is a function whose replies take until their client leaves. It says on begun when
// one waits.
func patient(begun chan<- struct{}) Function {
	type input struct {
		Then string `path:"then"`
	}
	return Function{Name: "patient", EntryPoint: "Patient", Register: func(a *API) {
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "wait", Method: http.MethodGet, Path: "/wait/{then}"}, Public: true,
		}, func(ctx context.Context, in *input) (*struct{}, error) {
			begun <- struct{}{}
			<-ctx.Done()
			switch in.Then {
			case "unknown":
				return nil, storage.ErrUnknown
			case "cancelled":
				return nil, ctx.Err()
			case "defect":
				return nil, errors.New("a defect")
			}
			return nil, nil
		})
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "pour", Method: http.MethodGet, Path: "/pour"}, Public: true,
		}, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
			return Download(ctx, "text/csv", "all.csv", func(w io.Writer) error {
				begun <- struct{}{}
				for {
					if _, err := io.WriteString(w, strings.Repeat("x", 1<<16)); err != nil {
						return err
					}
				}
			}), nil
		})
	}}
}

// TestAClientThatLeftIsNothingToWarnOf: who asks and leaves, again and again, raises no
// alert. A defect that shows meanwhile is one all the same.
func TestAClientThatLeftIsNothingToWarnOf(t *testing.T) {
	log, begun := keepLog(t), make(chan struct{})
	handler, done := handled(made(New(patient(begun), Env{}, nil)).Handler())
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, tt := range []struct {
		path   string
		level  slog.Level
		status int
		code   string
		others int // lines besides the request's
	}{
		{"/wait/unknown", slog.LevelInfo, 499, "CANCELLED", 0},
		{"/wait/cancelled", slog.LevelInfo, 499, "CANCELLED", 0},
		{"/wait/well", slog.LevelInfo, 204, "", 0},
		{"/wait/defect", slog.LevelError, 500, "INTERNAL", 1},
		{"/pour", slog.LevelInfo, 499, "CANCELLED", 0},
	} {
		ctx, leave := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			<-begun
			leave()
		}()
		if reply, err := http.DefaultClient.Do(r); err == nil { // a part of the download may be there
			io.Copy(io.Discard, reply.Body)
			reply.Body.Close()
		}
		<-done
		others := len(log.all) - 1
		line, record := log.take(t)
		if record.Level != tt.level || line.Status != tt.status || line.Code != tt.code || others != tt.others {
			t.Errorf("%s: %v %d %q and %d lines besides; want %v %d %q, %d", tt.path, record.Level, line.Status, line.Code, others, tt.level, tt.status, tt.code, tt.others)
		}
	}
}

// TestAWriteTellsThatTheClientLeft before the request's context does.
func TestAWriteTellsThatTheClientLeft(t *testing.T) {
	log, begun := keepLog(t), make(chan struct{}, 1)
	func() {
		defer func() { recover() }() // of the abort of a reply that has no connection
		made(New(patient(begun), Env{}, nil)).Handler().ServeHTTP(deaf{httptest.NewRecorder()}, httptest.NewRequest(http.MethodGet, "/pour", nil))
	}()
	others := len(log.all) - 1
	if line, record := log.take(t); record.Level != slog.LevelInfo || line.Status != 499 || others != 0 {
		t.Errorf("%v %d and %d lines besides; want INFO 499, 0", record.Level, line.Status, others)
	}
}

// deaf is a reply that nobody takes.
type deaf struct{ *httptest.ResponseRecorder }

func (deaf) Write([]byte) (int, error)       { return 0, io.ErrClosedPipe }
func (deaf) WriteString(string) (int, error) { return 0, io.ErrClosedPipe }

// TestABodyWhoseConnectionIsResetIsTheClientsFault, and no defect of ours.
func TestABodyWhoseConnectionIsResetIsTheClientsFault(t *testing.T) {
	log, begun := keepLog(t), make(chan struct{})
	upload := Function{Name: "upload", EntryPoint: "Upload", Register: func(a *API) {
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "upload", Method: http.MethodPost, Path: "/upload"}, Public: true,
		}, func(_ context.Context, in *struct{ Stream }) (*struct{}, error) {
			close(begun)
			_, err := io.Copy(io.Discard, in)
			return nil, err
		})
	}}
	handler, done := handled(made(New(upload, Env{}, nil)).Handler())
	server := httptest.NewServer(handler)
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(conn, "POST /upload HTTP/1.1\r\nHost: here\r\nContent-Length: 1000\r\n\r\na part")
	<-begun
	conn.(*net.TCPConn).SetLinger(0) // so that Close resets it
	conn.Close()
	<-done
	others := len(log.all) - 1
	if line, record := log.take(t); record.Level != slog.LevelInfo || line.Status != http.StatusBadRequest || others != 0 {
		t.Errorf("%v %d and %d lines besides; want INFO 400, 0", record.Level, line.Status, others)
	}
}
