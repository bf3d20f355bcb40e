package datastore

import (
	"context"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"

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
		ProjectId: s.project, DatabaseId: s.database, TransactionOptions: readWrite(previous),
	})
	return reply.GetTransaction(), err
}

// Read implements google.Server.
func (s *store) Read(ctx context.Context, id []byte, keys []storage.Key) ([]storage.Entity, error) {
	return s.lookup(ctx, keys, id)
}

// Commit implements google.Server.
func (s *store) Commit(ctx context.Context, id, previous []byte, writes []storage.Write) error {
	request := &pb.CommitRequest{
		ProjectId: s.project, DatabaseId: s.database,
		Mode:      pb.CommitRequest_TRANSACTIONAL,
		Mutations: s.mutations(writes),
	}
	if id != nil {
		request.TransactionSelector = &pb.CommitRequest_Transaction{Transaction: id}
	} else {
		request.TransactionSelector = &pb.CommitRequest_SingleUseTransaction{SingleUseTransaction: readWrite(previous)}
	}
	_, err := s.client.Commit(s.conn.Outgoing(ctx), request)
	return err
}

// Rollback implements google.Server.
func (s *store) Rollback(ctx context.Context, id []byte) error {
	_, err := s.client.Rollback(s.conn.Outgoing(ctx), &pb.RollbackRequest{
		ProjectId: s.project, DatabaseId: s.database, Transaction: id,
	})
	return err
}

func readWrite(previous []byte) *pb.TransactionOptions {
	return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{
		ReadWrite: &pb.TransactionOptions_ReadWrite{PreviousTransaction: previous},
	}}
}

func (s *store) mutations(writes []storage.Write) []*pb.Mutation {
	mutations := make([]*pb.Mutation, len(writes))
	for i, w := range writes {
		if w.Delete {
			mutations[i] = &pb.Mutation{Operation: &pb.Mutation_Delete{Delete: s.key(w.Entity.Key)}}
		} else {
			mutations[i] = &pb.Mutation{Operation: &pb.Mutation_Upsert{Upsert: s.encodeEntity(w.Entity)}}
		}
	}
	return mutations
}
