// Package walk is the naive way to match security group rules: every rule of
// every group of the ENI, in topology order, until one admits. It is the baseline that
// gives a matcher's figures their meaning, and written to be read, not to be
// slow on purpose: group membership is a Go map, a prefix list a set that is
// searched by halves, everything else a comparison.
//
// It knows no connections, no fragments and no exempt addresses, and prefix lists
// and groups by id alone.
package walk

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A Walker matches by walking. It may be shared by goroutines.
type Walker struct {
	enis    map[sg.ENIID][]*group
	members map[membership]bool
}

type group struct {
	id    sg.GroupID
	rules [2][]rule // ingress, egress
}

type membership struct {
	group sg.GroupID
	addr  netip.Addr
}

type rule struct {
	group    sg.GroupID    // the one whose members the rule admits; else empty
	list     *netipx.IPSet // the entries of the prefix list; else nil
	cidr     netip.Prefix
	protocol sg.Protocol
	first    int
	last     int
}

// New returns a Walker for ports and peers of the topology's TCP and UDP rules.
// It keeps nothing of t.
func New(t *sg.Topology) *Walker {
	w := &Walker{enis: map[sg.ENIID][]*group{}, members: map[membership]bool{}}
	lists := map[sg.PrefixListID]*netipx.IPSet{}
	for _, l := range t.PrefixLists {
		var b netipx.IPSetBuilder
		for _, e := range l.Entries {
			b.AddPrefix(e.CIDR)
		}
		lists[l.ID], _ = b.IPSet() // an invalid entry is left out
	}
	groups, place := map[sg.GroupID]*group{}, map[sg.GroupID]int{}
	for i, g := range t.Groups {
		place[g.ID] = i
		groups[g.ID] = &group{g.ID, [2][]rule{flatten(g.ID, g.Ingress, lists), flatten(g.ID, g.Egress, lists)}}
	}
	for _, e := range t.ENIs {
		ids := slices.SortedFunc(slices.Values(e.Groups), func(a, b sg.GroupID) int { return place[a] - place[b] })
		for _, id := range ids {
			w.enis[e.ID] = append(w.enis[e.ID], groups[id])
			for _, a := range e.Addrs {
				w.members[membership{id, a}] = true
			}
		}
	}
	return w
}

func flatten(id sg.GroupID, rules []sg.Rule, lists map[sg.PrefixListID]*netipx.IPSet) []rule {
	var out []rule
	for _, r := range rules {
		f := rule{protocol: r.Protocol, first: r.Ports.First(), last: r.Ports.Last()}
		switch {
		case r.Peer.Self:
			f.group = id
		case r.Peer.Group != "":
			f.group = r.Peer.Group
		case r.Peer.PrefixList != "":
			f.list = lists[r.Peer.PrefixList]
		default:
			f.cidr = r.Peer.CIDR
		}
		out = append(out, f)
	}
	return out
}

// A Rule names a rule of the topology: in which group it is, and its index there among
// the rules of the direction that was asked for.
type Rule struct {
	Group sg.GroupID
	Index int
}

// An ENI is an interface whose groups have been looked up. Its zero value has none.
type ENI struct {
	w      *Walker
	groups []*group
}

// ENI returns an interface of the topology, the zero ENI if there is none of that id.
func (w *Walker) ENI(id sg.ENIID) ENI { return ENI{w, w.enis[id]} }

// Match reports whether a rule of the ENI admits the packet, and the first that does.
func (e ENI) Match(dir sg.Direction, h *packet.Header) (Rule, bool) {
	peer := h.SrcAddr()
	if dir == sg.Egress {
		peer = h.DstAddr()
	}
	for _, g := range e.groups {
		rules := g.rules[dir-sg.Ingress]
		for i := range rules {
			if e.w.admits(&rules[i], h, peer) {
				return Rule{g.id, i}, true
			}
		}
	}
	return Rule{}, false
}

// Match looks the ENI up for one packet; see [ENI.Match].
func (w *Walker) Match(id sg.ENIID, dir sg.Direction, h *packet.Header) (Rule, bool) {
	return w.ENI(id).Match(dir, h)
}

func (w *Walker) admits(r *rule, h *packet.Header, peer netip.Addr) bool {
	if r.protocol != sg.AllProtocols {
		if r.protocol != sg.Protocol(h.Protocol) || int(h.DstPort) < r.first || int(h.DstPort) > r.last {
			return false
		}
	}
	switch {
	case r.group != "":
		return w.members[membership{r.group, peer}]
	case r.list != nil:
		return r.list.Contains(peer)
	}
	return r.cidr.Contains(peer)
}
