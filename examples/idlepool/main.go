// Idlepool shows what an idle pool of connections meets on Nitro v6 instances, which
// forget a TCP connection after 350 s. The pool is that of net/http. Its connection is
// fine after 349 s; after 350 s of silence the request goes nowhere, and no error says
// so: the client waits for an answer until its own patience ends. On older instances,
// or with keepalives, nothing happens.
//
// The clock of the network is moved by hand, so none of it takes long. In a test, a
// bubble of testing/synctest does that without a hand.
//
// Output:
//
//	Nitro v6, idle for 349s: 200 OK
//	Nitro v6, idle for 350s: no answer
//	older, idle for 350s: 200 OK
//	Nitro v6 and keepalives of 60s, idle for 350s: 200 OK
package main

import (
	"fmt"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sgsim/sgsim/sg/sgtest"
)

const vpc = `
group sg-app
rule sg-app egress tcp 8080 sg-api
group sg-api
rule sg-api ingress tcp 8080 sg-app
eni eni-app 10.0.1.10 sg-app name=app
eni eni-api 10.0.2.20 sg-api name=api
`

// patience is how long the client waits for an answer once it has asked. Few have so
// little.
const patience = 500 * time.Millisecond

func main() {
	const nitroV6, older = true, false
	fmt.Println("Nitro v6, idle for 349s:", request(nitroV6, 349*time.Second, 0))
	fmt.Println("Nitro v6, idle for 350s:", request(nitroV6, 350*time.Second, 0))
	fmt.Println("older, idle for 350s:", request(older, 350*time.Second, 0))
	fmt.Println("Nitro v6 and keepalives of 60s, idle for 350s:", request(nitroV6, 350*time.Second, time.Minute))
}

// request makes a request, lets the connection idle, and says what becomes of the
// next one.
func request(nitroV6 bool, idle, keepalive time.Duration) string {
	topology, err := sgtest.ParseTopology("vpc", vpc)
	if err != nil {
		log.Fatal(err)
	}
	for i := range topology.ENIs {
		topology.ENIs[i].NitroV6 = nitroV6
	}
	t := program{}
	network := sgtest.NewNetwork(t, topology, nil)
	listener := network.Listen(t, "api", 8080)
	defer listener.Close()
	go http.Serve(listener, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))

	dialer := network.Dialer(t, "app")
	dialer.KeepAlive = keepalive
	client := http.Client{Transport: &http.Transport{DialContext: dialer.DialContext, ResponseHeaderTimeout: patience}}
	if _, err := client.Get("http://api:8080/"); err != nil {
		return err.Error()
	}
	network.Clock.Advance(idle)
	resp, err := client.Get("http://api:8080/")
	if timeout, ok := err.(net.Error); ok && timeout.Timeout() {
		return "no answer"
	} else if err != nil {
		return err.Error()
	}
	return resp.Status
}

// A program stands where a test has its *testing.T.
type program struct{}

func (program) Helper()                           {}
func (program) Errorf(format string, args ...any) { log.Fatalf(format, args...) }
func (program) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
