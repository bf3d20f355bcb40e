package google

import (
	"context"

	"github.com/tallystick/tallystick/internal/storage"
)

// Get is storage.Driver's for a server: it reads the keys' entities as of one state of
// the store. Errors begin with the backend's name.
//
// A reply outside a transaction is one state, for it has one read_time, and so one call
// is enough unless the reply leaves out some of the keys. The emulators read one key
// after another, and under writes their replies are torn: of them, several keys are
// asked for in a transaction at once. Nothing less helps there: what they read at a
// read_time, or in the call that begins a transaction, is torn too.
func Get(ctx context.Context, backend string, conn *Connection, server Server, keys []storage.Key) (entities []storage.Entity, err error) {
	torn := conn.Emulated && len(keys) > 1
	whole := false
	if !torn {
		entities, whole, err = server.ReadOnce(ctx, keys)
	}
	if err == nil && !whole {
		entities, err = snapshot(ctx, server, keys)
	}
	if err != nil {
		return nil, ReadError(ctx, backend, "get "+Named(keys), err)
	}
	return entities, nil
}

// snapshot reads in a transaction, and again for what an update runs again for: gRPC
// repeats no begin, and the Datastore emulator, which keeps no old versions, aborts
// when it would need one.
func snapshot(ctx context.Context, server Server, keys []storage.Key) ([]storage.Entity, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for try := 0; ; try++ {
		entities, err := readOnly(ctx, server, keys)
		if err == nil {
			return entities, nil
		}
		switch kindOf(err) {
		case conflict, unavailable, lost:
			if wait(ctx, pause(try)) {
				continue
			}
		}
		return nil, err
	}
}

// readOnly ends its transaction. The cloud would forget it in time, but the Datastore
// emulator keeps what was read in it, until its memory is full.
func readOnly(ctx context.Context, server Server, keys []storage.Key) ([]storage.Entity, error) {
	id, err := server.BeginReadOnly(ctx)
	if err != nil {
		return nil, err
	}
	defer rollback(ctx, server, id)
	return server.Read(ctx, id, keys)
}
