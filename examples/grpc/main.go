// Grpc puts a gRPC server and its clients behind security groups. The service is the
// one for health checks that comes with gRPC. When the rule is revoked, the connection
// that is open goes on, since it is tracked, and a new one is not made: the error of
// the call names the packet, the interface that dropped it, and the rule that came
// nearest.
//
// Output:
//
//	the rule is there: SERVING
//	revoked, the connection that is open: SERVING
//	revoked, a new connection: Unavailable
//	  connection error: desc = "transport: Error while dialing: dial tcp 10.0.1.10:32769->10.0.2.20:50051: i/o timeout: tcp 10.0.1.10:32769 > 10.0.2.20:50051 S: drop, no_rule at eni-api ingress"
package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const vpc = `
group sg-app
rule sg-app egress tcp 50051 sg-api
group sg-api
rule sg-api ingress tcp 50051 sg-app
eni eni-app 10.0.1.10 sg-app name=app
eni eni-api 10.0.2.20 sg-api name=api
`

func main() {
	topology, err := sgtest.ParseTopology("vpc", vpc)
	check(err)
	t := program{}
	network := sgtest.NewNetwork(t, topology, nil)
	server := grpc.NewServer()
	grpc_health_v1.RegisterHealthServer(server, health.NewServer())
	go server.Serve(network.Listen(t, "api", 50051))
	defer server.Stop()

	open := client(network.Dialer(t, "app"))
	fmt.Println("the rule is there:", ask(open))
	network.Revoke(t, "sg-api", sg.Ingress, sg.MustTraffic("tcp/50051").From(sg.FromGroup("sg-app")))
	fmt.Println("revoked, the connection that is open:", ask(open))
	fmt.Println("revoked, a new connection:", ask(client(network.Dialer(t, "app"))))
}

// client returns a client that gives up an attempt to connect after a moment. The
// name of the server is the dialer's to resolve.
func client(dialer *sgtest.Dialer) grpc_health_v1.HealthClient {
	conn, err := grpc.NewClient("passthrough:///api:50051",
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoff.DefaultConfig, MinConnectTimeout: 100 * time.Millisecond}),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", addr)
		}))
	check(err)
	return grpc_health_v1.NewHealthClient(conn)
}

func ask(c grpc_health_v1.HealthClient) string {
	resp, err := c.Check(context.Background(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		return fmt.Sprintf("%s\n  %s", status.Code(err), status.Convert(err).Message())
	}
	return resp.Status.String()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// A program stands where a test has its *testing.T.
type program struct{}

func (program) Helper()                           {}
func (program) Errorf(format string, args ...any) { log.Fatalf(format, args...) }
func (program) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
