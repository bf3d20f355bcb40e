package main

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
)

// running is the functions, where the gateway reaches them.
type running struct {
	addresses map[string]string       // VISITS_URL and its like
	handlers  map[string]http.Handler // by address, where a function is in this process
	transport http.RoundTripper       // to the functions that are not; else nil
	figures   figures                 // of the functions in this process
	close     func() error
}

// addressName is the placeholder of a function's address in gateway-config.yaml.
func addressName(f edge.Function) string { return strings.ToUpper(f.Name) + "_URL" }

// runInside runs all functions in this process, on one store.
func runInside(ctx context.Context, config edge.Config) (*running, error) {
	traces, err := edge.OpenTraces(config, false)
	if err != nil {
		return nil, err
	}
	store, err := tallystick.OpenStore(ctx, config.Store)
	if err != nil {
		return nil, err
	}
	r := &running{
		addresses: make(map[string]string),
		handlers:  make(map[string]http.Handler),
		figures:   make(figures),
		close:     func() error { traces.Close(); return store.Close() },
	}
	env := edge.Env{Config: config, Store: store, Publish: r.figures.publish, Traces: traces}
	for _, f := range tallystick.Functions {
		address := "http://" + f.Name + ".internal"
		r.addresses[addressName(f)] = address
		api, err := edge.New(f, env, nil)
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.handlers[address] = api.Handler()
	}
	return r, nil
}
