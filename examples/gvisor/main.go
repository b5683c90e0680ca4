// Gvisor puts this firewall on the link between two gVisor network stacks. Real
// HTTP servers and clients talk real TCP over it, in one process and without
// root.
//
// The web server's group admits HTTP from the client's group and has no rule for
// what leaves: answers need none. A second server on another port cannot be
// reached at all. When the rule for HTTP is removed, a download that has begun
// runs to its end, and the next one cannot begin.
//
// Output:
//
//	port 80: 5 bytes
//	port 8080: timeout
//	download, rule removed after 65536 bytes: 1048576 bytes
//	next download: timeout
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

const (
	first, whole = 64 << 10, 1 << 20 // bytes of the download

	soon = 2 * time.Second  // enough to see that no connection is made
	ever = 60 * time.Second // enough for one on the busiest machine
)

var fromClients = sg.HTTP.From(sg.FromGroup("sg-client"))

func main() {
	client, server := newHost("10.0.1.10"), newHost("10.0.2.20")
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-client", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}},
			{ID: "sg-web", Ingress: []sg.Rule{fromClients}},
		},
		ENIs: []sg.ENI{
			{ID: "eni-client", Addrs: []netip.Addr{client.addr}, Groups: []sg.GroupID{"sg-client"}},
			{ID: "eni-web", Addrs: []netip.Addr{server.addr}, Groups: []sg.GroupID{"sg-web"}},
		},
	})
	check(err)
	filter := sg.NewFilter(sg.NewFirewall(policy, nil))
	join(context.Background(), client, server, func(ip []byte) bool {
		return filter.Forward(packet.LinkRaw, ip, time.Now()).Verdict == sg.Accept
	})

	removed := make(chan bool)
	mux := http.NewServeMux()
	mux.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello") })
	mux.HandleFunc("/download", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, first))
		w.(http.Flusher).Flush()
		<-removed
		w.Write(make([]byte, whole-first))
	})
	check(server.serve(80, mux))
	check(server.serve(8080, mux))

	fmt.Println("port 80:", get(client, ever, "http://10.0.2.20:80/hello", nil))
	fmt.Println("port 8080:", get(client, soon, "http://10.0.2.20:8080/hello", nil))
	remove := func() {
		filter.Do(func(f *sg.Firewall) { check(f.Revoke("sg-web", sg.Ingress, fromClients, time.Now())) })
		close(removed)
	}
	fmt.Printf("download, rule removed after %d bytes: %s\n", first, get(client, ever, "http://10.0.2.20:80/download", remove))
	fmt.Println("next download:", get(client, soon, "http://10.0.2.20:80/download", nil))
}

// get returns how much came of a page, or "timeout" if no connection was made in
// time. It calls meanwhile when the first bytes are there.
func get(from *host, dial time.Duration, url string, meanwhile func()) string {
	resp, err := from.client(dial).Get(url)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "timeout"
	}
	check(err)
	defer resp.Body.Close()
	n, err := io.CopyN(io.Discard, resp.Body, first)
	if err == nil && meanwhile != nil {
		meanwhile()
	}
	rest, err := io.Copy(io.Discard, resp.Body)
	check(err)
	return fmt.Sprintf("%d bytes", n+rest)
}
