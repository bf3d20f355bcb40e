package visit

import "github.com/tallystick/tallystick/internal/storage"

// Kinds is what a Service keeps. Salts are private: they are to be forgotten.
func Kinds() []storage.Kind {
	return []storage.Kind{
		{Name: PageKind, Expires: true, Indexes: []storage.Query{{Kind: PageKind, OrderBy: rankProperty, Descending: true}}},
		{Name: saltKind, Expires: true, Private: true},
	}
}
