package gateway

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// backendRule is an x-google-backend, read.
type backendRule struct {
	url           string // scheme://host
	scheme, host  string
	path          string // of the address, without its trailing slash
	constant      bool
	deadline      time.Duration
	authorization string
}

const defaultDeadline = 15 * time.Second

// parseBackend prefers the operation's own x-google-backend to that of the document.
func parseBackend(operation, document map[string]any) (backendRule, error) {
	const name = "x-google-backend"
	var in struct {
		Address         string  `json:"address"`
		PathTranslation string  `json:"path_translation"`
		Deadline        float64 `json:"deadline"` // seconds
		JWTAudience     string  `json:"jwt_audience"`
		DisableAuth     bool    `json:"disable_auth"`
		Protocol        string  `json:"protocol"`
	}
	found, err := decodeExtension(operation, name, &in)
	if !found {
		found, err = decodeExtension(document, name, &in)
	}
	if err != nil {
		return backendRule{}, err
	}
	if !found {
		return backendRule{}, fmt.Errorf("%s is missing", name)
	}

	address, err := parseAddress(in.Address)
	errs := []error{err}
	if in.PathTranslation != "APPEND_PATH_TO_ADDRESS" && in.PathTranslation != "CONSTANT_ADDRESS" {
		errs = append(errs, fmt.Errorf("path_translation is %q, want APPEND_PATH_TO_ADDRESS or CONSTANT_ADDRESS", in.PathTranslation))
	}
	if in.JWTAudience != "" && in.DisableAuth {
		errs = append(errs, errors.New("jwt_audience and disable_auth exclude each other"))
	}
	if in.Protocol != "" && in.Protocol != "http/1.1" && in.Protocol != "h2" {
		errs = append(errs, fmt.Errorf("protocol is %q, want http/1.1 or h2", in.Protocol))
	}
	if err := errors.Join(errs...); err != nil {
		return backendRule{}, fmt.Errorf("%s: %w", name, err)
	}

	rule := backendRule{
		url:      address.Scheme + "://" + address.Host,
		scheme:   address.Scheme,
		host:     address.Host,
		path:     strings.TrimSuffix(address.EscapedPath(), "/"),
		constant: in.PathTranslation == "CONSTANT_ADDRESS",
		deadline: time.Duration(in.Deadline * float64(time.Second)),
	}
	if rule.deadline <= 0 {
		rule.deadline = defaultDeadline
	}
	switch {
	case in.DisableAuth:
	case in.JWTAudience != "":
		rule.authorization = standInToken(in.JWTAudience)
	default:
		rule.authorization = standInToken(address.Scheme + "://" + address.Hostname())
	}
	return rule, nil
}

func parseAddress(address string) (*url.URL, error) {
	if strings.Contains(address, "${") {
		return nil, fmt.Errorf("address %q is not filled in", address)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("address: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return nil, fmt.Errorf("address %q must be http:// or https:// and a host", address)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("address %q must have no query, fragment or user", address)
	}
	return u, nil
}

// standInToken has the form and the audience of the ID token of the gateway's service account, and no
// signature: on this machine nobody can check one.
func standInToken(audience string) string {
	// A map of strings always encodes.
	header, _ := json.Marshal(map[string]string{"alg": "none", "typ": "JWT"})
	claims, _ := json.Marshal(map[string]string{"aud": audience})
	encode := base64.RawURLEncoding.EncodeToString
	return "Bearer " + encode(header) + "." + encode(claims) + "."
}

// backends makes one handler for each scheme://host.
type backends struct {
	local     map[string]http.Handler
	used      map[string]http.Handler
	transport http.RoundTripper
	opts      Options
}

func newBackends(opts Options) *backends {
	transport := opts.Transport
	if transport == nil {
		transport = NewTransport()
	}
	return &backends{local: opts.Backends, used: map[string]http.Handler{}, transport: transport, opts: opts}
}

func (b *backends) handler(rule backendRule) http.Handler {
	if h, ok := b.used[rule.url]; ok {
		return h
	}
	h, ok := b.local[rule.url]
	if !ok {
		h = newUpstream(rule.scheme, rule.host, b.transport, b.opts.Logger)
	}
	b.used[rule.url] = h
	return h
}

// unused is an error for a handler that no operation calls: its address is misspelled, and the operations
// that were meant would be called over the network.
func (b *backends) unused() error {
	for _, address := range slices.Sorted(maps.Keys(b.local)) {
		if b.used[address] == nil {
			return fmt.Errorf("gateway: no operation has the backend %q", address)
		}
	}
	return nil
}
