// Gvisor puts this firewall on the link between two gVisor network stacks, in one
// process and without root. Every byte of the packets is gVisor's, and so are its TCP
// options and its congestion control, which the connections of package sgtest do not
// have. Where those do not matter, sgtest needs none of this: see ../httpsite.
//
// The server's group admits HTTP from the client's group; answers need no rule.
//
// Output:
//
//	port 80: 1048576 bytes
//	port 8080: timeout
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

func main() {
	client, server := newHost("10.0.1.10"), newHost("10.0.2.20")
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-client", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}},
			{ID: "sg-web", Ingress: []sg.Rule{sg.HTTP.From(sg.FromGroup("sg-client"))}},
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
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1<<20)) })
	check(server.serve(80, page))
	check(server.serve(8080, page))
	fmt.Println("port 80:", get(client, time.Minute, "http://10.0.2.20:80/"))
	fmt.Println("port 8080:", get(client, 2*time.Second, "http://10.0.2.20:8080/"))
}

// get returns how much came of a page, or "timeout" if no connection was made in
// time.
func get(from *host, dial time.Duration, url string) string {
	resp, err := from.client(dial).Get(url)
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return "timeout"
	}
	check(err)
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	check(err)
	return fmt.Sprintf("%d bytes", n)
}
