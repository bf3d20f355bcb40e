package partner

import "github.com/tallystick/tallystick/internal/storage"

// Kinds is what a Service keeps, besides what it changes in the inventory.
func Kinds() []storage.Kind {
	return []storage.Kind{{Name: rowKind}, {Name: deliveryKind}}
}
