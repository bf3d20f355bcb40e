package record

import "context"

// Tried is what storing a document would make of it.
type Tried struct {
	Transformed []byte
	Indexed     []Indexed // in the order of the settings, or of the document where they name none
}

// Indexed is an indexed field of a document, and the value that a filter finds it by: a
// string, a float64, an int64, a bool or a time.Time, as its type says.
type Indexed struct {
	Index
	Value any
}

// Try makes of a document what storing it in the collection would make by these settings,
// or, where they are nil, by the collection's own. It stores nothing. What is wrong with the
// document is an InvalidError, as it is when it is stored; what is wrong with the settings
// is ErrSettings, as it is for Configure.
func (s *Service) Try(ctx context.Context, collection string, settings *Settings, original []byte) (Tried, error) {
	r, err := s.tryRecipe(ctx, collection, settings)
	if err != nil {
		return Tried{}, err
	}
	p, err := r.prepare(ctx, original)
	if err != nil {
		return Tried{}, err
	}
	return Tried{p.transformed, r.collection.Settings.indexed(p)}, nil
}

func (s *Service) tryRecipe(ctx context.Context, collection string, settings *Settings) (*recipe, error) {
	if settings == nil {
		return s.recipe(ctx, collection)
	}
	if err := CheckCollection(collection); err != nil {
		return nil, err
	}
	ready, c, err := settings.ready()
	if err != nil {
		return nil, err
	}
	return &recipe{collection: &Collection{Name: collection, Settings: ready}, compiled: c}, nil
}

// indexed says which fields of a document are indexed. The record's own times, which it
// does not have before it is stored, are not among them.
func (s Settings) indexed(p *prepared) (all []Indexed) {
	fields := s.Indexes
	if fields == nil {
		fields = p.facts.fields
	}
	for _, x := range fields {
		if v, ok := p.index[property(x.Field, x.Type)]; ok {
			all = append(all, Indexed{x, v})
		}
	}
	return all
}
