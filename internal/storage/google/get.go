package google

import (
	"context"

	"github.com/tallystick/tallystick/internal/storage"
)

// Get is storage.Driver's for a server: it reads the keys' entities as of one state of
// the store. Errors begin with the backend's name.
//
// Outside a transaction the cloud promises that of a reply, by its read_time, and so
// one call is enough. The emulators do not keep it: they read one key after another
// while others write, also at a read_time and, in the Firestore emulator, in a
// read-only transaction. In one of Update's they cannot.
func Get(ctx context.Context, backend string, conn *Connection, server Server, keys []storage.Key) ([]storage.Entity, error) {
	if conn.Emulated && len(keys) > 1 {
		return getInUpdate(ctx, backend, server, keys)
	}
	entities, err := server.Read(ctx, nil, keys)
	if err != nil {
		return nil, ReadError(ctx, backend, "get "+Named(keys), err)
	}
	return entities, nil
}

func getInUpdate(ctx context.Context, backend string, server Server, keys []storage.Key) (entities []storage.Entity, err error) {
	err = Update(ctx, backend, server, func(get storage.Getter) (_ []storage.Write, err error) {
		entities, err = get(keys)
		return nil, err
	})
	if err != nil {
		return nil, err
	}
	return entities, nil
}
