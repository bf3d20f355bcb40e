package firestore

import (
	"context"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// Snapshot implements storage.Driver. Its time is that of a read of nothing.
func (s *store) Snapshot(ctx context.Context) (storage.DriverSnapshot, error) {
	nothing := storage.Key{Kind: "Snapshot", Name: "!"}
	var at *timestamppb.Timestamp
	stream, err := s.client.BatchGetDocuments(s.conn.Outgoing(ctx), &pb.BatchGetDocumentsRequest{
		Database: s.database, Documents: []string{s.document(nothing)},
	})
	if err == nil {
		err = each(stream.Recv, func(reply *pb.BatchGetDocumentsResponse) error {
			at = reply.GetReadTime()
			return nil
		})
	}
	if err != nil {
		return nil, google.ReadError(ctx, backend, "snapshot", err)
	}
	if at, err = google.ReadTime(backend, at); err != nil {
		return nil, err
	}
	return google.NewSnapshot(at, time.Now, s.queryAt), nil
}
