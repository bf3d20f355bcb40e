package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
)

// TestAFunctionThatIsDownBreaksItsOwnRoutes and no other, and comes back by itself.
func TestAFunctionThatIsDownBreaksItsOwnRoutes(t *testing.T) {
	s := startServer(t, t.TempDir(), "--processes", "RATE_LIMIT=0")
	for range 10 {
		s.want(http.StatusOK, http.MethodPost, "/visits", "")
	}

	port := s.function("Visits").port
	up := holdDown(t, s, "Visits")
	for _, want := range []struct {
		status       int
		method, path string
	}{
		{http.StatusServiceUnavailable, http.MethodPost, "/visits"},
		{http.StatusServiceUnavailable, http.MethodGet, "/visits/count.js"},
		{http.StatusUnauthorized, http.MethodPut, "/visits"}, // the gateway's own answer
		{http.StatusOK, http.MethodGet, "/docs"},
		{http.StatusOK, http.MethodGet, "/openapi.json"},
		{http.StatusOK, http.MethodGet, "/"},
	} {
		s.want(want.status, want.method, want.path, "")
	}
	up()

	eventually(t, "visits is back", func() bool {
		reply, _ := s.do(http.MethodGet, "/visits", "")
		return reply.StatusCode == http.StatusOK
	})
	if got := s.want(http.StatusOK, http.MethodPost, "/visits", "", "Accept", "text/plain"); strings.TrimSpace(got) != "11" {
		t.Errorf("the next visit has number %q, want 11", got)
	}
	if got := s.function("Visits").port; got != port {
		t.Errorf("visits is at port %s, want %s, where the gateway looks for it", got, port)
	}
	s.stop()
	if log := s.said(); !strings.Contains(log, "function died") {
		t.Errorf("the log does not say that a function died: %s", log)
	}
}

// TestVisitsAreCountedOnceWhileTheirFunctionDies: the function alone is killed, under
// load.
func TestVisitsAreCountedOnceWhileTheirFunctionDies(t *testing.T) {
	s := startServer(t, t.TempDir(), "--processes", "RATE_LIMIT=0")
	c := &crowd{T: t, keyed: true, failing: true}
	c.come(s.url)
	for range crashes() {
		c.until(c.acked.Load() + 500)
		eventually(t, "a visits process to kill", func() bool {
			visits, ok := s.functions()["Visits"]
			return ok && syscall.Kill(visits.pid, syscall.SIGKILL) == nil
		})
	}
	c.until(c.acked.Load() + 500)
	c.leave()
	stored, acked := s.stored(), c.acked.Load()
	t.Logf("%d crashes: %d acknowledged, %d stored", crashes(), acked, stored)
	if stored != acked {
		t.Errorf("%d visits are stored, %d acknowledged, want as many", stored, acked)
	}
	c.wantEachOnce(true)
}

// TestNoFunctionOutlivesTheServer, however that ends.
func TestNoFunctionOutlivesTheServer(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			s := startServer(t, t.TempDir(), "--processes")
			functions := s.functions()
			if len(functions) != len(tallystick.Functions) {
				t.Fatalf("the functions' processes are %v, want all %d", functions, len(tallystick.Functions))
			}
			s.signal(sig)
			<-s.ended
			for name, f := range functions {
				eventually(t, name+" has ended", func() bool { return !alive(f.pid) })
			}
		})
	}
}

// TestAFunctionAnswersTheGatewayAlone: whoever is on the machine reaches its port, and has no
// key there.
func TestAFunctionAnswersTheGatewayAlone(t *testing.T) {
	s := startServer(t, t.TempDir(), "--processes", "--log-level", "debug", "API_KEYS=secret")
	straight := func(entryPoint string) *server {
		return &server{T: t, url: "http://127.0.0.1:" + s.function(entryPoint).port}
	}
	for _, f := range tallystick.Functions {
		straight(f.EntryPoint).want(http.StatusForbidden, http.MethodGet, "/"+f.Name, "")
	}
	for _, headers := range [][]string{nil, {"X-Api-Key", "secret"}, {edge.TokenHeader, ""}, {edge.TokenHeader, "guessed"}, {edge.TokenHeader, s.function("Visits").token[1:]}} {
		straight("Visits").want(http.StatusForbidden, http.MethodPost, "/visits", "", headers...)
		straight("Stock").want(http.StatusForbidden, http.MethodPost, "/stock/WIDGET/count", `{"quantity":3}`, headers...)
	}

	s.want(http.StatusNotFound, http.MethodGet, "/stock/WIDGET", "")
	for i, headers := range [][]string{nil, {edge.TokenHeader, "forged"}, {"Connection", edge.TokenHeader, edge.TokenHeader, "forged"}} {
		headers = append(headers, "Accept", "text/plain")
		if got := s.want(http.StatusOK, http.MethodPost, "/visits", "", headers...); strings.TrimSpace(got) != strconv.Itoa(i+1) {
			t.Errorf("through the gateway, with %q, the visit has number %q, want %d", headers, got, i+1)
		}
	}
	s.want(http.StatusCreated, http.MethodPost, "/stock/WIDGET/count", `{"quantity":3}`, "X-Api-Key", "secret")
	token := s.function("Visits").token
	straight("Visits").want(http.StatusOK, http.MethodGet, "/visits", "", edge.TokenHeader, token)
	s.stop()
	if log := s.said(); strings.Contains(log, token) || !strings.Contains(log, "/visits") {
		t.Errorf("the log has the token, or nothing of the visits: %s", log)
	}
}

// holdDown kills a function and takes its port, until up is called.
func holdDown(t *testing.T, s *server, entryPoint string) (up func()) {
	t.Helper()
	port := s.function(entryPoint).port
	var squatter net.Listener
	eventually(t, "the port of "+entryPoint, func() bool {
		// The server starts the function again after restartPause, much later than this
		// takes. If not, it is killed once more.
		if f, ok := s.functions()[entryPoint]; ok {
			syscall.Kill(f.pid, syscall.SIGKILL)
		}
		var err error
		squatter, err = net.Listen("tcp", "127.0.0.1:"+port)
		return err == nil
	})
	t.Cleanup(func() { squatter.Close() })
	go func() {
		for {
			c, err := squatter.Accept()
			if err != nil {
				return
			}
			c.(*net.TCPConn).SetLinger(0) // a reset, as from a port that nobody listens on
			c.Close()
		}
	}()
	return func() { squatter.Close() }
}

type function struct {
	pid   int
	port  string
	token string // without which it refuses
}

// function is a function's process.
func (s *server) function(entryPoint string) (f function) {
	s.Helper()
	eventually(s.T, entryPoint+" runs", func() (ok bool) {
		f, ok = s.functions()[entryPoint]
		return ok
	})
	return f
}

// functions are the server's children that run, by their entry point.
func (s *server) functions() map[string]function {
	s.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		s.Fatal(err)
	}
	found := make(map[string]function)
	for _, name := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if state, parent := status(pid); parent != s.cmd.Process.Pid || state == "Z" {
			continue
		}
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
		if err != nil {
			continue // it has just ended
		}
		settings := make(map[string]string)
		for _, setting := range strings.Split(string(env), "\x00") {
			name, value, _ := strings.Cut(setting, "=")
			settings[name] = value
		}
		if target := settings["FUNCTION_TARGET"]; target != "" {
			found[target] = function{pid, settings["PORT"], settings[edge.TokenVariable]}
		}
	}
	return found
}

// alive says whether a process runs. One that nobody has waited for yet does not.
func alive(pid int) bool {
	state, _ := status(pid)
	return state != "" && state != "Z"
}

// status reads proc(5)'s stat; a process that is gone has no state.
func status(pid int) (state string, parent int) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", 0
	}
	_, rest, _ := strings.Cut(string(b), ") ") // after the program's name
	if fields := strings.Fields(rest); len(fields) > 1 {
		state = fields[0]
		parent, _ = strconv.Atoi(fields[1])
	}
	return state, parent
}
