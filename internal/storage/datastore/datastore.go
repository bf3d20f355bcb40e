// Package datastore keeps a storage.Store in Google's Datastore, or in Firestore
// in Datastore mode, which is what today's Datastore databases are.
//
// It speaks Datastore's API by the generated stubs of cloud.google.com/go/datastore
// and not by that module's client: a deadline or a cancelled caller must still
// leave a way to roll back (a transaction that is merely forgotten keeps its locks
// for a minute), a commit must never be repeated behind our back, and the first
// read of a transaction can begin it, which saves a round trip for each update.
//
// Read transaction.go first: when an update runs again and what it may claim in the
// end. Then entity.go and property.go, how an entity is stored, and query.go.
//
// A query that orders by one property and filters by another, one that filters by
// several properties and has an order, and one in descending order of names need
// composite indexes in the cloud. The emulators make them by themselves.
package datastore

import (
	"context"
	"fmt"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	gtransport "google.golang.org/api/transport/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/tallystick/tallystick/internal/storage"
)

// Open connects to a database of a project; an empty database is the default one.
// With DATASTORE_EMULATOR_HOST in the environment it is that emulator's.
//
// It does not wait for the connection: the first operation does.
func Open(ctx context.Context, project, database string, options ...Option) (storage.Store, error) {
	s := &store{project: project, database: database, headers: headers(project, database)}
	c := configuration(options)
	s.namespace = c.namespace
	pool, err := dial(ctx, c.emulator)
	if err != nil {
		return nil, fmt.Errorf("datastore open %s/%s: %w", project, database, err)
	}
	s.pool, s.client = pool, pb.NewDatastoreClient(pool)
	return storage.New(s), nil
}

// store is a storage.Driver.
type store struct {
	project, database, namespace string

	headers metadata.MD
	pool    gtransport.ConnPool
	client  pb.DatastoreClient
}

// Get implements storage.Driver.
func (s *store) Get(ctx context.Context, keys []storage.Key) ([]storage.Entity, error) {
	entities, err := s.lookup(ctx, keys, nil)
	if err != nil {
		return nil, readError(ctx, "get "+named(keys), err)
	}
	return entities, nil
}

// Close implements storage.Driver.
func (s *store) Close() error { return s.pool.Close() }

// lookup reads the keys' entities; options are nil, or a transaction's.
func (s *store) lookup(ctx context.Context, keys []storage.Key, options *pb.ReadOptions) ([]storage.Entity, error) {
	places := make(map[storage.Key][]int, len(keys))
	entities := make([]storage.Entity, len(keys))
	request := &pb.LookupRequest{ProjectId: s.project, DatabaseId: s.database, ReadOptions: options}
	for i, key := range keys {
		entities[i] = storage.Entity{Key: key}
		if places[key] == nil { // as Google's client does, ask once
			request.Keys = append(request.Keys, s.key(key))
		}
		places[key] = append(places[key], i)
	}
	for len(request.Keys) > 0 {
		reply, err := s.client.Lookup(s.outgoing(ctx), request)
		if err != nil {
			return nil, err
		}
		for _, found := range reply.GetFound() {
			key, err := keyOf(found.GetEntity())
			if err != nil {
				return nil, err
			}
			for _, i := range places[key] {
				// Decoded for each place: the caller owns what it gets.
				if entities[i], err = decodeEntity(found.GetEntity()); err != nil {
					return nil, err
				}
			}
		}
		request.Keys = reply.GetDeferred() // what did not fit into the reply
	}
	return entities, nil
}

// named is for errors.
func named(keys []storage.Key) string {
	if len(keys) == 1 {
		return keys[0].String()
	}
	return fmt.Sprintf("%s and %d more", keys[0], len(keys)-1)
}
