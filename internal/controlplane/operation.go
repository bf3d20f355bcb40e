package controlplane

import "fmt"

// operation is a long-running one. What it does is done when it is created; every
// fourth one is still running when it is asked for the first time, so that callers
// have to ask again: not more of them, for gcloud sleeps meanwhile.
type operation struct {
	name     string
	metadata doc
	response any
	err      *refusal
	running  bool   // until it was asked for once
	makes    string // the resource that is under way until then
}

// begin adds an operation whose name begins with prefix.
func (s *state) begin(prefix string, metadata doc, response any) *operation {
	n := len(s.operations) + 1
	o := &operation{name: fmt.Sprintf("%soperation-%d", prefix, n), metadata: metadata, response: response, running: n%4 == 3}
	s.operations[o.name] = o
	return o
}

// start is the operation as its creator sees it.
func (o *operation) start() doc {
	return doc{"name": o.name, "metadata": o.metadata.with(nil)}
}

// poll is a handler for operations whose names are what format makes of vars.
func (s *state) poll(format string, vars ...string) func(*call) (doc, error) {
	return func(in *call) (doc, error) {
		var args []any
		for _, v := range vars {
			args = append(args, in.vars[v])
		}
		name := fmt.Sprintf(format, args...)
		o := s.operations[name]
		if o == nil {
			return nil, notFound("Operation %s was not found.", name)
		}
		if o.running {
			o.running = false
			return o.start(), nil
		}
		delete(s.underWay, o.makes)
		reply := o.start()
		reply["done"] = true
		if o.err != nil {
			reply["error"] = doc{"code": rpcCode[o.err.status], "message": o.err.message}
		} else {
			reply["response"] = o.response
		}
		return reply, nil
	}
}

// rpcCode is google.rpc.Code, which operations use.
var rpcCode = map[int]int{400: 3, 403: 7, 404: 5, 409: 10}
