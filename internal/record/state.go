package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// state is a record as its entity has it, or as a revision's has it.
type state struct {
	version  int64
	settings int64 // by which it was transformed
	created  time.Time
	updated  time.Time
	expire   time.Time

	// large is the latest version whose content lies in parts, 0 for none: whoever
	// drops a version up to it drops its parts too.
	large int64

	// The content; or, where it lies in parts, how many those are, and in the place
	// of the original its SHA-256, and that of it without white space.
	original, transformed           []byte
	originalParts, transformedParts int

	index map[string]any // only of a state that is about to be stored
}

// live says whether the record is there for a reader.
func (s *state) live(now time.Time) bool {
	return s != nil && (s.expire.IsZero() || now.Before(s.expire))
}

func (s *state) inParts() bool { return s.originalParts > 0 }

// holds says whether the record's original is this one, byte for byte.
func (s *state) holds(original []byte) bool {
	if s.inParts() {
		sum := sha256.Sum256(original)
		return bytes.HasPrefix(s.original, sum[:])
	}
	return bytes.Equal(s.original, original)
}

// means says whether the record's original is this one but for white space, which an
// export may drop.
func (s *state) means(original []byte) bool {
	if s.inParts() {
		sum := sha256.Sum256(compact(original))
		return bytes.HasSuffix(s.original, sum[:])
	}
	return bytes.Equal(compact(s.original), compact(original))
}

// sums stand in a record's entity for an original that lies in parts.
func sums(original []byte) []byte {
	exact, compacted := sha256.Sum256(original), sha256.Sum256(compact(original))
	return append(exact[:], compacted[:]...)
}

func (s *state) etag() string { return etag(s.version, s.settings, s.created) }

// isOf says whether the state has this record's original: the same version of the
// same record, not of one that was made anew under its id.
func (s *state) isOf(r *Record) bool { return s.version == r.Version && s.created.Equal(r.Created) }

// record is the state's record, without a content that lies in parts.
func (s *state) record(collection, id string) Record {
	return Record{
		ID: id, Collection: collection, Original: s.original, Transformed: s.transformed,
		Version: s.version, Created: s.created, Updated: s.updated, Expire: s.expire, settings: s.settings,
	}
}

// codec keeps a state in an entity. The encoding is
//
//	1 | version | settings | created | updated | expire | large
//	  | parts of the original | parts of transformed | length of the original | original | transformed
//
// with all numbers as unsigned varints, times in microseconds since 1970, and 0 for
// no time.
type codec struct{}

const stateVersion = 1

var errState = errors.New("record: not a record of a known version")

func (codec) Append(b []byte, s *state) []byte {
	b = append(b, stateVersion)
	for _, n := range []int64{
		s.version, s.settings, micros(s.created), micros(s.updated), micros(s.expire), s.large,
		int64(s.originalParts), int64(s.transformedParts), int64(len(s.original)),
	} {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = append(b, s.original...)
	return append(b, s.transformed...)
}

func (codec) Decode(data []byte) (*state, error) {
	if len(data) == 0 || data[0] != stateVersion {
		return nil, errState
	}
	data = data[1:]
	var numbers [9]int64
	for i := range numbers {
		n, used := binary.Uvarint(data)
		if used <= 0 {
			return nil, errState
		}
		numbers[i], data = int64(n), data[used:]
	}
	length := numbers[8]
	if length < 0 || length > int64(len(data)) {
		return nil, errState
	}
	content := append([]byte(nil), data...)
	return &state{
		version: numbers[0], settings: numbers[1],
		created: fromMicros(numbers[2]), updated: fromMicros(numbers[3]), expire: fromMicros(numbers[4]),
		large:         numbers[5],
		originalParts: int(numbers[6]), transformedParts: int(numbers[7]),
		original: content[:length:length], transformed: content[length:],
	}, nil
}

func (codec) Index(s *state) map[string]any { return s.index }

func (codec) Expire(s *state) time.Time { return s.expire }

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

// decodeState is the state of a record's entity, nil where there is none.
func decodeState(e storage.Entity) (*state, error) {
	s, err := merge.Decode(e, codec{})
	if err != nil {
		return nil, fmt.Errorf("record: %s: %w", e.Key, err)
	}
	return s, nil
}

// decodeRevision is the state of a revision's entity, nil where there is none.
func decodeRevision(e storage.Entity) (*state, error) {
	if !e.Exists {
		return nil, nil
	}
	s, err := codec{}.Decode(e.Data)
	if err != nil {
		return nil, fmt.Errorf("record: %s: %w", e.Key, err)
	}
	return s, nil
}
