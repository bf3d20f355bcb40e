package sqlite_test

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

func TestTheFilesAreForTheOwnerOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally.db")
	s := open(t, path)
	put(t, s, "a", "1")
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %o, want 600", filepath.Base(name), got)
		}
	}
}

func TestWhatWasStoredIsThereAfterOpeningAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally.db")
	s := open(t, path)
	put(t, s, "a", "kept")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after Close there is a log still: %v", err)
	}
	wantData(t, open(t, path), "a", "kept")
}

func TestTwoStoresOfOneProcessShareAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally.db")
	one, two := open(t, path), open(t, path)
	put(t, one, "a", "1")
	wantData(t, two, "a", "1")
	put(t, two, "a", "2")
	wantData(t, one, "a", "2")
}

func TestAnEmptyFileBecomesADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally.db")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	put(t, open(t, path), "a", "1")
}

func TestOpenRefuses(t *testing.T) {
	folder := t.TempDir()
	file := func(name string, prepare func(path string)) string {
		path := filepath.Join(folder, name)
		prepare(path)
		return path
	}
	statements := func(statements ...string) func(string) {
		return func(path string) {
			db, err := sql.Open("sqlite", path)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			for _, s := range statements {
				if _, err := db.Exec(s); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, c := range []struct {
		what, path, want string
	}{
		{"a folder that is missing", filepath.Join(folder, "missing", "tally.db"), "there is no folder"},
		{"a folder", folder, "unable to open"},
		{"another program's database", file("other.db", statements("CREATE TABLE other (x)", "INSERT INTO other VALUES (1)")), "another program"},
		{"another program's mark", file("marked.db", statements("PRAGMA application_id = 7")), "another program"},
		{"no database", file("text.db", func(path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("just some text\n"), 500), 0o600); err != nil {
				t.Fatal(err)
			}
		}), "not a SQLite database"},
		{"a newer schema", file("newer.db", func(path string) {
			s, err := sqlite.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			statements("PRAGMA user_version = 99")(path)
		}), "newer Tallystick"},
	} {
		t.Run(c.what, func(t *testing.T) {
			before, _ := os.ReadFile(c.path)
			s, err := sqlite.Open(t.Context(), c.path)
			if err == nil {
				s.Close()
				t.Fatal("Open succeeded")
			}
			if got := err.Error(); !strings.Contains(got, c.want) || !strings.Contains(got, c.path) {
				t.Errorf("got error %q, want one with %q and the path", got, c.want)
			}
			if after, _ := os.ReadFile(c.path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func TestAFileThatCannotBeWrittenIsUnavailable(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root writes to any file")
	}
	path := filepath.Join(t.TempDir(), "tally.db")
	s := open(t, path)
	put(t, s, "a", "1")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	wantData(t, s, "a", "1")
	err := s.Update(t.Context(), func(tx storage.Tx) error { return tx.Delete(key("a")) })
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got error %v, want ErrUnavailable", err)
	}
}

func open(t testing.TB, path string) storage.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func key(name string) storage.Key { return storage.Key{Kind: "Test", Name: name} }

func put(t *testing.T, s storage.Store, name, data string) {
	t.Helper()
	err := s.Update(t.Context(), func(tx storage.Tx) error {
		return tx.Put(storage.Entity{Key: key(name), Data: []byte(data)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func wantData(t *testing.T, s storage.Store, name, want string) {
	t.Helper()
	got, err := s.Get(t.Context(), key(name))
	if err != nil {
		t.Fatal(err)
	}
	if string(got[0].Data) != want {
		t.Errorf("%s: got %q, want %q", name, got[0].Data, want)
	}
}
