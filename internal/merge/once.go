package merge

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// ErrKeyReused says that an idempotency key came again with another request.
var ErrKeyReused = errors.New("merge: idempotency key reused with another request")

// IdempotencyLife is how long the result of an operation with an idempotency key
// is kept.
const IdempotencyLife = 7 * 24 * time.Hour

// IdempotencyKind is the kind of the entities that keep those results.
const IdempotencyKind = "Idempotency"

// Kinds is what every Group keeps, whatever its states.
func Kinds() []storage.Kind { return []storage.Kind{{Name: IdempotencyKind, Expires: true}} }

// Idempotency makes an operation happen once however often it is sent.
type Idempotency struct {
	Scope   string // what the key is for, such as "visits": two scopes may use one key
	Key     string // the client's
	Request []byte // what must be the same each time
}

// Once is Do for an operation that may have been sent before. The first time it
// does op and stores the result in the same transaction; after that it returns
// the stored result, with replayed true. R must survive encoding/json. Another
// request under the same key is ErrKeyReused.
func (g *Group[S, R]) Once(ctx context.Context, op Op[S, R], id Idempotency) (value R, replayed bool, err error) {
	key := sha256.Sum256([]byte(id.Scope + "\x00" + id.Key))
	marker := storage.Key{Kind: IdempotencyKind, Name: hex.EncodeToString(key[:16])}
	request := sha256.Sum256(id.Request)

	apply, at := op.Apply, len(op.Reads)
	op.Reads = append(op.Reads[:at:at], marker)
	op.Bytes += 1024
	op.Apply = func(t *Turn[S]) (R, error) {
		now := g.opts.Now()
		if e := t.Entity(at); e.Exists && now.Before(e.Expire) {
			t.replayed = true
			return storedResult[R](e.Data, request[:])
		}
		value, err := apply(t)
		if err != nil {
			return value, err
		}
		stored, err := json.Marshal(value)
		if err == nil {
			err = t.Put(storage.Entity{
				Key:    marker,
				Data:   append(request[:], stored...),
				Expire: now.Add(IdempotencyLife),
			})
		}
		if err != nil { // a result that cannot be stored: apply has changed the state already
			panic(fmt.Errorf("merge: store result: %w", err))
		}
		return value, nil
	}
	r := g.do(ctx, &op)
	return r.value, r.replayed && r.err == nil, r.err
}

func storedResult[R any](data, request []byte) (value R, err error) {
	if !bytes.HasPrefix(data, request) {
		return value, ErrKeyReused
	}
	if err := json.Unmarshal(data[len(request):], &value); err != nil {
		return value, fmt.Errorf("merge: stored result: %w", err)
	}
	return value, nil
}
