package datastore

import (
	"context"
	"time"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// Snapshot implements storage.Driver.
//
// The Datastore emulator knows no time but now: what it calls a read time is 1970, it
// refuses that as one, and in a read-only transaction it reads what is there now too and
// commits whatever changed. So over it each page is of its own moment, and what was
// written meanwhile may be seen in part. The Firestore emulator in Datastore mode keeps
// read times.
func (s *store) Snapshot(ctx context.Context) (storage.DriverSnapshot, error) {
	nothing := storage.Key{Kind: "Snapshot", Name: "!"}
	reply, err := s.client.Lookup(s.conn.Outgoing(ctx), &pb.LookupRequest{
		ProjectId: s.project, DatabaseId: s.database, Keys: []*pb.Key{s.key(nothing)},
	})
	if err != nil {
		return nil, google.ReadError(ctx, backend, "snapshot", err)
	}
	if s.conn.Emulated && !google.Timed(reply.GetReadTime()) {
		return google.NewSnapshot(nil, time.Now, s.queryAt), nil
	}
	at, err := google.ReadTime(backend, reply.GetReadTime())
	if err != nil {
		return nil, err
	}
	return google.NewSnapshot(at, time.Now, s.queryAt), nil
}
