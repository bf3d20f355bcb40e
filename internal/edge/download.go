package edge

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Download is a reply that is written as it is read, and that a browser keeps as a
// file. When write fails the reply is cut off, so that nobody takes a part for the
// whole; that is logged, unless the client left.
func Download(ctx context.Context, contentType, name string, write func(io.Writer) error) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		hctx.SetHeader("Content-Type", contentType)
		hctx.SetHeader("Content-Disposition", fmt.Sprintf("attachment; filename=%s", name))
		if err := write(hctx.BodyWriter()); err != nil {
			r, w := humago.Unwrap(hctx)
			if !clientLeft(r.Context(), w) {
				slog.WarnContext(ctx, "download broke off", "name", name, "error", err)
			}
			Abort(w)
		}
	}}
}

// Begun reads the first of all: a database that is down is an error then, and not a
// download that breaks off.
func Begun[T any](all iter.Seq2[T, error]) (iter.Seq2[T, error], error) {
	next, stop := iter.Pull2(all)
	first, err, ok := next()
	if err != nil {
		stop()
		return nil, err
	}
	return func(yield func(T, error) bool) {
		defer stop()
		for v, err, ok := first, error(nil), ok; ok && yield(v, err); v, err, ok = next() {
		}
	}, nil
}
