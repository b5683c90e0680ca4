package corpus

import (
	"fmt"
	"math/rand/v2"
	"net/netip"

	"github.com/sgsim/sgsim/bench/walk"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A Kind is what decides about a probe.
type Kind string

// Kinds of probes: three that a rule admits, by its peer, and two that none does.
const (
	ByCIDR  Kind = "cidr"
	ByList  Kind = "list"
	ByGroup Kind = "group"
	NoPeer  Kind = "no-peer" // rules cover the port, none the address
	NoPort  Kind = "no-port" // no rule covers the port
)

// Kinds are all kinds, admitted ones first.
var Kinds = []Kind{ByCIDR, ByList, ByGroup, NoPeer, NoPort}

// Admitted reports whether a rule admits probes of the kind.
func (k Kind) Admitted() bool { return k != NoPeer && k != NoPort }

// A Probe is the first packet of a connection to an ENI.
type Probe struct {
	ENI    sg.ENIID
	Header packet.Header
	Rule   walk.Rule // the first that admits it, zero if none does
}

// Probes draws n different probes of a kind to ENIs drawn from the first enis ones. The
// walk of all rules has confirmed the verdict of each.
func (w *World) Probes(kind Kind, enis, n int, seed uint64) []Probe {
	rng := rand.New(rand.NewPCG(seed, 5))
	walker := w.Walker()
	ps := make([]Probe, 0, n)
	seen := map[Probe]bool{}
	for tries := 0; len(ps) < n; tries++ {
		if tries > 1000*n+1000 {
			panic(fmt.Sprintf("corpus: no probe of kind %s in %+v", kind, w.spec))
		}
		eni := rng.IntN(min(enis, w.spec.ENIs))
		p, ok := w.probe(kind, eni, rng)
		if !ok || seen[p] {
			continue
		}
		if rule, admitted := walker.Match(p.ENI, sg.Ingress, &p.Header); admitted == kind.Admitted() {
			seen[p] = true
			p.Rule = rule
			ps = append(ps, p)
		}
	}
	return ps
}

func (w *World) probe(kind Kind, eni int, rng *rand.Rand) (Probe, bool) {
	group := w.groups[eni][rng.IntN(len(w.groups[eni]))]
	r := &w.Topology.Groups[group].Ingress[rng.IntN(w.spec.Rules)]
	var src netip.Addr
	port := r.Ports.First()
	if span := r.Ports.Last() - port; span > 0 {
		port += rng.IntN(span + 1)
	}
	switch kind {
	case ByCIDR:
		if !r.Peer.CIDR.IsValid() {
			return Probe{}, false
		}
		src = addrIn(r.Peer.CIDR, rng)
	case ByList:
		if r.Peer.PrefixList == "" {
			return Probe{}, false
		}
		var list int
		fmt.Sscanf(string(r.Peer.PrefixList), "pl-%x", &list)
		src = addrIn(w.lists[list][rng.IntN(w.spec.Entries)], rng)
	case ByGroup:
		if r.Peer.Group == "" {
			return Probe{}, false
		}
		var g int
		fmt.Sscanf(string(r.Peer.Group), "sg-%x", &g)
		if len(w.members[g]) == 0 {
			return Probe{}, false
		}
		src = ENIAddr4(w.members[g][rng.IntN(len(w.members[g]))])
	case NoPeer:
		src = addrIn(randomPrefix(false, rng), rng)
	case NoPort:
		src = addrIn(randomPrefix(false, rng), rng)
		port = closedPort(rng)
	}
	dst := ENIAddr4(eni)
	if src.Is6() {
		dst = ENIAddr6(eni)
	}
	from, to := netip.AddrPortFrom(src, uint16(32768+rng.IntN(28000))), netip.AddrPortFrom(dst, uint16(port))
	h := packet.TCPHeader(from, to, packet.SYN)
	if r.Protocol == sg.UDP {
		h = packet.UDPHeader(from, to)
	}
	return Probe{ENI: ENIID(eni), Header: h}, true
}

// addrIn draws an address of the prefix.
func addrIn(p netip.Prefix, rng *rand.Rand) netip.Addr {
	a := p.Addr().AsSlice()
	for i := range a {
		if fixed := p.Bits() - 8*i; fixed < 8 {
			a[i] |= byte(rng.IntN(256)) & byte(0xff>>max(0, fixed))
		}
	}
	addr, _ := netip.AddrFromSlice(a)
	return addr
}
