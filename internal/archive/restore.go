package archive

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// ErrNotEmpty says that there is something in the store, so that an archive would not be
// what is in it afterwards.
var ErrNotEmpty = errors.New("the database is not empty")

// ErrWritten says that somebody wrote while an import was under way, what the import would
// have overwritten.
var ErrWritten = errors.New("somebody wrote while the import was under way, and that is not overwritten: " +
	"stop what serves this database, and begin anew with an empty one")

// Target is where an archive goes.
type Target struct {
	Store storage.Store
	Now   func() time.Time

	// Arrived is called when all is there and counted, and before the store forgets that
	// there was an import: if it fails, the same Read calls it again.
	Arrived func() error
}

// Read puts the entities of an archive into a store that has nothing of Tallystick's.
// Contents is what Verify returned of it: so nothing is put of an archive that is damaged,
// or not ours. It tells progress how many entities are stored.
//
// When it fails, or its process dies, Read of the same archive goes on where it stopped:
// until all is done an entity says how far that is. Meanwhile nobody else may write: what
// another wrote is never overwritten but ends the import with ErrWritten, and in the end it
// counts what is there. Of two that are under way at once the later one goes on, see claim.go.
func Read(ctx context.Context, file io.ReadSeeker, contents Contents, to Target, progress func(entities int64)) error {
	r := &restore{
		Target: to, file: file, contents: contents, progress: progress, run: rand.Text(),
	}
	for _, step := range []func(context.Context) error{r.begin, r.putAll, r.compare} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if err := r.Arrived(); err != nil {
		return err
	}
	return r.end(context.WithoutCancel(ctx)) // all is done, so there is nothing to interrupt
}

// restore is one archive on its way into one store.
type restore struct {
	Target
	file     io.ReadSeeker
	contents Contents
	run      string // tells it from others
	progress func(done int64)

	done    int64 // entities from the first on that are stored, as the store says
	spoiled bool  // what is stored may be of another file, and is to be overwritten
}

// begin looks how far the import is, or begins it. That the store is empty is seen twice:
// nothing is to be written to one that is not, and another import may have come and gone
// before the store was claimed.
func (r *restore) begin(ctx context.Context) error {
	found, err := r.Store.Get(ctx, claimKey)
	if err != nil {
		return err
	}
	if !found[0].Exists {
		if err := r.wantEmpty(ctx); err != nil {
			return err
		}
	}
	if err := r.claim(ctx); err != nil || r.done != notBegun {
		return err
	}
	if err := r.wantEmpty(ctx); err != nil {
		return errors.Join(err, r.end(ctx))
	}
	return r.save(ctx, 0)
}

func (r *restore) wantEmpty(ctx context.Context) error {
	var there []string
	for _, kind := range r.kinds() {
		page, err := r.Store.Query(ctx, storage.Query{Kind: kind, Limit: 1, KeysOnly: true})
		if err != nil {
			return err
		}
		if len(page.Entities) > 0 {
			there = append(there, kind)
		}
	}
	if len(there) > 0 {
		return fmt.Errorf("%w: it has entities of %s. An archive goes into an empty one: name a new file, or a new database",
			ErrNotEmpty, strings.Join(there, ", "))
	}
	return nil
}

// kinds are those of the archive, and those that any store may have.
func (r *restore) kinds() []string {
	kinds := public(Kinds())
	others := maps.Clone(r.contents.Kinds)
	for _, kind := range kinds {
		delete(others, kind)
	}
	return append(kinds, slices.Sorted(maps.Keys(others))...)
}

// compare counts what is stored. A store deletes by itself what has expired, which may be
// missing. If anything else is, the same command begins from the first again.
func (r *restore) compare(ctx context.Context) error {
	got := make(map[string]int64)
	for _, kind := range r.kinds() {
		n, err := r.Store.Count(ctx, storage.Query{Kind: kind})
		if err != nil {
			return err
		}
		if n > 0 {
			got[kind] = n
		}
	}
	if maps.Equal(got, r.contents.Kinds) {
		return nil
	}
	expired, err := r.expired(r.Now())
	if err != nil {
		return err
	}
	for _, kind := range r.kinds() {
		want := r.contents.Kinds[kind]
		if n := got[kind]; n > want || n < want-expired[kind] {
			return errors.Join(
				fmt.Errorf("after the import there are %d entities of %s, and in the archive %d: did somebody write meanwhile? "+
					"The same command puts what is missing; if that does not help begin anew with an empty database", n, kind, want),
				r.save(ctx, 0))
		}
	}
	return nil
}

// expired counts the archive's entities that had expired at a time.
func (r *restore) expired(at time.Time) (map[string]int64, error) {
	counts := make(map[string]int64)
	return counts, r.again(func(e storage.Entity) error {
		if !e.Expire.IsZero() && !e.Expire.After(at) {
			counts[e.Key.Kind]++
		}
		return nil
	})
}

// again reads the archive from its beginning.
func (r *restore) again(each func(storage.Entity) error) error {
	if _, err := r.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	contents, err := scan(r.file, each)
	if err == nil && contents.SHA256 != r.contents.SHA256 {
		err = errors.New("the file was changed while it was read")
	}
	return err
}
