package controlplane

import "slices"

// Request is one that gcloud made.
type Request struct {
	API    string // as gcloud's settings call it, such as secretmanager
	Method string
	Path   string // with its query, if there is one
	Body   string
	Status int // of the reply; 0 while it is being answered

	changes bool // it would change something
}

// Requests are all since the start or since Forget, in the order of their arrival.
func (c *ControlPlane) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.requests)
}

// Changes are those requests that changed something: no question, and not refused.
func (c *ControlPlane) Changes() []Request {
	return slices.DeleteFunc(c.Requests(), func(r Request) bool { return !r.changed() })
}

// Forget empties the list of requests. What OnChange counts begins anew.
func (c *ControlPlane) Forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests, c.changes = nil, 0
}

// OnChange has f called after each change: it was made, and is not yet answered. n
// counts from 1. Calls come one at a time; other requests are served meanwhile.
func (c *ControlPlane) OnChange(f func(n int, r Request)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.onChange = f
}

func (r Request) changed() bool { return r.changes && r.Status == 200 }
