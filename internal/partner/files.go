package partner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const (
	maxDocument = 64 << 10
	maxPartners = 1000
)

// file is a document and where it lies.
type file struct {
	path     string
	document document
	partner  *Partner
	read     time.Time
}

// fault is what is wrong with documents, or with folders of them.
type fault struct {
	paths []string
	err   error    // which names them
	ids   []string // whose documents they may be
}

func faultOf(path string, err error) fault {
	return fault{paths: []string{path}, err: fmt.Errorf("%s: %w", path, cause(err)), ids: []string{strings.TrimSuffix(filepath.Base(path), ".json")}}
}

// hits says whether because of a fault nothing is known of a path: it is the fault's, or
// below it.
func (f fault) hits(path string) bool {
	return slices.ContainsFunc(f.paths, func(p string) bool {
		return path == p || strings.HasPrefix(path, p+string(filepath.Separator))
	})
}

func joined(faults []fault) error {
	var all []error
	for _, f := range faults {
		all = append(all, f.err)
	}
	return errors.Join(all...)
}

var errNoFolder = errors.New("there is no such folder; `tallystick partner add` makes it")

// readFiles reads all documents of a folder.
func readFiles(dir string, now time.Time) (files []file, faults []fault) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, []fault{faultOf(dir, errNoFolder)}
	}
	paths, faults := documentPaths(dir, 1)
	for _, path := range paths {
		f, wrong := readFile(path, now)
		for _, err := range wrong {
			of := faultOf(path, err)
			of.ids = append(of.ids, f.document.ID)
			faults = append(faults, of)
		}
		if len(wrong) == 0 {
			files = append(files, f)
		}
	}
	return files, faults
}

// readFile returns a document as far as it can be read.
func readFile(path string, now time.Time) (file, []error) {
	data, err := readDocument(path)
	if err != nil {
		return file{}, []error{err}
	}
	d, err := parseDocument(data)
	if err != nil {
		return file{document: d}, []error{err}
	}
	p, faults := d.partner(now)
	return file{path, d, p, now}, faults
}

func readDocument(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if len(data) > maxDocument {
		return nil, fmt.Errorf("it has over %d KiB", maxDocument>>10)
	}
	return data, err
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
func documentPaths(dir string, depth int) (paths []string, faults []fault) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		faults = append(faults, faultOf(dir, err))
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path) // of what a link leads to
		isDocument := strings.HasSuffix(path, ".json")
		switch {
		case err != nil:
			faults = append(faults, faultOf(path, err))
		case info.IsDir():
			if depth > 0 {
				below, wrong := documentPaths(path, depth-1)
				paths, faults = append(paths, below...), append(faults, wrong...)
			}
		case isDocument && !info.Mode().IsRegular(): // to open it might take for ever
			faults = append(faults, faultOf(path, errors.New("it is not a file")))
		case isDocument:
			paths = append(paths, path)
		}
	}
	return paths, faults
}
