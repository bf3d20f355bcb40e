package google

import (
	"context"
	"encoding/json"
	"math"
	"time"

	"google.golang.org/api/option"
	gtransport "google.golang.org/api/transport/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
)

// Service is an API of Google's.
type Service struct {
	Name     string   // of the gRPC service
	Endpoint string   // host:port
	Scope    string   // of OAuth
	Reads    []string // the methods that change nothing
}

// Connection is one connection to a service, which carries any number of calls at
// once.
type Connection struct {
	gtransport.ConnPool
	Emulated bool // an emulator answers, which keeps less than the service promises
	headers  metadata.MD
}

// Dial connects to the service, or to the emulator at host:port. The headers tell
// Google's front ends where to send each call. Nothing here waits for the database,
// and no telemetry is set up: a cold start pays.
func Dial(ctx context.Context, s Service, emulator string, headers metadata.MD) (*Connection, error) {
	options := []option.ClientOption{
		option.WithEndpoint(s.Endpoint),
		option.WithScopes(s.Scope),
		option.WithTelemetryDisabled(),
		option.WithGRPCDialOption(grpc.WithDisableServiceConfig()), // of DNS
		option.WithGRPCDialOption(grpc.WithDefaultServiceConfig(s.methods())),
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
	pool, err := gtransport.DialPool(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &Connection{pool, emulator != "", headers}, nil
}

// Outgoing is ctx for a call.
func (c *Connection) Outgoing(ctx context.Context) context.Context {
	return metadata.NewOutgoingContext(ctx, c.headers)
}

// methods tells gRPC what to repeat by itself when the server cannot be reached:
// reading, and nothing else. If it repeated a commit whose answer was lost, we
// could be told of a conflict with our own success.
func (s Service) methods() string {
	type method map[string]string
	var reads []method
	for _, name := range s.Reads {
		reads = append(reads, method{"service": s.Name, "method": name})
	}
	config := map[string]any{"methodConfig": []map[string]any{
		{"name": []method{{"service": s.Name}}, "timeout": "60s"},
		{"name": reads, "timeout": "60s", "waitForReady": true, "retryPolicy": map[string]any{
			"maxAttempts": 5, "initialBackoff": "0.1s", "maxBackoff": "5s", "backoffMultiplier": 1.5,
			"retryableStatusCodes": []string{"UNAVAILABLE"},
		}},
	}}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err) // there is nothing in it that has no JSON
	}
	return string(text)
}
