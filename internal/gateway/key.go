package gateway

import (
	"crypto/subtle"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
)

// keyLocations is where an operation's key may be. All queries are tried before the headers, and the first
// that is present counts, even if it is empty.
type keyLocations struct {
	queries []string
	headers []string // canonical
}

// parseSecurity tells where the key of an operation may be. Alternatives add up, and an empty one makes the
// key optional, which for a key means that nobody looks at it.
func parseSecurity(swagger *openapi2.T, in *openapi2.Operation) (*keyLocations, error) {
	alternatives := swagger.Security
	if in.Security != nil {
		alternatives = *in.Security
	}
	var locations keyLocations
	optional := len(alternatives) == 0
	for _, alternative := range alternatives {
		optional = optional || len(alternative) == 0
		for _, name := range slices.Sorted(maps.Keys(alternative)) {
			def := swagger.SecurityDefinitions[name]
			if def == nil {
				return nil, fmt.Errorf("security %q is not defined in securityDefinitions", name)
			}
			locations.add(def.In, def.Name)
		}
	}
	if optional {
		return nil, nil
	}
	return &locations, nil
}

func (l *keyLocations) add(in, name string) {
	if in == "query" {
		l.queries = append(l.queries, name)
	} else {
		l.headers = append(l.headers, http.CanonicalHeaderKey(name))
	}
}

// find returns the key, or nothing.
func (l *keyLocations) find(r *http.Request) string {
	for _, name := range l.queries {
		if value, ok := rawQueryValue(r.URL.RawQuery, name); ok {
			return value
		}
	}
	for _, name := range l.headers {
		if values := r.Header[name]; len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// rawQueryValue is the first value of the name. Like the proxy it undoes no escapes.
func rawQueryValue(query, name string) (string, bool) {
	for query != "" {
		var param string
		param, query, _ = strings.Cut(query, "&")
		if key, value, _ := strings.Cut(param, "="); key == name {
			return value, true
		}
	}
	return "", false
}

// anonymous is the consumer of a call that needs no key. The consumer of the nth key is n, from 1.
const anonymous = 0

// findConsumer is anonymous for a key that is not known.
func findConsumer(keys []string, key string) int {
	return 1 + slices.IndexFunc(keys, func(known string) bool { return equalKeys(known, key) })
}

// equalKeys takes the same time wherever the two differ. subtle.ConstantTimeCompare would copy them.
func equalKeys(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	var differ byte
	for i := range len(a) {
		differ |= a[i] ^ b[i]
	}
	return subtle.ConstantTimeByteEq(differ, 0) == 1
}
