package record

import "github.com/tallystick/tallystick/internal/storage"

// Kinds is what a Service keeps of all collections.
func Kinds() []storage.Kind {
	return []storage.Kind{{Name: CollectionKind}, {Name: settingsKind}}
}

// KindsOf is what a Service keeps of one collection.
func KindsOf(collection string) []storage.Kind {
	return []storage.Kind{
		{Name: recordKind + collection, Expires: true},
		{Name: revisionKind + collection, Expires: true},
		{Name: partKind + collection, Expires: true},
	}
}
