package merge

import (
	"encoding/binary"
	"errors"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// A commit that answers with an error may have been applied all the same: the
// client library sends it again, and answers get lost. So each entity keeps a
// mark of every recent writer: the number of the run that last changed it. A
// batch that is run again looks for the number of one of its own earlier runs;
// where it finds one, that run was applied, and its results, kept in memory, are
// the callers'. Marks are part of the entity, so they cost no write of their own.
type mark struct {
	writer uint64
	run    uint64
	at     time.Time
}

// markLife is how long a mark is kept: longer than any batch is tried (maxTimeout)
// by more than clocks of two machines ever differ.
const markLife = 10 * time.Minute

// entry is a state with the marks of its writers. A state that was removed leaves
// its marks behind, in an entity that expires with them.
type entry[S any] struct {
	state   *S
	marks   []mark
	changed bool // to be written, if only for a mark
	set     bool // by an operation: index and expire are no longer the state's

	index  map[string]any
	expire time.Time
}

// The encoding of an entry is a version, the marks and then the state's own
// encoding, which is missing where the state is:
//
//	version 1 | state follows 0 or 1 | n | n × (writer 8 bytes, run, seconds since 1970) | state
//
// with the numbers as unsigned varints.
const entryVersion = 1

var errEntry = errors.New("not an entry of a known version")

func decodeEntry[S any](e storage.Entity, codec Codec[S]) (*entry[S], error) {
	if !e.Exists {
		return &entry[S]{}, nil
	}
	marks, state, present, err := splitEntry(e.Data)
	if err != nil {
		return nil, err
	}
	decoded := &entry[S]{marks: marks, index: e.Index, expire: e.Expire}
	if present {
		decoded.state, err = codec.Decode(state)
	}
	return decoded, err
}

func splitEntry(data []byte) (marks []mark, state []byte, present bool, err error) {
	if len(data) < 3 || data[0] != entryVersion || data[1] > 1 {
		return nil, nil, false, errEntry
	}
	present = data[1] == 1
	r := reader{data[2:]}
	n := r.uvarint()
	if n > uint64(len(data)) {
		return nil, nil, false, errEntry
	}
	marks = make([]mark, n)
	for i := range marks {
		marks[i] = mark{writer: r.uint64(), run: r.uvarint(), at: time.Unix(int64(r.uvarint()), 0)}
	}
	if r.rest == nil {
		return nil, nil, false, errEntry
	}
	return marks, r.rest, present, nil
}

// reader reads numbers; past the end, or at a bad one, rest gets nil.
type reader struct{ rest []byte }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 {
		r.rest = nil
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *reader) uint64() uint64 {
	if len(r.rest) < 8 {
		r.rest = nil
		return 0
	}
	v := binary.BigEndian.Uint64(r.rest)
	r.rest = r.rest[8:]
	return v
}

// encode makes the entity of an entry, with m in the place of its writer's
// earlier mark and without those that have outlived their use.
func (e *entry[S]) encode(key storage.Key, codec Codec[S], m mark) storage.Entity {
	marks := []mark{m}
	for _, old := range e.marks {
		if old.writer != m.writer && m.at.Sub(old.at) < markLife {
			marks = append(marks, old)
		}
	}
	data := []byte{entryVersion, 0}
	data = binary.AppendUvarint(data, uint64(len(marks)))
	for _, m := range marks {
		data = binary.BigEndian.AppendUint64(data, m.writer)
		data = binary.AppendUvarint(data, m.run)
		data = binary.AppendUvarint(data, uint64(m.at.Unix()))
	}
	if e.state == nil {
		return storage.Entity{Key: key, Data: data, Expire: m.at.Add(markLife)}
	}
	data[1] = 1
	if e.set {
		e.index, e.expire = codec.Index(e.state), codec.Expire(e.state)
	}
	return storage.Entity{Key: key, Data: codec.Append(data, e.state), Index: e.index, Expire: e.expire}
}

// applied returns the run of b that one of the entities bears the mark of.
func (b *batch[S, R]) applied(states map[storage.Key]*entry[S], writer uint64) *run[R] {
	for i := range b.runs {
		for _, e := range states {
			for _, m := range e.marks {
				if m.writer == writer && m.run == b.runs[i].number {
					return &b.runs[i]
				}
			}
		}
	}
	return nil
}

// Decode returns the state that an entity written by a Group holds, or nil where
// it holds none. It is how a reader that changes nothing sees a state.
func Decode[S any](e storage.Entity, codec Codec[S]) (*S, error) {
	decoded, err := decodeEntry(e, codec)
	if err != nil {
		return nil, err
	}
	return decoded.state, nil
}
