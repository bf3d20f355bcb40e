package main

import (
	"context"
	_ "expvar" // /debug/vars on the default mux
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof" // /debug/pprof/ on the default mux
	"time"
)

// serveDebug serves the functions' figures and the profiles of this process, apart
// from what the world can reach.
func serveDebug(ctx context.Context, addr string) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("--debug-addr: %w", err)
	}
	server := &http.Server{Handler: http.DefaultServeMux, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener)
	context.AfterFunc(ctx, func() { server.Close() })
	return nil
}
