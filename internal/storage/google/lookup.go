package google

import (
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

// Lookup is the answer for keys, of which some may be there twice: as Google's own
// clients do, the server is asked once for each.
type Lookup struct {
	Keys     []storage.Key    // each once
	Entities []storage.Entity // in the order of all keys; missing until Found

	places map[storage.Key][]int
}

func NewLookup(keys []storage.Key) *Lookup {
	l := &Lookup{Entities: make([]storage.Entity, len(keys)), places: make(map[storage.Key][]int, len(keys))}
	for i, key := range keys {
		l.Entities[i] = storage.Entity{Key: key}
		if l.places[key] == nil {
			l.Keys = append(l.Keys, key)
		}
		l.places[key] = append(l.places[key], i)
	}
	return l
}

// Found decodes the entity of a key for each of its places: the caller owns what it
// gets.
func (l *Lookup) Found(key storage.Key, decode func() (storage.Entity, error)) (err error) {
	for _, i := range l.places[key] {
		if l.Entities[i], err = decode(); err != nil {
			return err
		}
	}
	return nil
}

// Named names keys in an error.
func Named(keys []storage.Key) string {
	if len(keys) == 1 {
		return keys[0].String()
	}
	return fmt.Sprintf("%s and %d more", keys[0], len(keys)-1)
}
