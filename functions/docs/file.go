package docs

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/swaggest/swgui/v5/static"

	"github.com/tallystick/tallystick/internal/edge"
)

// maxAge is for how many seconds a browser keeps what only a new version changes.
const maxAge = "public, max-age=300"

// policy keeps the page, into which people write their key, out of others' frames, and what
// is written there on it.
const policy = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// assets are the files that page.html asks for, with their types.
var assets = map[string]string{
	"favicon-32x32.png":    "image/png",
	"swagger-ui-bundle.js": "text/javascript; charset=utf-8",
	"swagger-ui.css":       "text/css; charset=utf-8",
}

type assetInput struct {
	Asset          string `path:"asset" doc:"The file's name." example:"swagger-ui.css"`
	AcceptEncoding string `header:"Accept-Encoding" hidden:"true"`
}

// asset is GET /docs/{asset}. Text is embedded compressed, and leaves so unless the
// client cannot read it.
func asset(_ context.Context, in *assetInput) (*huma.StreamResponse, error) {
	contentType, ok := assets[in.Asset]
	if !ok {
		return nil, edge.NewProblem(http.StatusNotFound, "NOT_FOUND", "Swagger UI has no such file.")
	}
	content, err := static.FS.ReadFile(in.Asset)
	if err == nil {
		return reply(contentType, "", content), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if content, err = static.FS.ReadFile(in.Asset + ".gz"); err != nil {
		return nil, err
	}
	if strings.Contains(in.AcceptEncoding, "gzip") {
		return reply(contentType, "gzip", content), nil
	}
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("docs: %s: %w", in.Asset, err)
	}
	if content, err = io.ReadAll(z); err != nil {
		return nil, fmt.Errorf("docs: %s: %w", in.Asset, err)
	}
	return reply(contentType, "", content), nil
}

// reply answers with a file, or with 304 to a browser that has it.
func reply(contentType, encoding string, content []byte) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		h := w.Header()
		h.Set("Content-Type", contentType)
		h.Set("Cache-Control", maxAge)
		h.Set("Content-Security-Policy", policy)
		h.Set("ETag", fmt.Sprintf(`"%08x"`, crc32.ChecksumIEEE(content)))
		h.Add("Vary", "Accept-Encoding")
		if encoding != "" {
			h.Set("Content-Encoding", encoding)
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}}
}
