package datastore

import (
	"context"
	"math"
	"net/url"
	"os"
	"time"

	"google.golang.org/api/option"
	gtransport "google.golang.org/api/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

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

func configuration(options []Option) config {
	c := config{emulator: os.Getenv("DATASTORE_EMULATOR_HOST")}
	for _, o := range options {
		o(&c)
	}
	return c
}

// methods tells gRPC what to repeat by itself when the server cannot be reached:
// reading, and nothing else. If it repeated a commit whose answer was lost, we
// could be told of a conflict with our own success.
const methods = `{"methodConfig": [
	{"name": [{"service": "google.datastore.v1.Datastore"}], "timeout": "60s"},
	{"name": [
		{"service": "google.datastore.v1.Datastore", "method": "Lookup"},
		{"service": "google.datastore.v1.Datastore", "method": "RunQuery"}],
	"timeout": "60s", "waitForReady": true,
	"retryPolicy": {"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "5s", "backoffMultiplier": 1.5,
		"retryableStatusCodes": ["UNAVAILABLE"]}}]}`

// dial makes one connection, which carries any number of calls at once. Nothing
// here waits for the database, and no telemetry is set up: a cold start pays.
func dial(ctx context.Context, emulator string) (gtransport.ConnPool, error) {
	options := []option.ClientOption{
		option.WithEndpoint("datastore.googleapis.com:443"),
		option.WithScopes("https://www.googleapis.com/auth/datastore"),
		option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithDisableServiceConfig()), // of DNS
		option.WithGRPCDialOption(grpc.WithDefaultServiceConfig(methods)),
		option.WithGRPCDialOption(grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32))),
		// A frozen instance wakes up with a dead connection: notice it.
		option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: time.Minute, Timeout: 20 * time.Second, PermitWithoutStream: true,
		})),
	}
	if emulator != "" {
		options = append(options,
			option.WithEndpoint("passthrough:///"+emulator),
			option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		)
	}
	return gtransport.DialPool(ctx, options...)
}

// headers tell Google's front ends where to send a call.
func headers(project, database string) metadata.MD {
	prefix := "projects/" + url.QueryEscape(project)
	params := "project_id=" + url.QueryEscape(project)
	if database != "" {
		prefix += "/databases/" + url.QueryEscape(database)
		params += "&database_id=" + url.QueryEscape(database)
	}
	return metadata.Pairs("google-cloud-resource-prefix", prefix, "x-goog-request-params", params)
}

func (s *store) outgoing(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, s.headers)
}
