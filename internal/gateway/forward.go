package gateway

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
)

const (
	authorization          = "Authorization"
	forwardedAuthorization = "X-Forwarded-Authorization"
	forwardedFor           = "X-Forwarded-For"
	forwardedProto         = "X-Forwarded-Proto"
)

// forward calls the backend with the request as the deployed function would get it, and answers in its place
// if it has no answer.
func (rt *route) forward(w http.ResponseWriter, r *http.Request, method, path string, logger *slog.Logger) {
	ctx, cancel := context.WithTimeout(r.Context(), rt.deadline)
	defer cancel()
	out := r.WithContext(ctx)
	x := &exchange{ResponseWriter: w}
	if err := rt.translate(out, x, path); err != nil {
		badRequest.write(w)
		return
	}
	out.Method = method
	out.Host = rt.host
	out.Header = rt.headers(r, x)
	if r.Body != nil && r.Body != http.NoBody {
		x.body.ReadCloser, x.body.left = r.Body, maxBody
		out.Body = &x.body
	}

	rt.backend.ServeHTTP(x, out)

	if x.failure != nil && r.Context().Err() == nil {
		logger.LogAttrs(ctx, slog.LevelWarn, "backend did not answer",
			slog.String("operation", rt.operation), slog.String("backend", rt.host), slog.Any("error", x.failure))
	}
	x.finish(errors.Is(ctx.Err(), context.DeadlineExceeded))
}

// translate gives the request the path and the query for the backend.
func (rt *route) translate(out *http.Request, x *exchange, path string) error {
	in := out.URL
	// Most requests: nothing is escaped and nothing changes.
	asSent := !rt.constant && rt.addressPath == "" && in.RawPath == "" && path == in.Path
	if asSent {
		x.url = url.URL{Path: path, RawQuery: in.RawQuery, ForceQuery: in.ForceQuery}
	} else {
		u, err := url.ParseRequestURI(rt.target(path, in))
		if err != nil {
			return err
		}
		x.url = *u
	}
	out.URL = &x.url
	if !asSent || in.Scheme != "" || out.RequestURI == "" {
		out.RequestURI = x.url.RequestURI()
	}
	return nil
}

// target is path and query at the backend. For CONSTANT_ADDRESS the path's variables follow the query.
func (rt *route) target(path string, in *url.URL) string {
	var query string
	if in.RawQuery != "" || in.ForceQuery {
		query = "?" + in.RawQuery
	}
	if !rt.constant {
		return rt.addressPath + path + query
	}
	if bindings := rt.template.bindings(path); bindings != "" {
		separator := "?"
		if query != "" {
			separator = "&"
		}
		query += separator + bindings
	}
	if rt.addressPath == "" {
		return "/" + query
	}
	return rt.addressPath + query
}

// headers are a copy, as the caller's are not ours to change. The three that are new have their values in the
// exchange, so they cost no allocation.
func (rt *route) headers(r *http.Request, x *exchange) http.Header {
	h := make(http.Header, len(r.Header)+3)
	maps.Copy(h, r.Header)
	delete(h, methodOverride)

	x.values[0] = peer(r.RemoteAddr)
	if prior := h[forwardedFor]; len(prior) > 0 {
		x.values[0] = strings.Join(prior, ", ") + ", " + x.values[0]
	}
	h[forwardedFor] = x.values[0:1:1]

	x.values[1] = "http"
	if r.TLS != nil {
		x.values[1] = "https"
	}
	h[forwardedProto] = x.values[1:2:2]

	if rt.authorization != "" {
		if own := h[authorization]; len(own) > 0 {
			h[forwardedAuthorization] = own[:1:1]
		}
		x.values[2] = rt.authorization
		h[authorization] = x.values[2:3:3]
	}
	return h
}

// peer is the address that is appended to X-Forwarded-For: the one entry that a function may trust. It is
// never empty, or a client's own entry would be the last.
func peer(remoteAddr string) string {
	if host, _, err := net.SplitHostPort(remoteAddr); err == nil && host != "" {
		return host
	}
	return "unknown"
}
