package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/gateway"
)

// restartPause is how long a function that died stays down.
const restartPause = 200 * time.Millisecond

// functionCommand is what runProcesses starts for each function: the program that
// the buildpack would make, with SQLite linked in. It lives until its standard
// input ends, so that it ends with its parent however that does, and leaves it to
// the parent to let requests finish first.
func functionCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "function",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			signal.Ignore(os.Interrupt, syscall.SIGTERM)
			config, _ := edge.LoadConfig() // what is wrong with it the function itself says
			logTo(os.Stderr, config.Level())
			go func() {
				io.Copy(io.Discard, os.Stdin)
				os.Exit(0)
			}()
			return funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT"))
		},
	}
}

// runProcesses runs every function as a process of its own, and again when it
// dies.
func runProcesses(ctx context.Context, config edge.Config) (*running, error) {
	// The server opens the store too: what is wrong with it is said now, and not at a
	// function's first request, and the last to close it leaves it in one file.
	store, err := tallystick.OpenStore(ctx, config.Store)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	var all sync.WaitGroup
	token := rand.Text()
	r := &running{
		addresses: make(map[string]string),
		transport: newTokenTransport(token),
		close:     func() error { stop(); all.Wait(); return store.Close() },
	}
	var starting []chan error
	for _, f := range tallystick.Functions {
		port, err := freePort()
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
		p := process{function: f, port: port, config: config, token: token}
		r.addresses[addressName(f)] = "http://" + p.address()
		started := make(chan error, 1)
		starting = append(starting, started)
		all.Go(func() { p.keep(ctx) })
		all.Go(func() { started <- p.ready(ctx) })
	}
	for _, started := range starting {
		if err := <-started; err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	return r, nil
}

// process is one function's.
type process struct {
	function edge.Function
	port     int
	config   edge.Config
	token    string
}

func (p process) address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.port)) }

// keep runs the process until ctx ends.
func (p process) keep(ctx context.Context) {
	for {
		err := p.run(ctx)
		if ctx.Err() != nil {
			return
		}
		slog.Warn("function died", "function", p.function.Name, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(restartPause):
		}
	}
}

func (p process) run(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.CommandContext(ctx, self, "function")
	environment := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "API_KEYS=") })
	c.Env = append(environment, // the keys are the gateway's
		"FUNCTION_TARGET="+p.function.EntryPoint,
		"PORT="+strconv.Itoa(p.port),
		"STORE="+p.config.Store,
		"ALLOWED_ORIGINS="+strings.Join(p.config.AllowedOrigins, ","),
		"LOG_LEVEL="+p.config.LogLevel,
		edge.TokenVariable+"="+p.token, // and not an argument, which all users can read
	)
	c.Stderr = os.Stderr
	alive, err := c.StdinPipe() // closed when this process ends
	if err != nil {
		return err
	}
	defer alive.Close()
	return c.Run()
}

// ready waits until the process listens.
func (p process) ready(ctx context.Context) error {
	const patience = 30 * time.Second
	for until := time.Now().Add(patience); ; {
		c, err := net.Dial("tcp", p.address())
		if err == nil {
			return c.Close()
		}
		if time.Now().After(until) || ctx.Err() != nil {
			return fmt.Errorf("function %s does not start: %w", p.function.Name, err)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// tokenTransport shows the processes that a request came through the gateway: their ports are
// open to all who are on this machine, where IAM guards deployed functions.
type tokenTransport struct {
	next  http.RoundTripper
	token []string
}

func newTokenTransport(token string) http.RoundTripper {
	next := gateway.NewTransport()
	next.Proxy = nil
	return tokenTransport{next, []string{token}}
}

// RoundTrip puts the token in place of whatever the client sent by that name.
func (t tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	out := r.WithContext(r.Context()) // the header is the caller's
	out.Header = maps.Clone(r.Header)
	out.Header[edge.TokenHeader] = t.token
	return t.next.RoundTrip(out)
}

// freePort returns a port that nothing listens on just now.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
