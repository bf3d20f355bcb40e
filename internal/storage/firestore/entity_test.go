package firestore

import (
	"context"
	"errors"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestADocumentThatAnotherProgramWroteIsAnErrorAtOnce(t *testing.T) {
	s := onEmulator(t)
	key := storage.Key{Kind: "Foreign", Name: "a"}
	_, err := s.client.Commit(s.conn.Outgoing(t.Context()), &pb.CommitRequest{Database: s.database, Writes: []*pb.Write{{
		Operation: &pb.Write_Update{Update: &pb.Document{Name: s.document(key), Fields: map[string]*pb.Value{
			"list": {ValueType: &pb.Value_ArrayValue{ArrayValue: &pb.ArrayValue{}}},
		}}},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for operation, do := range map[string]func() error{
		"Get":   func() error { _, err := s.Get(ctx, []storage.Key{key}); return err },
		"Query": func() error { _, err := s.Query(ctx, storage.Query{Kind: "Foreign", Limit: 1}); return err },
		"Update": func() error {
			return s.Update(ctx, func(get storage.Getter) ([]storage.Write, error) {
				_, err := get([]storage.Key{key})
				return nil, err
			})
		},
	} {
		err := do()
		if err == nil || errors.Is(err, storage.ErrUnavailable) || ctx.Err() != nil {
			t.Errorf("%s: got error %v, want one that trying again does not help", operation, err)
		}
	}
}
