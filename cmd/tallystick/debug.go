package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"time"
)

// figures are what the functions of this process publish about their work, by name.
type figures map[string]func() any

func (f figures) publish(name string, current func() any) { f[name] = current }

func (f figures) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	now := make(map[string]any, len(f))
	for name, current := range f {
		now[name] = current()
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(now)
}

// serveDebug serves the functions' figures and the profiles of this process, apart
// from what the world can reach.
func serveDebug(ctx context.Context, addr string, f figures) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("--debug-addr: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /debug/vars", f)
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	context.AfterFunc(ctx, func() { server.Close() })
	return nil
}
