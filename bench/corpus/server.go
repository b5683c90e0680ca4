package corpus

import (
	"net/netip"

	"github.com/sgsim/sgsim/sg"
)

// ServerENI carries the server's addresses, ClientENI those of all clients.
const (
	ServerENI sg.ENIID = "eni-server"
	ClientENI sg.ENIID = "eni-client"
)

// Access is what the rules of the server say about its clients.
type Access int

// From nothing to everybody.
const (
	Closed Access = iota // no rule admits them; some cover their port
	Open                 // the last rules admit their networks: connections are tracked
	Public               // rules admit every address both ways: TCP and UDP are untracked (CT-10)
)

// Server returns a topology of one ENI with the server's addresses and rules
// ingress rules, at least 10, of kinds and ports as in a [World]. What they say
// about the clients stands last. Clients are no part of it.
func Server(rules int, a Access) *sg.Topology {
	w := NewWorld(Ruled(max(0, rules-len(admitting(a)))))
	t := w.Topology
	for i := range t.ENIs { // away from the clients
		t.ENIs[i].Addrs = []netip.Addr{
			netip.AddrFrom4([4]byte{172, 16, 0, byte(i)}),
			netip.AddrFrom16([16]byte{0xfd, 0, 0, 0xd, 15: byte(i)}),
		}
	}
	own := sg.Group{ID: "sg-server", Ingress: admitting(a)}
	if a == Public {
		for _, p := range []sg.Peer{sg.AnyIPv4, sg.AnyIPv6} {
			own.Egress = append(own.Egress, sg.Rule{Protocol: sg.AllProtocols, Peer: p})
		}
	}
	t.Groups = append(t.Groups, own)
	t.ENIs = append(t.ENIs, sg.ENI{
		ID:     ServerENI,
		Addrs:  []netip.Addr{Server4, Server6},
		Groups: []sg.GroupID{GroupID(0), own.ID},
	})
	return t
}

// BothEnds returns the topology of [Server], open, with the clients as one ENI
// that may go anywhere in the server's networks.
func BothEnds(rules int) *sg.Topology {
	t := Server(rules, Open)
	t.Groups = append(t.Groups, sg.Group{ID: "sg-client", Egress: []sg.Rule{
		{Protocol: sg.AllProtocols, Peer: sg.Peer{CIDR: netip.PrefixFrom(Server4, 24).Masked()}},
		{Protocol: sg.AllProtocols, Peer: sg.Peer{CIDR: netip.PrefixFrom(Server6, 64).Masked()}},
	}})
	t.ENIs = append(t.ENIs, sg.ENI{ID: ClientENI, Prefixes: []netip.Prefix{ClientNet4, ClientNet6}, Groups: []sg.GroupID{"sg-client"}})
	return t
}

// admitting are the rules about the server's clients.
func admitting(a Access) []sg.Rule {
	peers := []sg.Peer{{CIDR: ClientNet4}, {CIDR: ClientNet6}}
	switch a {
	case Closed:
		return nil
	case Public:
		peers = []sg.Peer{sg.AnyIPv4, sg.AnyIPv6}
	}
	var rs []sg.Rule
	for _, p := range peers {
		rs = append(rs,
			sg.Rule{Protocol: sg.UDP, Ports: sg.Port(ServerPort), Peer: p},
			sg.Rule{Protocol: sg.TCP, Ports: sg.Port(ServerPort), Peer: p},
		)
	}
	return append(rs,
		sg.Rule{Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(-1, -1), Peer: peers[0]},
		sg.Rule{Protocol: sg.ICMPv6, ICMP: sg.ICMPTypeCode(-1, -1), Peer: peers[1]},
	)
}
