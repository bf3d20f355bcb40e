// Package datastore keeps a storage.Store in Google's Datastore, or in Firestore
// in Datastore mode, which is what today's Datastore databases are.
//
// It speaks Datastore's API by the generated stubs of cloud.google.com/go/datastore
// and not by that module's client: a deadline or a cancelled caller must still
// leave a way to roll back (a transaction that is merely forgotten keeps its locks
// for a minute), a commit must never be repeated behind our back, and an update
// must be tried for as long as its context lasts.
//
// What it shares with package firestore is in package google: read that one's
// transaction.go first. Then entity.go, how an entity is stored, query.go and
// count.go.
//
// A query that orders by one property and filters by another, one that filters by
// several properties and has an order, and one in descending order of names need
// composite indexes in the cloud: index.go says which. The emulators make them by
// themselves.
package datastore

import (
	"context"
	"fmt"
	"net/url"
	"os"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc/metadata"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// backend is our name in errors.
const backend = "datastore"

var service = google.Service{
	Name:     "google.datastore.v1.Datastore",
	Endpoint: "datastore.googleapis.com:443",
	Scope:    "https://www.googleapis.com/auth/datastore",
	Reads:    []string{"Lookup", "RunQuery", "RunAggregationQuery"},
}

// An Option is for tests.
type Option func(*config)

type config struct {
	emulator  string
	namespace string
}

// Emulator connects to the emulator at host:port.
func Emulator(address string) Option { return func(c *config) { c.emulator = address } }

// Namespace keeps all keys in one namespace of the database.
func Namespace(name string) Option { return func(c *config) { c.namespace = name } }

// Open connects to a database of a project; an empty database is the default one.
// With DATASTORE_EMULATOR_HOST in the environment it is that emulator's.
//
// It does not wait for the connection: the first operation does.
func Open(ctx context.Context, project, database string, options ...Option) (storage.Store, error) {
	s, err := open(ctx, project, database, options...)
	if err != nil {
		return nil, fmt.Errorf("datastore open %s/%s: %w", project, database, err)
	}
	return storage.New(s), nil
}

// store is a storage.Driver and a google.Server.
type store struct {
	project, database, namespace string

	conn   *google.Connection
	client pb.DatastoreClient
}

func open(ctx context.Context, project, database string, options ...Option) (*store, error) {
	c := config{emulator: os.Getenv("DATASTORE_EMULATOR_HOST")}
	for _, o := range options {
		o(&c)
	}
	conn, err := google.Dial(ctx, service, c.emulator, headers(project, database))
	if err != nil {
		return nil, err
	}
	return &store{project, database, c.namespace, conn, pb.NewDatastoreClient(conn)}, nil
}

// headers leave out the name of the default database, as the requests do.
func headers(project, database string) metadata.MD {
	prefix := "projects/" + url.QueryEscape(project)
	params := "project_id=" + url.QueryEscape(project)
	if database != "" {
		prefix += "/databases/" + url.QueryEscape(database)
		params += "&database_id=" + url.QueryEscape(database)
	}
	return metadata.Pairs("google-cloud-resource-prefix", prefix, "x-goog-request-params", params)
}

// Get implements storage.Driver.
func (s *store) Get(ctx context.Context, keys []storage.Key) ([]storage.Entity, error) {
	return google.Get(ctx, backend, s.conn, s, keys)
}

// Close implements storage.Driver.
func (s *store) Close() error { return s.conn.Close() }

// lookup reads the keys' entities, in a transaction unless it is nil.
func (s *store) lookup(ctx context.Context, keys []storage.Key, transaction []byte) ([]storage.Entity, error) {
	l := google.NewLookup(keys)
	request := &pb.LookupRequest{ProjectId: s.project, DatabaseId: s.database}
	if transaction != nil {
		request.ReadOptions = &pb.ReadOptions{ConsistencyType: &pb.ReadOptions_Transaction{Transaction: transaction}}
	}
	for _, key := range l.Keys {
		request.Keys = append(request.Keys, s.key(key))
	}
	for len(request.Keys) > 0 {
		reply, err := s.client.Lookup(s.conn.Outgoing(ctx), request)
		if err != nil {
			return nil, err
		}
		for _, found := range reply.GetFound() {
			key, err := keyOf(found.GetEntity())
			if err != nil {
				return nil, err
			}
			if err := l.Found(key, func() (storage.Entity, error) { return decodeEntity(found.GetEntity()) }); err != nil {
				return nil, err
			}
		}
		request.Keys = reply.GetDeferred() // what did not fit into the reply
		if at := reply.GetReadTime(); transaction == nil && at != nil {
			// The further replies are as of the first one's time, to the microsecond: that is
			// what requests may have, and commits do have.
			at.Nanos -= at.GetNanos() % 1000
			request.ReadOptions = &pb.ReadOptions{ConsistencyType: &pb.ReadOptions_ReadTime{ReadTime: at}}
		}
	}
	return l.Entities, nil
}
