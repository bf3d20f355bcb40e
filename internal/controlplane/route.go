package controlplane

import (
	"net/http"
	"net/url"
	"strings"
)

// route is a method of an API: a pattern such as
//
//	POST v1/projects/{project}/secrets/{secret}:addVersion
//
// whose names in braces are whole segments of the path, and what answers it.
type route struct {
	pattern string
	handle  func(*call) (doc, error)
}

// call is a request that has found its route.
type call struct {
	vars  map[string]string // of the pattern
	query url.Values
	body  doc
	raw   []byte
}

// find returns the route of a request, and sets the call's vars.
func find(routes []route, method, path string, in *call) (route, bool) {
	for _, r := range routes {
		m, pattern, _ := strings.Cut(r.pattern, " ")
		if m != method {
			continue
		}
		if vars, ok := match(pattern, path); ok {
			in.vars = vars
			return r, true
		}
	}
	return route{}, false
}

func match(pattern, path string) (vars map[string]string, ok bool) {
	pattern, wantVerb, _ := strings.Cut(pattern, ":")
	path, verb := cutVerb(path)
	want, got := strings.Split(pattern, "/"), strings.Split(path, "/")
	if verb != wantVerb || len(want) != len(got) {
		return nil, false
	}
	vars = make(map[string]string)
	for i, w := range want {
		value, err := url.PathUnescape(got[i])
		if err != nil || value == "" {
			return nil, false
		}
		if name, isVar := strings.CutPrefix(w, "{"); isVar {
			vars[strings.TrimSuffix(name, "}")] = value
		} else if w != value {
			return nil, false
		}
	}
	return vars, true
}

// cutVerb takes a custom method such as :getIamPolicy off a path.
func cutVerb(path string) (rest, verb string) {
	path = strings.ReplaceAll(path, "%3A", ":")
	if i := strings.LastIndex(path, ":"); i > strings.LastIndex(path, "/") {
		return path[:i], path[i+1:]
	}
	return path, ""
}

// changes says whether a request of this route changes something, if it is granted.
func (r route) changes() bool {
	method, pattern, _ := strings.Cut(r.pattern, " ")
	_, verb, _ := strings.Cut(pattern, ":")
	switch verb {
	case "getIamPolicy", "queryTestablePermissions", "generateUploadUrl":
		return false
	}
	return method != http.MethodGet && !strings.HasPrefix(pattern, uploadPath)
}
