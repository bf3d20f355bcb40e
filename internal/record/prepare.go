package record

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tallystick/tallystick/internal/record/schema"
	"github.com/tallystick/tallystick/internal/record/transform"
	"github.com/tallystick/tallystick/internal/storage"
)

// Fault is what is wrong at one place of a document.
type Fault struct {
	Pointer string // JSON pointer (RFC 6901)
	Message string
}

// InvalidError says why a document cannot be kept. It is ErrDocument.
type InvalidError struct {
	Reason string
	Faults []Fault // where there are places to name
}

func (e *InvalidError) Error() string { return e.Reason }

// Is implements errors.Is.
func (e *InvalidError) Is(target error) bool { return target == ErrDocument }

func invalid(format string, args ...any) error {
	return &InvalidError{Reason: fmt.Sprintf(format, args...)}
}

// recipe is a collection's settings, ready for use.
type recipe struct {
	raw        []byte // of the collection's entity
	collection *Collection
	*compiled
}

type compiled struct {
	schema  *schema.Schema     // nil: any object
	program *transform.Program // nil: the canonical form
}

func compile(s Settings) (*compiled, error) {
	c := &compiled{}
	var err error
	if len(s.Schema) > 0 {
		if c.schema, err = schema.Compile(s.Schema); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSettings, err)
		}
	}
	if s.Transform != "" {
		if c.program, err = transform.Compile(s.Transform); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrSettings, err)
		}
	}
	return c, nil
}

// recipes keeps those of the collections that were written last: to compile costs
// more than to use.
type recipes struct {
	mu  sync.Mutex
	all map[string]*recipe
}

const maxRecipes = 100

func (r *recipes) get(name string) *recipe {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[name]
}

// put keeps the recipe of a collection's entity and returns it.
func (r *recipes) put(e storage.Entity) (*recipe, error) {
	old := r.get(e.Key.Name)
	if old != nil && bytes.Equal(old.raw, e.Data) {
		return old, nil
	}
	c, err := decodeCollection(e)
	if err != nil {
		return nil, err
	}
	next := &recipe{raw: e.Data, collection: c}
	if old != nil && old.collection.Version == c.Version {
		next.compiled = old.compiled
	} else if next.compiled, err = compile(c.Settings); err != nil {
		return nil, fmt.Errorf("record: settings of %s: %w", c.Name, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil || len(r.all) >= maxRecipes {
		r.all = make(map[string]*recipe)
	}
	r.all[c.Name] = next
	return next, nil
}

// recipe returns a collection's recipe as it is now.
func (s *Service) recipe(ctx context.Context, name string) (*recipe, error) {
	e, err := s.collectionEntity(ctx, name)
	if err != nil {
		return nil, err
	}
	return s.recipes.put(e)
}

// prepared is a record's content, ready to be stored.
type prepared struct {
	original, transformed []byte
	index                 map[string]any
	facts                 facts
}

func (p *prepared) size() int { return len(p.original) + len(p.transformed) }

// prepare makes a record's content of a document, or an InvalidError.
func (r *recipe) prepare(ctx context.Context, original []byte) (*prepared, error) {
	if len(original) > MaxBytes {
		return nil, fmt.Errorf("%w: a record has at most %d bytes", ErrTooLarge, MaxBytes)
	}
	if len(original) == 0 || original[0] != '{' {
		return nil, invalid("a record has to be a JSON object")
	}
	if r.schema != nil {
		if err := r.keepsSchema(original); err != nil {
			return nil, err
		}
	}
	p := &prepared{original: original}
	var err error
	if r.program != nil {
		p.transformed, err = r.program.Run(ctx, original)
	} else {
		p.transformed, err = transform.Canonical(original)
	}
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, invalid("%v", err)
	}
	if p.index, p.facts, err = r.collection.Settings.index(p.transformed); err != nil {
		if errors.Is(err, ErrIndexed) {
			return nil, invalid("%v", err)
		}
		return nil, err
	}
	return p, nil
}

func (r *recipe) keepsSchema(original []byte) error {
	faults, err := r.schema.Check(original)
	switch {
	case err != nil:
		return invalid("%v", err)
	case len(faults) == 0:
		return nil
	}
	e := &InvalidError{Reason: "it does not keep the collection's schema"}
	for _, f := range faults {
		e.Faults = append(e.Faults, Fault{f.Pointer, f.Message})
	}
	return e
}
