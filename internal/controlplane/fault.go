package controlplane

// fault answers in place of the control plane.
type fault struct {
	match  func(Request) bool
	times  int
	status int
	body   string
}

// Fail answers the next requests that match, as many as times says, with status and
// body: they change nothing. The first fault that matches counts. An empty body
// becomes the one that Google's APIs send with that status. match is asked while a
// request is served, and may not ask the control plane.
func (c *ControlPlane) Fail(match func(Request) bool, times int, status int, body string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = append(c.faults, &fault{match, times, status, body})
}

// Heal takes all faults away.
func (c *ControlPlane) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = nil
}

// takeFault uses a fault that is set for the request; nil if there is none.
func (c *ControlPlane) takeFault(r Request) *fault {
	for _, f := range c.faults {
		if f.times > 0 && f.match(r) {
			f.times--
			return f
		}
	}
	return nil
}
