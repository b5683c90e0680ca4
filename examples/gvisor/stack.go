package main

import (
	"context"
	"log"
	"net"
	"net/http"
	"net/netip"
	"time"

	"gvisor.dev/gvisor/pkg/buffer"
	"gvisor.dev/gvisor/pkg/tcpip"
	"gvisor.dev/gvisor/pkg/tcpip/adapters/gonet"
	"gvisor.dev/gvisor/pkg/tcpip/header"
	"gvisor.dev/gvisor/pkg/tcpip/link/channel"
	"gvisor.dev/gvisor/pkg/tcpip/network/ipv4"
	"gvisor.dev/gvisor/pkg/tcpip/stack"
	"gvisor.dev/gvisor/pkg/tcpip/transport/tcp"
)

// A host is a gVisor stack with one interface, whose packets leave by link.
type host struct {
	addr  netip.Addr
	stack *stack.Stack
	link  *channel.Endpoint
}

func newHost(addr string) *host {
	h := &host{
		addr: netip.MustParseAddr(addr),
		stack: stack.New(stack.Options{
			NetworkProtocols:   []stack.NetworkProtocolFactory{ipv4.NewProtocol},
			TransportProtocols: []stack.TransportProtocolFactory{tcp.NewProtocol},
		}),
		link: channel.New(1024, 1500, ""),
	}
	must(h.stack.CreateNIC(1, h.link))
	must(h.stack.AddProtocolAddress(1, tcpip.ProtocolAddress{
		Protocol:          ipv4.ProtocolNumber,
		AddressWithPrefix: tcpip.AddrFromSlice(h.addr.AsSlice()).WithPrefix(),
	}, stack.AddressProperties{}))
	h.stack.SetRouteTable([]tcpip.Route{{Destination: header.IPv4EmptySubnet, NIC: 1}})
	return h
}

func must(err tcpip.Error) {
	if err != nil {
		panic(err)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// join carries packets between two hosts until ctx ends. Each packet's bytes, from
// the IP header on, go to pass first, from one goroutine per direction.
func join(ctx context.Context, a, b *host, pass func(ip []byte) bool) {
	carry := func(from, to *host) {
		for {
			pkt := from.link.ReadContext(ctx)
			if pkt == nil {
				return
			}
			ip := pkt.ToView().AsSlice()
			if pass(ip) {
				in := stack.NewPacketBuffer(stack.PacketBufferOptions{Payload: buffer.MakeWithData(ip)})
				to.link.InjectInbound(ipv4.ProtocolNumber, in)
				in.DecRef()
			}
			pkt.DecRef()
		}
	}
	go carry(a, b)
	go carry(b, a)
}

func (h *host) full(port uint16) tcpip.FullAddress {
	return tcpip.FullAddress{NIC: 1, Addr: tcpip.AddrFromSlice(h.addr.AsSlice()), Port: port}
}

// serve runs an HTTP server on a port of the host.
func (h *host) serve(port uint16, handler http.Handler) error {
	l, err := gonet.ListenTCP(h.stack, h.full(port), ipv4.ProtocolNumber)
	if err != nil {
		return err
	}
	go http.Serve(l, handler)
	return nil
}

// client returns an HTTP client whose connections start on the host, a new one
// for every request, and have to be made in time.
func (h *host) client(dial time.Duration) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, addr string) (net.Conn, error) {
			ap, err := netip.ParseAddrPort(addr)
			if err != nil {
				return nil, err
			}
			ctx, cancel := context.WithTimeout(ctx, dial)
			defer cancel()
			return gonet.DialContextTCP(ctx, h.stack, tcpip.FullAddress{
				NIC: 1, Addr: tcpip.AddrFromSlice(ap.Addr().AsSlice()), Port: ap.Port(),
			}, ipv4.ProtocolNumber)
		},
	}}
}
