// Httpsite runs a site of three tiers, each a server of net/http, with the security
// groups of a VPC between them: a browser outside, a proxy, an application, and a
// store behind that. Nothing of it knows that the network is simulated, and no port of
// the machine is used. In the end somebody removes a rule.
//
// Output:
//
//	browser to web: 200 OK store says: 200 OK three books
//	browser to app: i/o timeout: tcp 198.51.100.7:32771 > 10.0.2.20:8080 S: drop, no_rule at eni-app ingress, nearest sg-app ingress[0]: source sg-web, packet had 198.51.100.7: it is not a private address of its members (1)
//	without the rule: 502 Bad Gateway
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const vpc = `
group sg-web
rule sg-web ingress tcp 80 0.0.0.0/0
rule sg-web egress tcp 8080 sg-app
group sg-app
rule sg-app ingress tcp 8080 sg-web
rule sg-app egress tcp 9000 sg-store
group sg-store
rule sg-store ingress tcp 9000 sg-app
eni eni-web 10.0.1.10 sg-web name=web
eni eni-app 10.0.2.20 sg-app name=app
eni eni-store 10.0.3.30 sg-store name=store
`

const patience = 100 * time.Millisecond // with a connection

var t program

func main() {
	topology, err := sgtest.ParseTopology("vpc", vpc)
	if err != nil {
		log.Fatal(err)
	}
	site := sgtest.NewNetwork(t, topology, nil)
	site.Host("browser", "198.51.100.7")

	go http.Serve(site.Listen(t, "store", 9000), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "three books")
	}))
	go http.Serve(site.Listen(t, "app", 8080), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "store says: ", get(site, "app", "http://store:9000/"))
	}))
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "app:8080"})
	proxy.Transport = from(site, "web")
	proxy.ErrorLog = log.New(io.Discard, "", 0)
	go http.Serve(site.Listen(t, "web", 80), proxy)

	fmt.Println("browser to web:", get(site, "browser", "http://web/"))
	fmt.Println("browser to app:", get(site, "browser", "http://app:8080/"))
	site.Revoke(t, "sg-app", sg.Ingress, sg.MustTraffic("tcp/8080").From(sg.FromGroup("sg-web")))
	fmt.Println("without the rule:", get(site, "browser", "http://web/"))
}

// from is how the machine at an end makes its requests: each with a connection of
// its own.
func from(site *sgtest.Network, end string) *http.Transport {
	dialer := site.Dialer(t, end)
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		return dialer.DialContext(ctx, network, addr)
	}}
}

// get returns the status and the text of a page, or why no connection was made.
func get(site *sgtest.Network, end, url string) string {
	resp, err := (&http.Client{Transport: from(site, end)}).Get(url)
	if err != nil {
		return errors.Unwrap(errors.Unwrap(err)).Error() // without URL and addresses
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.Status + " " + string(body)
}

// A program stands where a test has its *testing.T.
type program struct{}

func (program) Helper()                           {}
func (program) Errorf(format string, args ...any) { log.Fatalf(format, args...) }
func (program) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
