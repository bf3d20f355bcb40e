package firestore

import (
	"context"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// Update implements storage.Driver.
func (s *store) Update(ctx context.Context, fn func(storage.Getter) ([]storage.Write, error)) error {
	return google.Update(ctx, backend, s, fn)
}

// Begin implements google.Server.
func (s *store) Begin(ctx context.Context, previous []byte) (id []byte, err error) {
	reply, err := s.client.BeginTransaction(s.conn.Outgoing(ctx), &pb.BeginTransactionRequest{
		Database: s.database,
		Options: &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{
			ReadWrite: &pb.TransactionOptions_ReadWrite{RetryTransaction: previous},
		}},
	})
	return reply.GetTransaction(), err
}

// Read implements google.Server.
func (s *store) Read(ctx context.Context, id []byte, keys []storage.Key) ([]storage.Entity, error) {
	return s.lookup(ctx, keys, id)
}

// Commit implements google.Server. Without a transaction it is one all the same.
func (s *store) Commit(ctx context.Context, id, _ []byte, writes []storage.Write) error {
	request := &pb.CommitRequest{Database: s.database, Transaction: id, Writes: make([]*pb.Write, len(writes))}
	for i, w := range writes {
		if w.Delete {
			request.Writes[i] = &pb.Write{Operation: &pb.Write_Delete{Delete: s.document(w.Entity.Key)}}
		} else {
			request.Writes[i] = &pb.Write{Operation: &pb.Write_Update{Update: s.encodeEntity(w.Entity)}}
		}
	}
	_, err := s.client.Commit(s.conn.Outgoing(ctx), request)
	return err
}

// Rollback implements google.Server.
func (s *store) Rollback(ctx context.Context, id []byte) error {
	_, err := s.client.Rollback(s.conn.Outgoing(ctx), &pb.RollbackRequest{Database: s.database, Transaction: id})
	return err
}
