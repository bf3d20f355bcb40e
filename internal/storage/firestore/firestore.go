// Package firestore keeps a storage.Store in Firestore in native mode.
//
// It speaks Firestore's API by the generated stubs of cloud.google.com/go/firestore
// and not by that module's client, as package datastore does, and for its reasons.
// What the two share is in package google: read that one's transaction.go first.
// Then entity.go and name.go, how an entity is a document, query.go, cursor.go and
// count.go.
//
// # Indexes in the cloud
//
// Firestore indexes each field by itself, which serves every query of one property
// or none, and filters by several. One that orders by one property and filters by
// another needs a composite index: index.go says which. The emulator makes them by
// itself.
//
// The fields _data and _expire are never queried, and ascending times are a hot
// spot in an index, so an operator exempts both, for each kind:
//
//	gcloud firestore indexes fields update _data --collection-group=KIND --disable-indexes
//	gcloud firestore indexes fields update _expire --collection-group=KIND --disable-indexes
//
// A TTL policy on _expire needs no index. Of _all only the descending index is used,
// by queries of a whole kind in descending order of names.
package firestore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/metadata"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// backend is our name in errors.
const backend = "firestore"

const defaultDatabase = "(default)"

var service = google.Service{
	Name:     "google.firestore.v1.Firestore",
	Endpoint: "firestore.googleapis.com:443",
	Scope:    "https://www.googleapis.com/auth/datastore",
	Reads:    []string{"BatchGetDocuments", "RunQuery", "RunAggregationQuery"},
}

// An Option is for tests.
type Option func(*config)

type config struct{ emulator string }

// Emulator connects to the emulator at host:port. It makes a database of any project
// that it is asked for, so a test has one to itself by a project of its own.
func Emulator(address string) Option { return func(c *config) { c.emulator = address } }

// Open connects to a database of a project; an empty database is the default one.
// With FIRESTORE_EMULATOR_HOST in the environment it is that emulator's.
//
// It does not wait for the connection: the first operation does.
func Open(ctx context.Context, project, database string, options ...Option) (storage.Store, error) {
	s, err := open(ctx, project, database, options...)
	if err != nil {
		return nil, fmt.Errorf("firestore open %s/%s: %w", project, database, err)
	}
	return storage.New(s), nil
}

// store is a storage.Driver and a google.Server.
type store struct {
	database string // its full name
	conn     *google.Connection
	client   pb.FirestoreClient
}

func open(ctx context.Context, project, database string, options ...Option) (*store, error) {
	c := config{emulator: os.Getenv("FIRESTORE_EMULATOR_HOST")}
	for _, o := range options {
		o(&c)
	}
	if database == "" {
		database = defaultDatabase
	}
	name := "projects/" + project + "/databases/" + database
	headers := metadata.Pairs(
		"google-cloud-resource-prefix", name,
		"x-goog-request-params", "project_id="+url.QueryEscape(project)+"&database_id="+url.QueryEscape(database),
	)
	if c.emulator != "" {
		headers.Set("authorization", "Bearer owner") // whom its security rules do not bind
	}
	conn, err := google.Dial(ctx, service, c.emulator, headers)
	if err != nil {
		return nil, err
	}
	return &store{name, conn, pb.NewFirestoreClient(conn)}, nil
}

// Get implements storage.Driver.
func (s *store) Get(ctx context.Context, keys []storage.Key) ([]storage.Entity, error) {
	return google.Get(ctx, backend, s.conn, s, keys)
}

// Close implements storage.Driver.
func (s *store) Close() error { return s.conn.Close() }

// lookup reads the keys' entities, in a transaction unless it is nil. Without one they
// may come at growing read times, and are as they were at the last of these: Firestore
// promises that what came before had not changed until then.
func (s *store) lookup(ctx context.Context, keys []storage.Key, transaction []byte) ([]storage.Entity, error) {
	ctx, cancel := context.WithCancel(ctx) // ends a stream that we leave early
	defer cancel()
	l := google.NewLookup(keys)
	request := &pb.BatchGetDocumentsRequest{Database: s.database}
	if transaction != nil {
		request.ConsistencySelector = &pb.BatchGetDocumentsRequest_Transaction{Transaction: transaction}
	}
	for _, key := range l.Keys {
		request.Documents = append(request.Documents, s.document(key))
	}
	stream, err := s.client.BatchGetDocuments(s.conn.Outgoing(ctx), request)
	if err != nil {
		return nil, err
	}
	err = each(stream.Recv, func(reply *pb.BatchGetDocumentsResponse) error {
		found := reply.GetFound()
		if found == nil {
			return nil
		}
		key, err := s.keyOf(found.GetName())
		if err != nil {
			return err
		}
		return l.Found(key, func() (storage.Entity, error) { return s.decodeEntity(found) })
	})
	if err != nil {
		return nil, err
	}
	return l.Entities, nil
}

// each hands the messages of a stream to take, until its end.
func each[M any](receive func() (M, error), take func(M) error) error {
	for {
		m, err := receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = take(m)
		}
		if err != nil {
			return err
		}
	}
}
