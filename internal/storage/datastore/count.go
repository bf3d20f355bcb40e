package datastore

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// countAlias is what a reply calls the number.
const countAlias = "n"

// Count implements storage.Driver.
func (s *store) Count(ctx context.Context, q storage.Query) (int64, error) {
	query, err := encodeQuery(q)
	if err != nil {
		return 0, fmt.Errorf("datastore count %s: %w", q.Kind, err)
	}
	reply, err := s.client.RunAggregationQuery(s.conn.Outgoing(ctx), &pb.RunAggregationQueryRequest{
		ProjectId: s.project, DatabaseId: s.database, PartitionId: s.partition(),
		QueryType: &pb.RunAggregationQueryRequest_AggregationQuery{AggregationQuery: &pb.AggregationQuery{
			QueryType: &pb.AggregationQuery_NestedQuery{NestedQuery: query},
			Aggregations: []*pb.AggregationQuery_Aggregation{{
				Operator: &pb.AggregationQuery_Aggregation_Count_{Count: &pb.AggregationQuery_Aggregation_Count{}},
				Alias:    countAlias,
			}},
		}},
	})
	switch {
	case status.Code(err) == codes.Unimplemented:
		return s.countPages(ctx, q)
	case err != nil:
		return 0, google.QueryError(ctx, backend, "count "+q.Kind, q, Index(q), err)
	}
	results := reply.GetBatch().GetAggregationResults()
	if len(results) != 1 {
		return 0, fmt.Errorf("datastore count %s: got %d results, want 1", q.Kind, len(results))
	}
	return results[0].GetAggregateProperties()[countAlias].GetIntegerValue(), nil
}

// countPages counts for the Datastore emulator, which has no aggregation.
func (s *store) countPages(ctx context.Context, q storage.Query) (n int64, err error) {
	q.KeysOnly, q.Limit = true, storage.MaxQueryLimit
	for {
		found, err := s.Query(ctx, q)
		if err != nil {
			return 0, err
		}
		n += int64(len(found.Entities))
		if !found.More {
			return n, nil
		}
		q.Cursor = found.After(len(found.Entities) - 1)
	}
}
