package inventory

import "github.com/tallystick/tallystick/internal/storage"

// Kinds is what a Service keeps.
func Kinds() []storage.Kind {
	return []storage.Kind{
		{Name: itemKind},
		{Name: ledgerKind},
		{Name: heldKind, Expires: true},
		{Name: alertKind, Expires: true, Indexes: []storage.Query{{Kind: alertKind, OrderBy: alertProperty, Descending: true}}},
	}
}
