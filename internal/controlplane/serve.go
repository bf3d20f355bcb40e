package controlplane

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ServeHTTP answers gcloud. The first part of the path is the API's name, for on
// this machine they share a host; the rest is as in the cloud.
func (c *ControlPlane) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the caller is gone
	}
	api, path, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	request := Request{API: api, Method: r.Method, Path: "/" + path, Body: string(body)}
	if r.URL.RawQuery != "" {
		request.Path += "?" + r.URL.RawQuery
	}
	if api == uploadAPI {
		request.Body = fmt.Sprintf("(%d bytes)", len(body))
	}

	status, reply, change := c.answer(request, &call{query: r.URL.Query(), raw: body}, path)
	if change != nil {
		change()
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	_, _ = w.Write(reply)
}

// answer records the request and what is answered. If something has changed, change
// tells the test.
func (c *ControlPlane) answer(r Request, in *call, path string) (status int, reply []byte, change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := find(c.routes[r.API], r.Method, path, in)
	r.changes = ok && found.changes()
	switch f := c.takeFault(r); {
	case f != nil && f.body != "":
		status, reply = f.status, []byte(f.body)
	case f != nil:
		status, reply = encode(nil, &refusal{status: f.status, message: "A fault that the test asked for."})
	case !ok:
		c.t.Errorf("controlplane: gcloud asks %s for %s %s, which has no route: add it to the API's file", r.API, r.Method, r.Path)
		status, reply = encode(nil, &refusal{status: http.StatusNotFound, message: "Method not found."})
	default:
		status, reply = encode(c.state.serve(r.API, found, in))
	}
	r.Status = status
	c.requests = append(c.requests, r)
	if r.changed() {
		c.changes++
		if n, f := c.changes, c.onChange; f != nil {
			change = func() {
				c.telling.Lock()
				defer c.telling.Unlock()
				f(n, r)
			}
		}
	}
	return status, reply, change
}

// serve checks what all APIs check and has the route's handler answer.
func (s *state) serve(api string, r route, in *call) (doc, error) {
	if project, ok := in.vars["project"]; ok && !s.isProject(project) && (project != "-" || api != "iam") {
		return nil, s.noProject(project) // to IAM, - is the project that an account's name says
	}
	if err := s.checkEnabled(api); err != nil {
		return nil, err
	}
	if len(in.raw) > 0 && api != uploadAPI {
		if err := json.Unmarshal(in.raw, &in.body); err != nil {
			return nil, refuse(http.StatusBadRequest, "Invalid JSON payload received. %v", err)
		}
	}
	return r.handle(in)
}

func encode(reply doc, err error) (int, []byte) {
	status := http.StatusOK
	var refused *refusal
	switch {
	case errors.As(err, &refused):
		status, reply = refused.status, refused.body()
	case err != nil:
		status, reply = http.StatusInternalServerError, (&refusal{status: http.StatusInternalServerError, message: err.Error()}).body()
	case reply == nil:
		reply = doc{}
	}
	b, err := json.Marshal(reply)
	if err != nil {
		return http.StatusInternalServerError, []byte(err.Error())
	}
	return status, b
}
