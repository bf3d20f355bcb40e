package archive

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json"

	"github.com/tallystick/tallystick/internal/storage"
)

// claimKey is that of the entity that says whose import is under way, and how far it is.
var claimKey = storage.Key{Kind: restoreKind, Name: "import"}

// errTaken ends an import that the store is no longer claimed for.
var errTaken = errors.New("another import is running, or was completed meanwhile: this one has stopped")

// claim is what that entity holds.
type claim struct {
	Archive  string `json:"archive"` // its SHA-256
	Run      string `json:"run"`     // the import that goes on; those before it stop
	Done     int64  `json:"done"`
	Entities int64  `json:"entities"`
	Spoiled  bool   `json:"spoiled,omitzero"` // what is there may be of a file that was not the archive
}

// ErrUnfinished says that a store holds part of an archive: it is not the whole of
// anything.
var ErrUnfinished = errors.New("an import into this database is not finished, so nothing may serve or export it: " +
	"run the same import again, which goes on where it stopped, or take an empty database")

// Unfinished fails with ErrUnfinished for a store that holds part of an archive.
func Unfinished(ctx context.Context, store storage.Store) error {
	found, err := store.Get(ctx, claimKey)
	if err != nil || !found[0].Exists {
		return err
	}
	return ErrUnfinished
}

// notBegun is how far an import is for which nobody has seen yet that the store is empty.
const notBegun = -1

func readClaim(tx storage.Tx) (c claim, exists bool, err error) {
	found, err := tx.Get(claimKey)
	if err != nil || !found[0].Exists {
		return c, false, err
	}
	if err := json.Unmarshal(found[0].Data, &c); err != nil {
		return c, true, fmt.Errorf("%s: %w", claimKey, err)
	}
	return c, true, nil
}

func (c claim) put(tx storage.Tx) error {
	data, err := json.Marshal(c)
	if err != nil {
		return err
	}
	return tx.Put(storage.Entity{Key: claimKey, Data: data})
}

// claim makes the store's import this one, which goes on where an earlier one of the same
// archive is.
func (r *restore) claim(ctx context.Context) error {
	return r.Store.Update(ctx, func(tx storage.Tx) error {
		c, exists, err := readClaim(tx)
		switch {
		case err != nil:
			return err
		case !exists:
			c = claim{Archive: r.contents.SHA256, Done: notBegun, Entities: r.contents.Entities}
		case c.Archive != r.contents.SHA256:
			return fmt.Errorf("%w: an import of another archive, with the SHA-256 %s, is not finished. Complete that, or choose an empty database",
				ErrNotEmpty, c.Archive)
		}
		r.done, r.spoiled, c.Run = c.Done, c.Spoiled, r.run
		return c.put(tx)
	})
}

// save says in the store how far the import is.
func (r *restore) save(ctx context.Context, done int64) error {
	err := r.Store.Update(ctx, func(tx storage.Tx) error {
		c, exists, err := readClaim(tx)
		switch {
		case err != nil:
			return err
		case !exists, c.Run != r.run:
			return errTaken
		}
		c.Done, c.Spoiled = done, r.spoiled
		return c.put(tx)
	})
	if err == nil {
		r.done = done
	}
	return err
}

// end forgets the import. Where the answer to that was lost it looks whether it was done: to
// run the command again would find a store that is not empty.
func (r *restore) end(ctx context.Context) error {
	err := r.Store.Update(ctx, func(tx storage.Tx) error {
		c, exists, err := readClaim(tx)
		switch {
		case err != nil, !exists: // as when the transaction is run again
			return err
		case c.Run != r.run:
			return errTaken
		}
		return tx.Delete(claimKey)
	})
	if err == nil || errors.Is(err, errTaken) {
		return err
	}
	if found, again := r.Store.Get(ctx, claimKey); again == nil && !found[0].Exists {
		return nil
	}
	return err
}
