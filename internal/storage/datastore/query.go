package datastore

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/tallystick/tallystick/internal/storage"
)

// cursorMark tells our cursors, which are Datastore's own behind it, from those of
// another backend. What follows it the server judges.
const cursorMark = 2

// Query implements storage.Driver.
func (s *store) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	query, err := encodeQuery(q)
	if err != nil {
		return storage.Page{}, fmt.Errorf("datastore query %s: %w", q.Kind, err)
	}
	request := &pb.RunQueryRequest{
		ProjectId: s.project, DatabaseId: s.database, PartitionId: s.partition(),
		QueryType: &pb.RunQueryRequest_Query{Query: query},
	}
	var page storage.Page
	for {
		query.Limit = wrapperspb.Int32(int32(q.Limit - len(page.Entities)))
		reply, err := s.client.RunQuery(s.outgoing(ctx), request)
		if err != nil {
			if q.Cursor != "" && status.Code(err) == codes.InvalidArgument {
				return storage.Page{}, fmt.Errorf("datastore query %s: %w: %w", q.Kind, storage.ErrCursor, err)
			}
			return storage.Page{}, readError(ctx, "query "+q.Kind, err)
		}
		batch := reply.GetBatch()
		for _, r := range batch.GetEntityResults() {
			e, err := decodeEntity(r.GetEntity())
			if err != nil {
				return storage.Page{}, fmt.Errorf("datastore query %s: %w", q.Kind, err)
			}
			page.Entities = append(page.Entities, e)
		}
		query.StartCursor = batch.GetEndCursor()
		switch {
		case len(page.Entities) >= q.Limit:
			page.Next = string(append([]byte{cursorMark}, query.StartCursor...))
			return page, nil
		case batch.GetMoreResults() != pb.QueryResultBatch_NOT_FINISHED:
			return page, nil
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
				Property: reference(escape(f.Property)), Op: operators[f.Op], Value: encodeValue(f.Value),
			}}})
		}
		query.Filter = &pb.Filter{FilterType: &pb.Filter_CompositeFilter{CompositeFilter: all}}
	}
	direction := pb.PropertyOrder_ASCENDING
	if q.Descending {
		direction = pb.PropertyOrder_DESCENDING
	}
	if q.OrderBy != "" {
		query.Order = append(query.Order, &pb.PropertyOrder{Property: reference(escape(q.OrderBy)), Direction: direction})
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
