package partner

import (
	"errors"
	"fmt"
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

// ErrUnavailable says that it is not known who the partners are, or not of all: their
// folder cannot be read, and has not been for ten minutes, or some documents cannot.
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

// Open reads the partners of a folder, and fails if that cannot be read. A document that
// cannot be is left out, see Set.Wrong. The folder "" has no partners.
func Open(dir string, now func() time.Time) (*Folder, error) {
	f := &Folder{dir: dir, now: now}
	k := new(knowledge)
	k.set, _ = newSet(nil)
	if dir != "" {
		if k = k.next(dir, now()); k.listed.IsZero() {
			return nil, k.set.Wrong
		}
	}
	f.known.Store(k)
	return f, nil
}

// Read is Open for who wants to know it once.
func Read(dir string, now time.Time) (*Set, error) {
	f, err := Open(dir, func() time.Time { return now })
	if err != nil {
		return nil, err
	}
	return f.Partners()
}

// LogWrong logs what Open left out; what is wrong later is logged when it is seen.
func (f *Folder) LogWrong() { f.known.Load().set.logWrong() }

func (s *Set) logWrong() {
	if s.Wrong != nil {
		slog.Error("partners cannot be read", "error", s.Wrong)
	}
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
	next := k.next(f.dir, now)
	next.set.logWrong()
	if before, n := len(k.set.partners), len(next.set.partners); n != before { // an empty folder may be one that is not mounted
		slog.Warn("there are more or fewer partners", "before", before, "now", n)
	}
	f.known.Store(next)
}

// next is what is known after the folder is read once more. Where it could not be listed
// that is as long ago as it was.
func (k *knowledge) next(dir string, now time.Time) *knowledge {
	next := &knowledge{listed: now, due: now.Add(rereadEvery)}
	files, faults := readFiles(dir, now)
	next.files = byPath(files)
	if slices.ContainsFunc(faults, func(of fault) bool { return of.hits(dir) }) {
		next.listed = k.listed
	}
	next.keepFaulty(k, faults, now)
	faults = append(faults, next.leaveOver(k)...)
	faults = append(faults, next.leaveCopies(k, faults, now)...)
	faults = append(faults, next.settle(k, now)...)
	next.set.ReadTime = now
	if next.set.Wrong = joined(faults); next.set.Wrong != nil {
		next.set.ReadTime = k.set.ReadTime
	}
	return next
}

// leaveOver leaves out the documents that are too many: the last of those that were not
// there before, so that who is a partner stays one.
func (k *knowledge) leaveOver(before *knowledge) []fault {
	over := len(k.files) - maxPartners
	if over <= 0 {
		return nil
	}
	var added []string
	for path := range k.files {
		if _, was := before.files[path]; !was {
			added = append(added, path)
		}
	}
	slices.Sort(added)
	left := added[len(added)-over:]
	for _, path := range left {
		delete(k.files, path)
	}
	return []fault{{paths: left, err: fmt.Errorf("there are over %d partners: %d new ones are left out, from %s on", maxPartners, over, left[0])}}
}

// leaveCopies leaves out what has the id of a document that cannot be read, unless it had
// it before. An older copy, which cannot be beside the document, would else step in for it
// with keys that were taken from the partner.
func (k *knowledge) leaveCopies(before *knowledge, faults []fault, now time.Time) (all []fault) {
	for _, of := range faults {
		for _, f := range k.sorted() {
			if slices.Contains(of.ids, f.partner.ID) && !of.hits(f.path) && k.changed(before, f.path) {
				all = append(all, faultOf(f.path, fmt.Errorf("its id may be that of %s too, which cannot be read: mend that, or remove one of them", of.paths[0])))
				k.keep(before, f.path, now)
			}
		}
	}
	return all
}

// sorted are the files in order of path.
func (k *knowledge) sorted() []file {
	return slices.SortedFunc(maps.Values(k.files), func(a, b file) int { return strings.Compare(a.path, b.path) })
}

// changed says whether a document is not what it was before.
func (k *knowledge) changed(before *knowledge, path string) bool {
	return !reflect.DeepEqual(k.files[path].document, before.files[path].document)
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
		set, clashes := newSet(k.sorted())
		if len(clashes) == 0 {
			k.set = set
			return all
		}
		all = append(all, clashes...)
		for _, c := range clashes {
			for _, path := range c.paths {
				if k.changed(before, path) {
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
