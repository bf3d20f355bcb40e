package archive

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"

	"github.com/go-json-experiment/json"

	"github.com/tallystick/tallystick/internal/storage"
)

// maxLine is more than the largest entity's line has.
const maxLine = 8 << 20

// packed is how a file begins: as Write packs it, without a name or a time. What else it
// might say there no checksum would cover.
var packed = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff}

var (
	errForeign = errors.New("it is no archive of Tallystick's: those are made by `tallystick export --all`, and not packed anew")
	errCut     = errors.New("it ends in the middle")
	errBehind  = errors.New("something follows its end")
)

// Verify reads an archive to its end, and fails if anything in it is not as it was
// written. It tells progress how many entities it has seen.
func Verify(ctx context.Context, r io.Reader, progress func(entities int64)) (Contents, error) {
	n := int64(0)
	return scan(r, func(storage.Entity) error {
		n++
		progress(n)
		return ctx.Err()
	})
}

// scan hands the entities of an archive to each, in their order. Only when it has
// returned without an error were they what was written. Errors of each are returned as
// they are, others say in which line.
func scan(r io.Reader, each func(storage.Entity) error) (Contents, error) {
	s := &scanner{file: bufio.NewReaderSize(r, 64<<10), sum: sha256.New(), order: newOrder()}
	if start, err := s.file.Peek(len(packed)); !bytes.Equal(start, packed) {
		if err != nil && err != io.EOF {
			return s.contents, err
		}
		return s.contents, errForeign
	}
	z, err := gzip.NewReader(s.file)
	if err != nil {
		return s.contents, err
	}
	z.Multistream(false)
	s.lines = bufio.NewReaderSize(z, 64<<10)
	if err := s.header(); err != nil {
		return s.contents, s.wrong(err)
	}
	for {
		l, err := s.line()
		switch {
		case err != nil:
			return s.contents, s.wrong(err)
		case l.End != nil:
			return s.contents, s.wrong(s.end(l.End))
		case l.Partner != nil && s.order.total > 0:
			return s.contents, s.wrong(errors.New("partners come before the entities"))
		case l.Partner != nil:
			if err := l.Partner.check(); err != nil {
				return s.contents, s.wrong(err)
			}
			s.contents.Partners = append(s.contents.Partners, *l.Partner)
		default:
			e, err := l.Entity.stored()
			if err == nil {
				err = s.order.next(e.Key)
			}
			if err != nil {
				return s.contents, s.wrong(err)
			}
			if err := each(e); err != nil {
				return s.contents, err
			}
		}
	}
}

type scanner struct {
	file     *bufio.Reader
	lines    *bufio.Reader
	read     int       // lines
	sum      hash.Hash // of the lines before the one that was read last
	latest   []byte    // that one, until the next
	order    *order
	contents Contents
}

func (s *scanner) wrong(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("line %d: %w", s.read, err)
}

// next reads a line.
func (s *scanner) next() error {
	s.sum.Write(s.latest)
	s.read++
	s.latest = s.latest[:0]
	for {
		part, err := s.lines.ReadSlice('\n')
		s.latest = append(s.latest, part...)
		switch {
		case len(s.latest) > maxLine:
			return fmt.Errorf("it has over %d MiB", maxLine>>20)
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF, err == io.ErrUnexpectedEOF:
			return errCut
		}
		return err
	}
}

func (s *scanner) header() error {
	if err := s.next(); err != nil {
		return err
	}
	var h header
	if err := json.Unmarshal(s.latest, &h); h.Format != format {
		return errForeign
	} else if h.Version > version {
		return fmt.Errorf("it has version %d, which a newer Tallystick writes; this one knows up to %d", h.Version, version)
	} else if h.Version < 1 && err == nil {
		return fmt.Errorf("it has version %d, which no Tallystick writes", h.Version)
	} else if err != nil {
		return err
	}
	s.contents.Time, s.contents.Program = h.Time, h.Program
	return s.parse(&h)
}

func (s *scanner) line() (l line, err error) {
	if err := s.next(); err != nil {
		return l, err
	}
	if err := s.parse(&l); err != nil {
		return l, err
	}
	n := 0
	for _, is := range []bool{l.Partner != nil, l.Entity != nil, l.End != nil} {
		if is {
			n++
		}
	}
	if n != 1 {
		return l, errors.New("it is neither a partner nor an entity nor the end")
	}
	return l, nil
}

func (s *scanner) parse(v any) error {
	return json.Unmarshal(s.latest, v, json.RejectUnknownMembers(true))
}

// end is the last line, and nothing may follow.
func (s *scanner) end(e *end) error {
	sum := hex.EncodeToString(s.sum.Sum(nil))
	switch {
	case e.SHA256 != sum:
		return fmt.Errorf("the lines before it have the SHA-256 %s, and were written with %s: the file was changed or damaged", sum, e.SHA256)
	case e.Entities != s.order.total || !maps.Equal(e.Kinds, s.order.counts):
		return fmt.Errorf("there are %d entities before it, and it tells of %d, or of others", s.order.total, e.Entities)
	}
	if _, err := s.lines.ReadByte(); err == nil { // reads the checksum of gzip, too
		return errBehind
	} else if err != io.EOF {
		return err
	}
	if _, err := s.file.ReadByte(); err == nil {
		return errBehind
	} else if err != io.EOF {
		return err
	}
	s.contents.Entities, s.contents.Kinds, s.contents.SHA256 = e.Entities, e.Kinds, e.SHA256
	return nil
}
