package firestore

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// countAlias is what a reply calls the number.
const countAlias = "n"

// Count implements storage.Driver.
func (s *store) Count(ctx context.Context, q storage.Query) (int64, error) {
	query, err := s.encodeQuery(q)
	if err != nil {
		return 0, fmt.Errorf("firestore count %s: %w", q.Kind, err)
	}
	ctx, cancel := context.WithCancel(ctx) // ends a stream that we leave early
	defer cancel()
	var n int64
	stream, err := s.client.RunAggregationQuery(s.conn.Outgoing(ctx), &pb.RunAggregationQueryRequest{
		Parent: s.root(),
		QueryType: &pb.RunAggregationQueryRequest_StructuredAggregationQuery{StructuredAggregationQuery: &pb.StructuredAggregationQuery{
			QueryType: &pb.StructuredAggregationQuery_StructuredQuery{StructuredQuery: query},
			Aggregations: []*pb.StructuredAggregationQuery_Aggregation{{
				Operator: &pb.StructuredAggregationQuery_Aggregation_Count_{Count: &pb.StructuredAggregationQuery_Aggregation_Count{}},
				Alias:    countAlias,
			}},
		}},
	})
	if err == nil {
		err = each(stream.Recv, func(reply *pb.RunAggregationQueryResponse) error {
			n += reply.GetResult().GetAggregateFields()[countAlias].GetIntegerValue()
			return nil
		})
	}
	if err != nil {
		return 0, google.QueryError(ctx, backend, "count "+q.Kind, q, s.index(q), err)
	}
	return n, nil
}
