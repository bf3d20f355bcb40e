package partner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	rereadEvery = 60 * time.Second
	keepFor     = 10 * time.Minute // the partners that were read last, while they cannot be read

	maxDocument = 64 << 10
	maxPartners = 1000
)

// ErrUnavailable says that nobody knows who the partners are: their documents cannot be
// read, and have not been for ten minutes.
var ErrUnavailable = errors.New("the documents of partners cannot be read now")

// Folder reads the documents of partners: each a file NAME.json of the folder, or of a
// folder in it, as a mounted secret is. Names that begin with a dot are none.
type Folder struct {
	dir string
	now func() time.Time

	reading sync.Mutex // held by the caller who reads
	known   atomic.Pointer[knowledge]
}

// knowledge is what is known of a folder at one time.
type knowledge struct {
	set   *Set
	read  time.Time // when it was read
	tried time.Time // when it was to be read for the last time
}

// Open reads the partners of a folder. Any fault of any document is an error, which has
// them all. The folder "" has no partners.
func Open(dir string, now func() time.Time) (*Folder, error) {
	f := &Folder{dir: dir, now: now}
	at := now()
	set, err := f.read(at)
	if err != nil {
		return nil, err
	}
	f.known.Store(&knowledge{set: set, read: at, tried: at})
	return f, nil
}

// Partners returns the partners as they were a minute ago or later; while they cannot
// be read, as they were up to ten minutes ago, and then ErrUnavailable. It reads in the
// caller's time, for a function has no other. The callers who come meanwhile wait for
// that: one of them may be signed with a key that is new.
func (f *Folder) Partners() (*Set, error) {
	if k := f.known.Load(); f.dir != "" && k.due(f.now()) {
		f.reread()
	}
	k := f.known.Load()
	if f.dir != "" && k.tooOld(f.now()) {
		return nil, ErrUnavailable
	}
	return k.set, nil
}

func (k *knowledge) due(now time.Time) bool    { return now.Sub(k.tried) >= rereadEvery }
func (k *knowledge) tooOld(now time.Time) bool { return now.Sub(k.read) > keepFor }

// reread reads the folder, unless another caller has done it by now.
func (f *Folder) reread() {
	f.reading.Lock()
	defer f.reading.Unlock()
	now := f.now()
	k := f.known.Load()
	if !k.due(now) {
		return
	}
	next := &knowledge{set: k.set, read: k.read, tried: now}
	if set, err := f.read(now); err == nil {
		next.set, next.read = set, now
	} else {
		slog.Error("partners cannot be read", "lastRead", k.read, "error", err)
	}
	f.known.Store(next)
}

func (f *Folder) read(now time.Time) (*Set, error) {
	if f.dir == "" {
		return newSet(nil)
	}
	files, err := readFiles(f.dir, now)
	set, shared := newSet(files)
	return set, errors.Join(err, shared)
}

// file is a document and where it lies.
type file struct {
	path     string
	document document
	partner  *Partner
}

// readFiles reads all documents of a folder.
func readFiles(dir string, now time.Time) (files []file, err error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such folder; `tallystick partner add` makes it", dir)
	}
	paths, err := documentPaths(dir, 1)
	all := []error{err}
	for _, path := range paths {
		f, faults := readFile(path, now)
		for _, fault := range faults {
			all = append(all, fmt.Errorf("%s: %w", path, fault))
		}
		if len(faults) == 0 {
			files = append(files, f)
		}
	}
	return files, errors.Join(all...)
}

func readFile(path string, now time.Time) (file, []error) {
	data, err := readDocument(path)
	if err != nil {
		return file{}, []error{err}
	}
	d, err := parseDocument(data)
	if err != nil {
		return file{}, []error{err}
	}
	p, faults := d.partner(now)
	return file{path, d, p}, faults
}

func readDocument(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, cause(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if len(data) > maxDocument {
		return nil, fmt.Errorf("it has over %d KiB", maxDocument>>10)
	}
	return data, cause(err)
}

// cause is an error of a file without the file's name, which is said once.
func cause(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// documentPaths returns the files of a folder that are documents, and those of the
// folders below it down to a depth.
func documentPaths(dir string, depth int) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	faults := []error{err}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // of what a link leads to
		isDocument := strings.HasSuffix(path, ".json")
		switch {
		case err != nil:
			faults = append(faults, err)
		case info.IsDir():
			if depth > 0 {
				below, err := documentPaths(path, depth-1)
				paths, faults = append(paths, below...), append(faults, err)
			}
		case isDocument && !info.Mode().IsRegular(): // to open it might take for ever
			faults = append(faults, fmt.Errorf("%s: it is not a file", path))
		case isDocument:
			paths = append(paths, path)
		}
	}
	return paths, errors.Join(faults...)
}
