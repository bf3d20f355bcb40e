// Package gateway is Google API Gateway on this machine. It reads the document that is deployed
// (gateway-config.yaml: Swagger 2.0 with x-google-* extensions) and answers as the deployed gateway does:
// the same routes, keys, quotas, limits and errors, and the same request for the backend. It knows nothing
// of the functions behind it.
//
// What is reproduced was read in the source of ESPv2 2.55.7, the proxy that API Gateway is built on
// (github.com/GoogleCloudPlatform/esp-v2), and of Envoy 1.30, which ESPv2 configures. Left out, because no
// configuration of ours can reach it: JWT authentication of clients (a document that declares it is
// refused), gRPC, keys with restrictions, and the answers for a failing control plane.
//
// Three things are simpler than in the cloud. The deadline runs from the request's arrival, not from the end
// of its body. A body that was begun is not sent a second time after a reset. A quota is counted exactly.
//
// Read config.go and backend.go for what a document says and what is refused in it, route.go and template.go for which
// operation a request means, key.go and quota.go for who may call it, and forward.go, exchange.go and
// upstream.go for how it reaches its backend and what comes back.
package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"
)

// Options is what the document does not say.
type Options struct {
	// Keys are the API keys that are accepted. Each has a quota of its own.
	Keys []string
	// Backends maps the scheme://host of an x-google-backend address to a handler in this process. Such a
	// handler learns of the deadline from its context alone. Every other address is called over HTTP.
	Backends map[string]http.Handler
	// Transport calls the HTTP backends. The default is NewTransport's, which keeps 1000 idle
	// connections to each.
	Transport http.RoundTripper
	// Now is the clock of the quotas; time.Now if nil.
	Now func() time.Time
	// Logger is told of backends that fail; nothing is logged if nil.
	Logger *slog.Logger
}

// Gateway serves one document. It is safe for concurrent use.
type Gateway struct {
	routes   *routes
	keys     []string
	quota    *quota
	rewrites bool // some operation rewrites its path; only then is a path's length limited
	logger   *slog.Logger
}

var _ http.Handler = (*Gateway)(nil)

// New reads the document, its addresses filled in (see Render). The error names every reason for which the
// real gateway would refuse it, each with its operation.
func New(config []byte, opts Options) (*Gateway, error) {
	doc, err := parseConfig(config)
	if err != nil {
		return nil, fmt.Errorf("gateway config: %w", err)
	}
	for _, key := range opts.Keys {
		if key == "" {
			return nil, errors.New("gateway: an API key is empty")
		}
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}

	g := &Gateway{keys: opts.Keys, logger: opts.Logger}
	g.quota = newQuota(doc.limits, doc.service, len(opts.Keys), opts.Now)
	backends := newBackends(opts)
	g.routes = newRoutes()
	for _, op := range doc.operations {
		g.routes.add(op, &route{
			operation:     op.id,
			template:      op.template,
			key:           op.key,
			charges:       g.quota.charges(op.costs),
			constant:      op.backend.constant,
			addressPath:   op.backend.path,
			host:          op.backend.host,
			authorization: op.backend.authorization,
			deadline:      op.backend.deadline,
			backend:       backends.handler(op.backend),
		})
		g.rewrites = g.rewrites || op.backend.constant || op.backend.path != ""
	}
	if doc.allowCORS {
		g.routes.allowCORS()
	}
	g.routes.sort()
	if err := backends.unused(); err != nil {
		return nil, err
	}
	return g, nil
}

// ServeHTTP follows the order of the proxy's filters, so of several faults the same one is reported.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if no := refuseRequest(r); no != nil {
		no.write(w)
		return
	}
	path, ok := canonicalPath(r.URL)
	if !ok {
		refusedPath.write(w)
		return
	}
	method := r.Method
	if override, ok := r.Header[methodOverride]; ok && len(override) > 0 {
		method = override[0]
	}

	rt, notAllowed := g.routes.find(method, path)
	if rt != nil {
		if no := g.admit(rt, r); no != nil {
			no.write(w)
			return
		}
	}
	switch {
	case g.rewrites && pathLength(path, r.URL) > maxPath:
		pathTooLong.write(w)
	case rt != nil:
		rt.forward(w, r, method, path, g.logger)
	case notAllowed != nil:
		notAllowed.write(w)
	default:
		notDefined.write(w)
	}
}

// admit asks for the key of an operation that needs one, then charges its quota.
func (g *Gateway) admit(rt *route, r *http.Request) *refusal {
	consumer := anonymous
	if rt.key != nil {
		key := rt.key.find(r)
		if key == "" {
			return unregisteredCaller
		}
		if consumer = findConsumer(g.keys, key); consumer == anonymous {
			return invalidKey
		}
	}
	return g.quota.allocate(rt.charges, consumer)
}

// pathLength counts the query too, as the proxy does.
func pathLength(path string, u *url.URL) int {
	if u.RawQuery == "" && !u.ForceQuery {
		return len(path)
	}
	return len(path) + len("?") + len(u.RawQuery)
}
