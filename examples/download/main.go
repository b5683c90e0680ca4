// Download puts a web server into quarantine while somebody downloads from it, with
// real HTTP. A group without rules stops what is new, and the download runs to its
// end: its connection is tracked. After a group that admits everything it no longer
// is, and the group without rules then stops the download too, without a word to
// either side.
//
// Output:
//
//	one step: 1048576 bytes; another download: no connection
//	two steps: 65536 bytes, and then nothing; another download: no connection
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const vpc = `
group sg-web
rule sg-web ingress tcp 80 198.51.100.0/24
group sg-open
rule sg-open ingress all 0.0.0.0/0
rule sg-open egress all 0.0.0.0/0
group sg-quarantine
eni eni-web 10.0.1.10 sg-web name=web
`

const (
	first, whole = 64 << 10, 1 << 20 // bytes of the download

	patience = 500 * time.Millisecond // with a download that stands still
	soon     = 100 * time.Millisecond // enough to see that no connection is made
)

func main() {
	download("one step", "sg-quarantine")
	download("two steps", "sg-open", "sg-quarantine")
}

// download begins a download, sets the groups one after the other, and says how it
// ends.
func download(how string, groups ...sg.GroupID) {
	topology, err := sgtest.ParseTopology("vpc", vpc)
	if err != nil {
		log.Fatal(err)
	}
	t := program{}
	network := sgtest.NewNetwork(t, topology, nil)
	network.Host("laptop", "198.51.100.7")
	listener, shut := network.Listen(t, "web", 80), make(chan bool)
	defer listener.Close()
	go http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, first))
		w.(http.Flusher).Flush()
		<-shut
		w.Write(make([]byte, whole-first))
	}))

	transport := &http.Transport{DialContext: network.Dialer(t, "laptop").DialContext, DisableKeepAlives: true}
	client := http.Client{Transport: transport}
	resp, err := client.Get("http://web/")
	if err != nil {
		log.Fatal(err)
	}
	got, _ := io.CopyN(io.Discard, resp.Body, first)
	for _, g := range groups {
		network.SetGroups(t, "web", g)
	}
	close(shut)
	time.AfterFunc(patience, func() { resp.Body.Close() })
	rest, err := io.Copy(io.Discard, resp.Body)
	end := ""
	if err != nil {
		end = ", and then nothing"
	}
	client.Timeout = soon
	_, err = client.Get("http://web/")
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		log.Fatal("a new connection was made: ", err)
	}
	fmt.Printf("%s: %d bytes%s; another download: no connection\n", how, got+rest, end)
}

// A program stands where a test has its *testing.T.
type program struct{}

func (program) Helper()                           {}
func (program) Errorf(format string, args ...any) { log.Fatalf(format, args...) }
func (program) Fatalf(format string, args ...any) { log.Fatalf(format, args...) }
