//go:build unix

package main

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// halfImported is a folder with an archive of one visit, and a database into which an import
// of it broke off at its end.
func halfImported(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	s := startServer(t, folder, "--store", "sqlite:before.db")
	s.want(http.StatusOK, http.MethodPost, "/visits?page=/", "")
	s.tool("", "export", "--all", "--store", "sqlite:before.db", "-o", "shop.gz").wants(0)
	s.stop()

	store, err := sqlite.Open(t.Context(), filepath.Join(folder, "tallystick.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	file, err := os.Open(filepath.Join(folder, "shop.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	contents, err := archive.Verify(t.Context(), file, func(int64) {})
	if err != nil {
		t.Fatal(err)
	}
	broken := errors.New("the power is gone")
	to := archive.Target{Store: store, Now: time.Now, Arrived: func() error { return broken }}
	if err := archive.Read(context.Background(), file, contents, to, func(int64) {}); !errors.Is(err, broken) {
		t.Fatalf("the import ended with %v", err)
	}
	return folder
}

// TestServeRefusesAHalfImportedDatabase, for what it acknowledged on one would be no part of
// what is there in the end. It says how to go on, and that is true.
func TestServeRefusesAHalfImportedDatabase(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			folder := halfImported(t)
			s := launch(t, folder, append([]string{"--addr", "127.0.0.1:0"}, mode.args...)...)
			if s.url != "" {
				t.Fatalf("it serves at %s", s.url)
			}
			s.wantExit(1)
			for _, want := range []string{"sqlite:tallystick.db: an import into this database is not finished", "run the same import again", "or take an empty database"} {
				if said := s.said(); !strings.Contains(said, want) {
					t.Errorf("it says %q, want %q in it", said, want)
				}
			}
			wantNoFile(t, folder, "tallystick.db.key")
			ended(t, command(t, folder, "import", "--all", "shop.gz")).wants(0, "all are counted")
			s = startServer(t, folder, mode.args...)
			if got := s.want(http.StatusOK, http.MethodGet, "/visits?page=/", ""); !strings.Contains(got, `"visits":1`) {
				t.Errorf("after it the visits are %s, want the one of the archive", got)
			}
		})
	}
}

func wantNoFile(t *testing.T, folder, name string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder, name)); err == nil {
		t.Errorf("there is a file %s", name)
	}
}

// TestDoctorFindsAnImportThatIsNotFinished, which functions that run do not notice.
func TestDoctorFindsAnImportThatIsNotFinished(t *testing.T) {
	folder := halfImported(t)
	doctor := func(args ...string) outcome {
		return ended(t, command(t, folder, append([]string{"doctor", "--url", "http://" + freeAddr(t)}, args...)...))
	}
	const unfinished = "FAILED   import           sqlite:tallystick.db: an import into this database is not finished"
	doctor().wants(1, unfinished)
	doctor("--store", "tallystick.db").wants(1, unfinished)
	doctor("--store", "sqlite:before.db").wants(1, "ok       import           sqlite:before.db has no import that is unfinished")
	doctor("--store", "sqlite:shop.gz").wants(1, "warning  import           it is not known whether an import is unfinished: open sqlite:shop.gz: ")
	wantFiles(t, folder, "before.db", "before.db.key", "shop.gz", "tallystick.db")
}
