package datastore

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// cursorMark tells our cursors, which are Datastore's own behind it, from those of
// another backend. What follows it the server judges.
const cursorMark = 2

// Query implements storage.Driver.
func (s *store) Query(ctx context.Context, q storage.Query) (storage.Found, error) {
	return s.queryAt(ctx, q, nil)
}

// queryAt is Query as of a time, or as of now if that is nil.
func (s *store) queryAt(ctx context.Context, q storage.Query, at *timestamppb.Timestamp) (storage.Found, error) {
	query, err := encodeQuery(q)
	if err != nil {
		return storage.Found{}, fmt.Errorf("datastore query %s: %w", q.Kind, err)
	}
	request := &pb.RunQueryRequest{
		ProjectId: s.project, DatabaseId: s.database, PartitionId: s.partition(),
		QueryType: &pb.RunQueryRequest_Query{Query: query},
	}
	if at != nil {
		request.ReadOptions = &pb.ReadOptions{ConsistencyType: &pb.ReadOptions_ReadTime{ReadTime: at}}
	}
	var entities []storage.Entity
	var cursors [][]byte
	found := func(more bool) storage.Found {
		return storage.Found{Entities: entities, More: more, After: func(i int) string {
			return string(append([]byte{cursorMark}, cursors[i]...))
		}}
	}
	for {
		query.Limit = wrapperspb.Int32(int32(q.Limit - len(entities)))
		reply, err := s.client.RunQuery(s.conn.Outgoing(ctx), request)
		if err != nil {
			return storage.Found{}, google.QueryError(ctx, backend, "query "+q.Kind, q, Index(q), err)
		}
		batch := reply.GetBatch()
		for _, r := range batch.GetEntityResults() {
			e, err := decodeEntity(r.GetEntity())
			if err != nil {
				return storage.Found{}, fmt.Errorf("datastore query %s: %w", q.Kind, err)
			}
			entities, cursors = append(entities, e), append(cursors, r.GetCursor())
		}
		query.StartCursor = batch.GetEndCursor()
		switch {
		case len(entities) >= q.Limit:
			return found(true), nil
		case batch.GetMoreResults() != pb.QueryResultBatch_NOT_FINISHED:
			return found(false), nil
		}
	}
}

func encodeQuery(q storage.Query) (*pb.Query, error) {
	query := &pb.Query{Kind: []*pb.KindExpression{{Name: q.Kind}}}
	if q.Cursor != "" {
		if q.Cursor[0] != cursorMark {
			return nil, storage.ErrCursor
		}
		query.StartCursor = []byte(q.Cursor[1:])
	}
	if q.KeysOnly {
		query.Projection = []*pb.Projection{{Property: reference(keyProperty)}}
	}
	if len(q.Where) > 0 {
		all := &pb.CompositeFilter{Op: pb.CompositeFilter_AND}
		for _, f := range q.Where {
			all.Filters = append(all.Filters, &pb.Filter{FilterType: &pb.Filter_PropertyFilter{PropertyFilter: &pb.PropertyFilter{
				Property: reference(google.Escape(f.Property)), Op: operators[f.Op], Value: encodeValue(f.Value),
			}}})
		}
		query.Filter = &pb.Filter{FilterType: &pb.Filter_CompositeFilter{CompositeFilter: all}}
	}
	direction := pb.PropertyOrder_ASCENDING
	if q.Descending {
		direction = pb.PropertyOrder_DESCENDING
	}
	if q.OrderBy != "" {
		query.Order = append(query.Order, &pb.PropertyOrder{Property: reference(google.Escape(q.OrderBy)), Direction: direction})
	}
	query.Order = append(query.Order, &pb.PropertyOrder{Property: reference(keyProperty), Direction: direction})
	return query, nil
}

func reference(name string) *pb.PropertyReference { return &pb.PropertyReference{Name: name} }

var operators = map[storage.Op]pb.PropertyFilter_Operator{
	storage.Equal:          pb.PropertyFilter_EQUAL,
	storage.Less:           pb.PropertyFilter_LESS_THAN,
	storage.LessOrEqual:    pb.PropertyFilter_LESS_THAN_OR_EQUAL,
	storage.Greater:        pb.PropertyFilter_GREATER_THAN,
	storage.GreaterOrEqual: pb.PropertyFilter_GREATER_THAN_OR_EQUAL,
}
