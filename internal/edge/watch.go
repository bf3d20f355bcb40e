package edge

import (
	"context"
	"errors"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// Line is what the log says of one request, once it has its reply. A handler of records that
// knows it finds it by LineOf and shows it as it likes; to others it is a group. Nothing in
// it tells of a person: it has the pattern of the route, and no path, query, address or user
// agent.
type Line struct {
	Function string
	Method   string
	Route    string // such as /records/{collection}
	Status   int
	Code     string        // of the problem, or CUT_OFF; else empty
	Latency  time.Duration // without the wait until spans are away
	Bytes    int64         // of the reply's body
	Protocol string
	Used     storage.Used
}

// cutOff is the code of a reply that had begun and did not come to its end.
const cutOff = "CUT_OFF"

// What a request is whose client left before its reply: nothing that anybody got, and
// nothing to warn of. nginx has the number, and no standard.
const (
	statusLeft = 499
	codeLeft   = "CANCELLED"
)

// LineOf returns the line of a request's record, which is its one attribute.
func LineOf(a slog.Attr) (Line, bool) {
	if a.Value.Kind() != slog.KindLogValuer {
		return Line{}, false
	}
	l, ok := a.Value.Any().(Line)
	return l, ok
}

// Figures are what the request used of the store, by name.
func (l Line) Figures() iter.Seq2[string, int64] {
	return func(yield func(string, int64) bool) {
		_ = yield("batch", l.Used.Batch) &&
			yield("reads", l.Used.Reads) &&
			yield("writes", l.Used.Writes) &&
			yield("deletes", l.Used.Deletes) &&
			yield("retries", l.Used.Retries)
	}
}

// LogValue is the line for a handler that does not know it.
func (l Line) LogValue() slog.Value {
	attrs := []slog.Attr{
		slog.String("function", l.Function),
		slog.String("method", l.Method),
		slog.String("route", l.Route),
		slog.Int("status", l.Status),
		slog.String("code", l.Code),
		slog.Duration("latency", l.Latency),
		slog.Int64("bytes", l.Bytes),
	}
	for name, n := range l.Figures() {
		attrs = append(attrs, slog.Int64(name, n))
	}
	return slog.GroupValue(attrs...)
}

// level: a 500 is a defect of ours, what is above it could not be done just now. What a
// client got wrong is nothing to warn of, and a browser's question before a request nothing
// to tell of.
func (l Line) level() slog.Level {
	switch {
	case l.Status == http.StatusInternalServerError:
		return slog.LevelError
	case l.Status > 500 || l.Code == cutOff:
		return slog.LevelWarn
	case l.Method == http.MethodOptions:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// watched counts what each request uses of the store, traces it, and logs its line when it
// has its reply, whatever that is. It is around everything else that answers.
func (a *API) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := a.Now()
		usage := new(storage.Usage)
		ctx, span := a.Traces.begin(storage.WithUsage(r.Context(), usage), r.Header)
		r = withoutSlash(r.WithContext(ctx))
		watched := &reply{ResponseWriter: w}
		defer func() {
			line := watched.line(r)
			line.Function, line.Used = a.function, usage.Used()
			line.Latency = a.Now().Sub(began)
			a.Traces.end(ctx, span, line)
			line.log(ctx)
		}()
		next.ServeHTTP(watched, r)
	})
}

func (l Line) log(ctx context.Context) {
	level := l.level()
	if log := slog.Default(); log.Enabled(ctx, level) { // else its words need not be made
		log.LogAttrs(ctx, level, l.Method+" "+l.Route+" "+strconv.Itoa(l.Status), slog.Any("", l))
	}
}

// reply is a reply on its way out, and what the log says of it.
type reply struct {
	http.ResponseWriter
	status int
	bytes  int64
	code   string
	broken bool // the client takes no more
}

// methods are those that the log names; a client may send any word.
var methods = []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions}

// other stands in the log for what a client made up: a method or a path.
const other = "other"

// line is what the reply to r tells. The mux has left the pattern in r.
func (w *reply) line(r *http.Request) Line {
	l := Line{Method: r.Method, Route: other, Status: w.status, Code: w.code, Bytes: w.bytes, Protocol: r.Proto}
	if !slices.Contains(methods, l.Method) {
		l.Method = other
	}
	if _, path := splitPattern(r.Pattern); path != "" {
		l.Route = path
	}
	if l.Status == 0 { // as net/http has it
		l.Status = http.StatusOK
	}
	if (l.Status > 500 || l.Code == cutOff) && clientLeft(r.Context(), w) { // a 500 is a defect all the same
		l.Status, l.Code = statusLeft, codeLeft
	}
	return l
}

func (w *reply) WriteHeader(status int) {
	if w.status == 0 && status >= 200 { // those below come before the reply
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *reply) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	w.broken = w.broken || err != nil
	return n, err
}

// Unwrap is for http.ResponseController.
func (w *reply) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// tellCode lets the reply behind w know the code of the problem that is written to it, or
// that it is cut off.
func tellCode(w io.Writer, code string) {
	if behind := replyBehind(w); behind != nil {
		behind.code = code
	}
}

// clientLeft says whether the client went away before it had the reply that is written to
// w, in its request's context. A write can tell before the context does.
func clientLeft(ctx context.Context, w io.Writer) bool {
	behind := replyBehind(w)
	return errors.Is(ctx.Err(), context.Canceled) || behind != nil && behind.broken
}

// replyBehind returns nil where nobody watches.
func replyBehind(w io.Writer) *reply {
	for {
		switch outer := w.(type) {
		case *reply:
			return outer
		case interface{ Unwrap() http.ResponseWriter }:
			w = outer.Unwrap()
		default:
			return nil
		}
	}
}
