package tallystick

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/firestore"
)

// Backend opens the store that a STORE setting names after its scheme.
type Backend func(ctx context.Context, name string) (storage.Store, error)

// backends are those that a deployed function has. A program that links another
// one registers it.
var backends = map[string]Backend{
	"datastore": func(ctx context.Context, name string) (storage.Store, error) {
		project, database, _ := strings.Cut(name, "/")
		return datastore.Open(ctx, project, database)
	},
	"firestore": func(ctx context.Context, name string) (storage.Store, error) {
		project, database, _ := strings.Cut(name, "/")
		return firestore.Open(ctx, project, database)
	},
}

// RegisterBackend adds a backend for a scheme. It is called before the first
// request.
func RegisterBackend(scheme string, b Backend) { backends[scheme] = b }

// OpenStore opens the store that url names, such as datastore:my-project or
// firestore:my-project/my-database.
func OpenStore(ctx context.Context, url string) (storage.Store, error) {
	scheme, name, _ := strings.Cut(url, ":")
	backend := backends[scheme]
	switch {
	case url == "":
		return nil, fmt.Errorf("settings: STORE is empty; it is datastore:PROJECT or firestore:PROJECT, each with /DATABASE behind it unless that is the default one")
	case scheme == "sqlite" && edge.Deployed():
		return nil, fmt.Errorf("settings: STORE: a deployed function has no disk for %q; it takes datastore:PROJECT or firestore:PROJECT", url)
	case backend == nil:
		return nil, fmt.Errorf("settings: STORE: %q is not for this program, which knows %s", url, strings.Join(slices.Sorted(maps.Keys(backends)), ", "))
	case name == "":
		return nil, fmt.Errorf("settings: STORE: %q does not say which one, such as %s:my-project", url, scheme)
	}
	store, err := backend(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", url, err)
	}
	return store, nil
}

// Find returns the function of a name.
func Find(name string) (edge.Function, bool) {
	i := slices.IndexFunc(Functions, func(f edge.Function) bool { return f.Name == name })
	if i < 0 {
		return edge.Function{}, false
	}
	return Functions[i], true
}

// deployed serves a function with the settings of its environment. It opens
// nothing before the first request, for a cold start is paid by a person.
func deployed(f edge.Function) http.Handler {
	return edge.WithToken(os.Getenv(edge.TokenVariable), &start{function: f, now: time.Now})
}

// startAgain is for how long a start that failed is the answer to all requests.
const startAgain = 5 * time.Second

// start opens a function once. While that fails, as it does when a database or a mounted
// folder is away for a moment, it is tried again for a request that comes by.
type start struct {
	function edge.Function
	now      func() time.Time

	mu     sync.Mutex
	opened http.Handler
	err    error
	due    time.Time // when it is tried again
}

// ServeHTTP answers as the function does, or says that it cannot start.
func (s *start) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	handler, err := s.handler()
	if err != nil {
		handler = edge.Unavailable(s.function, err)
	}
	handler.ServeHTTP(w, r)
}

func (s *start) handler() (http.Handler, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opened == nil && !s.now().Before(s.due) {
		s.opened, s.err = openFunction(s.function)
		s.due = s.now().Add(startAgain)
	}
	return s.opened, s.err
}

func openFunction(f edge.Function) (handler http.Handler, err error) {
	config, err := edge.LoadConfig()
	if edge.Deployed() { // before the error, which goes there
		slog.SetDefault(slog.New(edge.NewCloudLog(os.Stderr, config.Level(), config.ProjectID())))
	}
	if err != nil {
		return nil, err
	}
	env := edge.Env{Config: config}
	if f.Access != 0 {
		if env.Store, err = OpenStore(context.Background(), config.Store); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, env.Store.Close())
			}
		}()
	}
	if env.Traces, err = edge.OpenTraces(config, true); err != nil { // a function does its work without
		slog.Warn("traces are off", "error", err)
	}
	api, err := edge.New(f, env, nil)
	if err != nil {
		env.Traces.Close()
		return nil, err
	}
	return api.Handler(), nil
}
