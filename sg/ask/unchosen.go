package ask

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// Worlds are the topologies in which packets have to be judged that name interfaces
// without an address, because AWS has yet to choose it. In each, these interfaces have one
// from a part of their subnets that rules and network ACLs tell apart from the rest.
type Worlds struct {
	topo  *sg.Topology
	names prose.Names
	open  []int            // indexes of the interfaces
	addrs [][][]netip.Addr // of each world, those of each interface
}

// mostWorlds bounds the topologies: each is compiled.
const mostWorlds = 256

// NewWorlds returns the worlds of packets that a [Parser] is to read, which also knows what
// also says, at least one. It does not change topo.
func NewWorlds(topo *sg.Topology, packets []string, also ...func(id string) string) (*Worlds, error) {
	w := &Worlds{topo: topo, addrs: [][][]netip.Addr{nil}}
	if !slices.ContainsFunc(topo.ENIs, unaddressed) {
		return w, nil
	}
	p := NewParser(topo, also...)
	var other []netip.Prefix // hosts that the packets name by address
	for _, s := range packets {
		q, _ := p.Parse(s)
		w.open = append(w.open, q.open...)
		for _, a := range q.written {
			other = append(other, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	slices.Sort(w.open)
	w.open = slices.Compact(w.open)
	if len(w.open) == 0 {
		return w, nil
	}
	w.names = prose.NamesOf(topo)
	var cuts []netip.Addr
	for _, p := range cidrsOf(topo) {
		cuts = append(cuts, p.Addr(), netipx.PrefixLastIP(p).Next())
	}
	slices.SortFunc(cuts, netip.Addr.Compare)
	cuts = slices.Compact(cuts)
	for _, n := range w.open {
		var more [][][]netip.Addr
		for _, given := range w.addrs {
			but := other
			for _, addrs := range given {
				for _, a := range addrs {
					but = append(slices.Clip(but), netip.PrefixFrom(a, a.BitLen()))
				}
			}
			parts := partsOf(freeFor(&topo.ENIs[n], but, topo), cuts)
			for f := range parts {
				if len(parts[f]) == 0 {
					parts[f] = []netip.Addr{{}}
				}
			}
			for _, a := range parts[0] {
				for _, b := range parts[1] {
					more = append(more, append(slices.Clip(given), valid(a, b)))
				}
			}
			if len(more) > mostWorlds {
				return nil, fmt.Errorf("the address of %s is not known yet, and rules tell more than %d apart: -eni can give one", topo.ENIs[n].ID, mostWorlds)
			}
		}
		w.addrs = more
	}
	return w, nil
}

// unaddressed reports whether AWS has yet to choose an interface's address. One for EFA
// alone never has any (EC2 guide, "Elastic Fabric Adapter", read 2026-11).
func unaddressed(e sg.ENI) bool { return len(e.Addrs)+len(e.Prefixes) == 0 && e.Type != "efa-only" }

// All yields the topologies, each valid until the next one is asked for.
func (w *Worlds) All() iter.Seq[*sg.Topology] {
	return func(yield func(*sg.Topology) bool) {
		with := *w.topo
		if len(w.open) > 0 {
			with.ENIs = slices.Clone(with.ENIs)
		}
		for _, addrs := range w.addrs {
			for i, n := range w.open {
				with.ENIs[n].Addrs = addrs[i]
			}
			if !yield(&with) {
				return
			}
		}
	}
}

func valid(addrs ...netip.Addr) []netip.Addr {
	return slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !a.IsValid() })
}

// cidrsOf returns what rules, prefix lists, network ACLs and subnets tell apart.
func cidrsOf(topos ...*sg.Topology) (all []netip.Prefix) {
	add := func(p netip.Prefix) {
		if p.IsValid() {
			all = append(all, p.Masked())
		}
	}
	for _, t := range topos {
		for i := range t.Groups {
			for _, r := range slices.Concat(t.Groups[i].Ingress, t.Groups[i].Egress) {
				add(r.Peer.CIDR)
			}
		}
		for _, l := range t.PrefixLists {
			for _, e := range l.Entries {
				add(e.CIDR)
			}
		}
		for _, a := range t.NetworkACLs {
			for _, e := range slices.Concat(a.Ingress, a.Egress) {
				add(e.CIDR)
			}
		}
		for _, v := range t.VPCs {
			for _, s := range v.Subnets {
				for _, p := range s.CIDRs {
					add(p)
				}
			}
		}
	}
	return all
}

// freeFor returns where AWS may choose an address of an interface, without the parts that
// but holds: in its subnet, else in its VPC, else in any private network (RFC 1918, RFC 6598).
func freeFor(e *sg.ENI, but []netip.Prefix, topos ...*sg.Topology) []netipx.IPRange {
	var subnet, vpc []netip.Prefix
	var taken netipx.IPSetBuilder
	reserve := func(p netip.Prefix) { // the first four and the last (VPC guide, "Subnet CIDR blocks", read 2026-11)
		a := p.Masked().Addr()
		taken.AddRange(netipx.IPRangeFrom(a, a.Next().Next().Next()))
		taken.Add(netipx.PrefixLastIP(p))
	}
	for _, t := range topos {
		for _, v := range t.VPCs {
			if v.ID == e.VPC {
				vpc = append(vpc, v.CIDRs...)
			}
			for _, s := range v.Subnets {
				if s.ID == e.Subnet {
					subnet = append(subnet, s.CIDRs...)
				}
				for _, p := range s.CIDRs {
					reserve(p)
				}
			}
		}
		for i := range t.ENIs {
			if o := &t.ENIs[i]; o.VPC == e.VPC || e.VPC == "" {
				for _, a := range o.Addrs {
					taken.Add(a)
				}
				for _, p := range o.Prefixes {
					taken.AddPrefix(p)
				}
			}
		}
	}
	blocks := private
	if len(vpc) > 0 {
		blocks = vpc
	}
	if len(subnet) > 0 {
		blocks = subnet
	}
	var free netipx.IPSetBuilder
	for _, p := range blocks {
		free.AddPrefix(p)
		reserve(p)
		for _, b := range but {
			if b.Bits() > p.Bits() && p.Contains(b.Addr()) {
				taken.AddPrefix(b)
			}
		}
	}
	used, _ := taken.IPSet() // what is wrong with an address, Compile says
	free.RemoveSet(used)
	set, _ := free.IPSet()
	return set.Ranges()
}

var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("172.16.0.0/12"), netip.MustParsePrefix("192.168.0.0/16"),
}

// partsOf returns an address of every part of ranges between cuts, by family.
func partsOf(ranges []netipx.IPRange, cuts []netip.Addr) (parts [2][]netip.Addr) {
	last := -1 // part that has one
	for _, r := range ranges {
		for a := r.From(); a.IsValid() && r.Contains(a); {
			part, begins := slices.BinarySearchFunc(cuts, a, netip.Addr.Compare)
			if begins {
				part++
			}
			f := 0
			if a.Is6() {
				f = 1
			}
			if part != last || len(parts[f]) == 0 {
				parts[f] = append(parts[f], a)
			}
			if last = part; part == len(cuts) {
				break
			}
			a = cuts[part]
		}
	}
	return parts
}

// Agree returns what explanations of the same packets in each world say together. Where
// verdicts differ, the packet's is unknown.
func (w *Worlds) Agree(said [][]*sg.Explanation) []*sg.Explanation {
	all := said[0]
	for i, x := range all {
		var whose []string
		for j, n := range w.open {
			if addrs := w.addrs[0][j]; slices.Contains(addrs, x.Header.SrcAddr()) || slices.Contains(addrs, x.Header.DstAddr()) {
				whose = append(whose, w.names.ENI(w.topo.ENIs[n].ID))
			}
		}
		if whose == nil {
			continue
		}
		note := "not known yet: the address of " + strings.Join(whose, " and that of ")
		var seen []sg.Verdict
		var each []string
		for _, s := range said {
			if y := s[i]; !slices.Contains(seen, y.Verdict) {
				seen = append(seen, y.Verdict)
				each = append(each, fmt.Sprintf("from %s to %s it is: %s, %s", y.Header.SrcAddr(), y.Header.DstAddr(), y.Verdict, y.Reason))
			}
		}
		if len(seen) == 1 {
			x.Notes = append(x.Notes, note+"; whichever AWS chooses, the verdict is the same")
			continue
		}
		all[i] = &sg.Explanation{Packet: x.Packet, Verdict: sg.Unknown, Reason: sg.UnknownAddress,
			Notes: append([]string{note + ", on which the verdict depends; -eni can give one"}, each...)}
	}
	return all
}

// mostPlaces bounds the subnets in which StandIns looks for addresses, each time among all.
const mostPlaces = 1000

// StandIns gives interfaces that have no address in one of two topologies to compare one
// that AWS may choose and that no rule singles out from their subnet. It returns the
// interfaces for which there is none, and notes about both.
func StandIns(before, after *sg.Topology) (without []sg.ENIID, notes []string) {
	type place struct {
		sg.VPCID
		sg.SubnetID
	}
	free, given := map[place][]netipx.IPRange{}, map[sg.ENIID]netip.Addr{}
	cidrs := cidrsOf(before, after)
	var stand, left []string
	for _, t := range [...]*sg.Topology{after, before} {
		names := prose.NamesOf(t)
		for i := range t.ENIs {
			e := &t.ENIs[i]
			if !unaddressed(*e) {
				continue
			}
			at, a := place{e.VPC, e.Subnet}, given[e.ID]
			if _, known := free[at]; !known && len(free) < mostPlaces {
				free[at] = freeFor(e, cidrs, before, after)
			}
			if r := free[at]; !a.IsValid() && len(r) > 0 && r[0].From().Is4() {
				a = r[0].From()
				if r[0] = netipx.IPRangeFrom(a.Next(), r[0].To()); !r[0].IsValid() {
					free[at] = r[1:]
				}
				given[e.ID] = a
				stand = append(stand, fmt.Sprintf("%s for %s", a, names.ENI(e.ID)))
			}
			if e.Addrs = valid(a); len(e.Addrs) == 0 {
				without, left = append(without, e.ID), append(left, names.ENI(e.ID))
			}
		}
	}
	if stand != nil {
		notes = append(notes, "not known yet: addresses for which others stand here that no rule singles out, "+strings.Join(prose.First(stand, 4, ""), ", "))
	}
	if left != nil {
		notes = append(notes, "not known yet: the address of "+strings.Join(prose.First(left, 4, ""), ", ")+
			", on which verdicts depend: rules that name their groups are not compared; -eni can give one")
	}
	return without, notes
}
