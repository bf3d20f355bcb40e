package partner

import (
	"errors"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	rereadEvery = 60 * time.Second
	keepFor     = 10 * time.Minute // what was read last, while it cannot be read
)

// ErrUnavailable says that nobody knows who the partners are: their folder cannot be
// read, and has not been for ten minutes.
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
	set    *Set
	files  map[string]file // by path, each as it was last read well
	listed time.Time       // when it was last seen which files there are
	due    time.Time       // when it is to be read again
}

// Open reads the partners of a folder. Any fault of any document is an error, which has
// them all. The folder "" has no partners.
func Open(dir string, now func() time.Time) (*Folder, error) {
	f := &Folder{dir: dir, now: now}
	at := now()
	var files []file
	var faults []fault
	if dir != "" {
		files, faults = readFiles(dir, at)
	}
	set, clashes := newSet(files)
	if err := joined(append(faults, clashes...)); err != nil {
		return nil, err
	}
	if dir != "" {
		set.ReadTime = at
	}
	f.known.Store(&knowledge{set: set, files: byPath(files), listed: at, due: at.Add(rereadEvery)})
	return f, nil
}

func byPath(files []file) map[string]file {
	all := make(map[string]file)
	for _, f := range files {
		all[f.path] = f
	}
	return all
}

// Partners returns the partners as they were a minute ago or later. A partner whose
// document cannot be read is as it was up to ten minutes ago, and then gone; when the
// folder itself cannot be read for as long, the error is ErrUnavailable. It reads in the
// caller's time, for a function has no other. The callers who come meanwhile wait for
// that: one of them may be signed with a key that is new.
func (f *Folder) Partners() (*Set, error) {
	k := f.known.Load()
	if f.dir == "" {
		return k.set, nil
	}
	if now := f.now(); !now.Before(k.due) {
		f.reread()
		k = f.known.Load()
	}
	if f.now().Sub(k.listed) > keepFor {
		return nil, ErrUnavailable
	}
	return k.set, nil
}

// reread reads the folder, unless another caller has done it by now.
func (f *Folder) reread() {
	f.reading.Lock()
	defer f.reading.Unlock()
	now := f.now()
	k := f.known.Load()
	if now.Before(k.due) {
		return
	}
	next := &knowledge{listed: now, due: now.Add(rereadEvery)}
	files, faults := readFiles(f.dir, now)
	next.files = byPath(files)
	if slices.ContainsFunc(faults, func(of fault) bool { return of.hits(f.dir) }) {
		next.listed = k.listed
	}
	next.keepFaulty(k, faults, now)
	faults = append(faults, next.settle(k, now)...)
	next.set.ReadTime = now
	if err := joined(faults); err != nil {
		slog.Error("partners cannot be read", "error", err)
		next.set.ReadTime, next.set.Stale = k.set.ReadTime, true
	}
	if before, n := len(k.set.partners), len(next.set.partners); n != before { // an empty folder may be one that is not mounted
		slog.Warn("there are more or fewer partners", "before", before, "now", n)
	}
	f.known.Store(next)
}

// keepFaulty keeps what has a fault as it was before.
func (k *knowledge) keepFaulty(before *knowledge, faults []fault, now time.Time) {
	for path := range before.files {
		_, read := k.files[path]
		if !read && slices.ContainsFunc(faults, func(of fault) bool { return of.hits(path) }) {
			k.keep(before, path, now)
		}
	}
}

// settle makes the set. Of documents that cannot be beside each other it keeps those that
// changed as they were before, when they could; so with each round fewer have changed.
func (k *knowledge) settle(before *knowledge, now time.Time) (all []fault) {
	for {
		files := slices.SortedFunc(maps.Values(k.files), func(a, b file) int { return strings.Compare(a.path, b.path) })
		set, clashes := newSet(files)
		if len(clashes) == 0 {
			k.set = set
			return all
		}
		all = append(all, clashes...)
		for _, c := range clashes {
			for _, path := range c.paths {
				if !reflect.DeepEqual(k.files[path].document, before.files[path].document) {
					k.keep(before, path, now)
				}
			}
		}
	}
}

// keep keeps a document as it was before, or none if that is too long ago.
func (k *knowledge) keep(before *knowledge, path string, now time.Time) {
	old, ok := before.files[path]
	end := old.read.Add(keepFor + 1) // the moment from which it is too old
	if !ok || !now.Before(end) {
		delete(k.files, path)
		return
	}
	k.files[path] = old
	if end.Before(k.due) {
		k.due = end
	}
}
