package archive

import (
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/visit"
)

// restoreKind is the kind of the one entity that tells how far an import has come. It is
// gone when all is imported.
const restoreKind = "Restore"

// Kinds is everything that Tallystick keeps: the kinds that are always there, then those
// of the collections. Archives that people have are in this order: more kinds may come
// anywhere in it, but none changes places.
func Kinds(collections ...string) []storage.Kind {
	kinds := slices.Concat(visit.Kinds(), record.Kinds(), inventory.Kinds(), partner.Kinds(), merge.Kinds(),
		[]storage.Kind{{Name: restoreKind, Private: true}})
	for _, c := range collections {
		kinds = append(kinds, record.KindsOf(c)...)
	}
	return kinds
}

// privateKinds are in no archive: visitors' salts, which are to be forgotten, and how far
// an import has come.
func privateKinds() (names []string) {
	for _, k := range Kinds() {
		if k.Private {
			names = append(names, k.Name)
		}
	}
	return names
}

// public are the names of those that are in archives.
func public(kinds []storage.Kind) (names []string) {
	for _, k := range kinds {
		if !k.Private {
			names = append(names, k.Name)
		}
	}
	return names
}

// order is the order of an archive's entities: that of Kinds without the private ones,
// with the collections by name, and in each kind by name. A record's first entity is stored in
// one transaction with its collection's, which is never removed, so there is no record without
// one. Whoever writes or reads an
// archive tells it each of them.
type order struct {
	kinds       []string // those to come, the present one first
	last        string   // name in the present kind
	collections []string
	counts      map[string]int64
	total       int64
}

func newOrder() *order { return &order{kinds: public(Kinds()), counts: make(map[string]int64)} }

// next fails for an entity that does not come after the ones before.
func (o *order) next(key storage.Key) error {
	i := slices.Index(o.kinds, key.Kind)
	switch {
	case i < 0:
		return fmt.Errorf("%s: it is of a kind that this Tallystick does not keep, or that is not its turn", key)
	case i > 0:
		o.kinds, o.last = o.kinds[i:], ""
	case key.Name <= o.last:
		return fmt.Errorf("%s: it comes after %q, which is not the order of names", key, o.last)
	}
	o.last = key.Name
	if key.Kind == record.CollectionKind {
		if err := record.CheckCollection(key.Name); err != nil {
			return err
		}
		o.collections = append(o.collections, key.Name)
		o.kinds = append(o.kinds, public(record.KindsOf(key.Name))...)
	}
	o.counts[key.Kind]++
	o.total++
	return nil
}
