//go:build linux

// Netns puts this firewall between two network namespaces of Linux. Each has an
// address and one way out, a TUN device that this process holds, so that every
// packet between the two kernels' stacks is decided here. curl runs in one
// namespace, an HTTP server in the other.
//
// It needs root, ip and curl, touches nothing outside the two namespaces that it
// makes, and removes them at the end. Where something is missing it says what.
//
// Output:
//
//	app to web, port 80: hello
//	app to web, port 8080: timeout
//	web to app, port 80: timeout
//	app to web after its group was taken away: timeout
package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

func main() {
	if why := missing(); why != "" {
		fmt.Println("skipped:", why)
		return
	}
	if err := show(); err != nil {
		log.Fatal(err)
	}
}

func show() error {
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-app", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}},
			{ID: "sg-web", Ingress: []sg.Rule{sg.HTTP.From(sg.FromGroup("sg-app"))}},
			{ID: "sg-none"},
		},
		ENIs: []sg.ENI{
			{ID: "eni-app", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Groups: []sg.GroupID{"sg-app"}},
			{ID: "eni-web", Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.20")}, Groups: []sg.GroupID{"sg-web"}},
		},
	})
	if err != nil {
		return err
	}
	filter := sg.NewFilter(sg.NewFirewall(policy, nil))
	pass := func(ip []byte) bool {
		return filter.Forward(packet.LinkRaw, ip, time.Now()).Verdict == sg.Accept
	}

	app, err := newHost("app", "10.0.1.10")
	if err != nil {
		return err
	}
	defer app.close()
	web, err := newHost("web", "10.0.2.20")
	if err != nil {
		return err
	}
	defer web.close()
	go carry(app, web, pass)
	go carry(web, app, pass)
	for _, at := range []struct {
		h    *host
		port string
	}{{web, "80"}, {web, "8080"}, {app, "80"}} {
		l, err := at.h.listen(at.port)
		if err != nil {
			return err
		}
		defer l.Close()
		go http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "hello\n") }))
	}

	fmt.Println("app to web, port 80:", app.curl("60", "http://10.0.2.20/"))
	fmt.Println("app to web, port 8080:", app.curl("1", "http://10.0.2.20:8080/"))
	fmt.Println("web to app, port 80:", web.curl("1", "http://10.0.1.10/"))
	filter.Do(func(f *sg.Firewall) { err = f.SetGroups("eni-app", []sg.GroupID{"sg-none"}, time.Now()) })
	if err != nil {
		return err
	}
	fmt.Println("app to web after its group was taken away:", app.curl("1", "http://10.0.2.20/"))
	return nil
}
