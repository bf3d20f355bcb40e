package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/gateway"
)

// defaultStore is a file in the folder that serve runs in.
const defaultStore = "sqlite:tallystick.db"

// drainTime is how long requests under way may take to end at a shutdown.
const drainTime = 20 * time.Second

type serveOptions struct {
	addr      string
	store     string
	apiKeys   []string
	processes bool
	debugAddr string
	logLevel  string
}

func serveCommand() *cobra.Command {
	var o serveOptions
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the whole product on this machine: gateway, functions and demo site",
		Long: "Run the whole product on this machine: gateway, functions and demo site.\n\n" +
			"The functions take their settings from the environment, as they do when they are deployed; see docs/settings.md.",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
			context.AfterFunc(ctx, stop) // a second signal does not wait for the drain
			defer stop()
			return serve(ctx, o, c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.StringVar(&o.addr, "addr", envOr("ADDR", "127.0.0.1:8080"), "address to listen on (ADDR)")
	f.StringVar(&o.store, "store", envOr("STORE", defaultStore), "sqlite:PATH, datastore:PROJECT or firestore:PROJECT (STORE)")
	f.StringSliceVar(&o.apiKeys, "api-key", nil, "key that opens the keyed routes; repeat it for more (API_KEYS, comma-separated)")
	f.BoolVar(&o.processes, "processes", false, "run every function as a process of its own, as deployed")
	f.StringVar(&o.logLevel, "log-level", envOr("LOG_LEVEL", "info"), "least that is logged: debug, info (each request), warn, error (LOG_LEVEL)")
	f.StringVar(&o.debugAddr, "debug-addr", "", "serve profiles, and without --processes figures, at /debug/ on this address")
	return c
}

func envOr(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}

// gcPercent lets the heap grow to five times what lives in it, some 70 MB at 256
// connections, before it is collected: a server has the room, and answers more with it.
// GOGC says otherwise.
const gcPercent = 400

// serve runs until ctx ends. By then it has printed one line "listening on …".
func serve(ctx context.Context, o serveOptions, out io.Writer) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	config, err := edge.LoadConfig()
	if err != nil {
		return err
	}
	config.Store, config.LogLevel = o.store, o.logLevel
	if err := config.Check(); err != nil {
		return err
	}
	logTo(os.Stderr, config.Level())
	if err := startable(config); err != nil {
		return err
	}
	if _, err := os.Stat(partnersFolder); err == nil && config.Partners == "" {
		slog.Warn("there is a folder of partners here, but PARTNERS is not set, so there is no partner", "folder", partnersFolder)
	}
	listener, err := net.Listen("tcp", o.addr)
	if err != nil {
		return fmt.Errorf("cannot listen: %w; another address is given with --addr", err)
	}
	defer listener.Close()
	url := baseURL(listener.Addr())
	config.AllowedOrigins = ownOrigins(config.AllowedOrigins, listener.Addr())

	run := runInside
	if o.processes {
		run = runProcesses
	}
	if err := wantWhole(ctx, config.Store); err != nil {
		return err
	}
	functions, err := run(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, functions.close()) }()

	// Last, so that a start that fails for another reason leaves no key behind.
	keys, keyFile, err := o.keys()
	if err != nil {
		return err
	}
	rendered, err := gateway.Render(tallystick.GatewayConfig, functions.addresses)
	if err != nil {
		return err
	}
	gate, err := gateway.New(rendered, gateway.Options{Keys: keys, Backends: functions.handlers, Transport: functions.transport, Logger: slog.Default()})
	if err != nil {
		return err
	}
	if o.debugAddr != "" {
		if err := serveDebug(ctx, o.debugAddr, functions.figures); err != nil {
			return err
		}
	}
	demoKey := keys[0]
	if config.BasicAuth != "" { // and a key alone opens nothing
		demoKey = ""
	}
	server := &http.Server{
		Handler:           withSite(gate, demoKey, shopClosed(config, listener.Addr()), config.AllowedOrigins),
		MaxHeaderBytes:    64 << 10, // or each connection of anybody may take 1 MiB, and what Go makes of it
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second, // past the gateway's deadline, as is the next
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	shown := keys[0]
	if !(out == os.Stdout && term.IsTerminal(int(os.Stdout.Fd()))) {
		shown = "" // a service's output is a log, which others read
	}
	greet(out, url, shown, keyFile)

	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if err := server.Shutdown(drain); err != nil {
		return fmt.Errorf("requests that had not ended after %v were cut off: %w", drainTime, err)
	}
	return nil
}

// startable returns what a function refuses of the settings. It asks without a store, so
// that a start that fails leaves none behind.
func startable(config edge.Config) error {
	for _, f := range tallystick.Functions {
		if _, err := edge.New(f, edge.Env{Config: config}, nil); err != nil {
			return err
		}
	}
	return nil
}

// wholeTime bounds how long a start asks whether the database is whole.
const wholeTime = 10 * time.Second

// wantWhole refuses a database that holds part of an archive: what is acknowledged on it is no
// part of anything. One that cannot be asked is served all the same, for it may come back.
func wantWhole(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	store, err := tallystick.OpenStore(ctx, url)
	if err != nil {
		return err
	}
	err = archive.Unfinished(ctx, store)
	switch closed := store.Close(); {
	case errors.Is(err, archive.ErrUnfinished):
		return fmt.Errorf("%s: %w", url, err)
	case err != nil:
		slog.Warn("it is not known whether an import into the database is unfinished", "error", err)
		return nil
	default:
		return closed
	}
}

// greet prints what a newcomer needs. Without a key it only says where that is kept.
func greet(out io.Writer, url, key, keyFile string) {
	fmt.Fprintf(out, "demo site   %s/\n", url)
	fmt.Fprintf(out, "dashboard   %s/dashboard/\n", url)
	fmt.Fprintf(out, "API         %s/docs\n", url)
	switch {
	case keyFile == "":
	case key == "":
		fmt.Fprintf(out, "API key     kept in %s\n", keyFile)
	default:
		fmt.Fprintf(out, "API key     %s  (kept in %s)\n", key, keyFile)
	}
	attributes := "defer"
	if u, err := neturl.Parse(url); err == nil && isThisMachine(u.Hostname()) {
		attributes += " data-allow-local" // only pages of this machine can use it
	}
	fmt.Fprintf(out, "paste this  <script src=\"%s/visits/count.js\" %s></script>\n", url, attributes)
	fmt.Fprintf(out, "listening on %s\n", url)
}

// baseURL is where a browser on this machine finds the server.
func baseURL(addr net.Addr) string {
	tcp := addr.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}

// ownOrigins adds the server's own pages to the origins that are named.
func ownOrigins(named []string, addr net.Addr) []string {
	if slices.Contains(named, "*") {
		return named
	}
	own := []string{baseURL(addr)}
	for _, host := range []string{"localhost", "127.0.0.1", "[::1]"} {
		own = append(own, fmt.Sprintf("http://%s:%d", host, addr.(*net.TCPAddr).Port))
	}
	return slices.Concat(named, own)
}
