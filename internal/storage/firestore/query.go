package firestore

import (
	"context"
	"fmt"
	"slices"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// Query implements storage.Driver.
func (s *store) Query(ctx context.Context, q storage.Query) (storage.Found, error) {
	return s.queryAt(ctx, q, nil)
}

// queryAt is Query as of a time, or as of now if that is nil.
func (s *store) queryAt(ctx context.Context, q storage.Query, at *timestamppb.Timestamp) (storage.Found, error) {
	query, err := s.encodeQuery(q)
	if err != nil {
		return storage.Found{}, fmt.Errorf("firestore query %s: %w", q.Kind, err)
	}
	ctx, cancel := context.WithCancel(ctx) // ends a stream that we leave early
	defer cancel()
	var entities []storage.Entity
	var places []place
	request := &pb.RunQueryRequest{
		Parent:    s.root(),
		QueryType: &pb.RunQueryRequest_StructuredQuery{StructuredQuery: query},
	}
	if at != nil {
		request.ConsistencySelector = &pb.RunQueryRequest_ReadTime{ReadTime: at}
	}
	stream, err := s.client.RunQuery(s.conn.Outgoing(ctx), request)
	if err == nil {
		err = each(stream.Recv, func(reply *pb.RunQueryResponse) error {
			document := reply.GetDocument()
			if document == nil { // it only tells how far the server is
				return nil
			}
			e, err := s.decodeEntity(document)
			if err != nil {
				return err
			}
			p := place{name: e.Key.Name}
			if by := orderOf(q); by != "" {
				p.value = document.GetFields()[google.Escape(by)]
			}
			if q.KeysOnly {
				e = storage.Entity{Key: e.Key, Exists: true}
			}
			entities, places = append(entities, e), append(places, p)
			return nil
		})
	}
	if err != nil {
		return storage.Found{}, google.QueryError(ctx, backend, "query "+q.Kind, q, s.index(q), err)
	}
	return storage.Found{
		Entities: entities,
		More:     len(entities) == q.Limit,
		After:    func(i int) string { return places[i].cursor() },
	}, nil
}

// encodeQuery leaves out a limit of 0.
func (s *store) encodeQuery(q storage.Query) (*pb.StructuredQuery, error) {
	query := &pb.StructuredQuery{From: []*pb.StructuredQuery_CollectionSelector{{CollectionId: q.Kind}}}
	if q.Limit > 0 {
		query.Limit = wrapperspb.Int32(int32(q.Limit))
	}
	var filters []*pb.StructuredQuery_Filter
	for _, f := range q.Where {
		filters = append(filters, compare(property(f.Property), operators[f.Op], encodeValue(f.Value)))
	}
	by := orderOf(q)
	if q.Descending && by == "" && len(filters) == 0 {
		filters = append(filters, compare(field(allField), pb.StructuredQuery_FieldFilter_EQUAL, encodeValue(true)))
	}
	if len(filters) > 0 {
		query.Where = &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_CompositeFilter{
			CompositeFilter: &pb.StructuredQuery_CompositeFilter{Op: pb.StructuredQuery_CompositeFilter_AND, Filters: filters},
		}}
	}
	direction := pb.StructuredQuery_ASCENDING
	if q.Descending {
		direction = pb.StructuredQuery_DESCENDING
	}
	name := field(nameField)
	selected := []*pb.StructuredQuery_FieldReference{name}
	if by != "" {
		query.OrderBy = append(query.OrderBy, &pb.StructuredQuery_Order{Field: property(by), Direction: direction})
		selected = append(selected, property(by)) // a cursor holds it
	}
	query.OrderBy = append(query.OrderBy, &pb.StructuredQuery_Order{Field: name, Direction: direction})
	if q.KeysOnly {
		query.Select = &pb.StructuredQuery_Projection{Fields: selected}
	}
	if q.Cursor != "" {
		p, err := parseCursor(q)
		if err != nil {
			return nil, err
		}
		query.StartAt = s.behind(q.Kind, p)
	}
	return query, nil
}

// property refers to a property's field.
func property(name string) *pb.StructuredQuery_FieldReference {
	return field(quoted(google.Escape(name)))
}

func field(path string) *pb.StructuredQuery_FieldReference {
	return &pb.StructuredQuery_FieldReference{FieldPath: path}
}

func compare(field *pb.StructuredQuery_FieldReference, op pb.StructuredQuery_FieldFilter_Operator, v *pb.Value) *pb.StructuredQuery_Filter {
	return &pb.StructuredQuery_Filter{FilterType: &pb.StructuredQuery_Filter_FieldFilter{
		FieldFilter: &pb.StructuredQuery_FieldFilter{Field: field, Op: op, Value: v},
	}}
}

// orderOf is the property that the server orders by, before the name. It may not be
// one that has to equal a value, and need not be: names are the order then. Where
// there is a range on it too, the server orders by it anyway.
func orderOf(q storage.Query) string {
	on := func(f storage.Filter) bool { return f.Property == q.OrderBy && f.Op == storage.Equal }
	ranged := func(f storage.Filter) bool { return f.Op != storage.Equal }
	if slices.ContainsFunc(q.Where, on) && !slices.ContainsFunc(q.Where, ranged) {
		return ""
	}
	return q.OrderBy
}

var operators = map[storage.Op]pb.StructuredQuery_FieldFilter_Operator{
	storage.Equal:          pb.StructuredQuery_FieldFilter_EQUAL,
	storage.Less:           pb.StructuredQuery_FieldFilter_LESS_THAN,
	storage.LessOrEqual:    pb.StructuredQuery_FieldFilter_LESS_THAN_OR_EQUAL,
	storage.Greater:        pb.StructuredQuery_FieldFilter_GREATER_THAN,
	storage.GreaterOrEqual: pb.StructuredQuery_FieldFilter_GREATER_THAN_OR_EQUAL,
}
