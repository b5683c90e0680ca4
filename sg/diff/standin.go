package diff

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/assign"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// Pending are interfaces whose addresses AWS has yet to choose. All lists are ascending.
type Pending struct {
	// StandIns are made-up addresses, with the interfaces that have them.
	StandIns []StandIn

	// About these a comparison says too little, for one of three causes. Without got no
	// address: rules single out all that AWS may choose, so rules that name their groups are
	// not compared. Of Unplaced the subnet is not in the input, and rules tell apart the
	// addresses that it may have. Readdressed are replaced: rules single out their old
	// address, and AWS chooses another.
	Without, Unplaced, Readdressed []sg.ENIID
}

// A StandIn is a made-up address of an interface.
type StandIn struct {
	Addr netip.Addr
	ENI  sg.ENIID
}

// Undecided returns the interfaces of Without, Unplaced and Readdressed, ascending.
func (p *Pending) Undecided() []sg.ENIID {
	if p == nil {
		return nil
	}
	all := slices.Concat(p.Without, p.Unplaced, p.Readdressed)
	slices.Sort(all)
	return slices.Compact(all)
}

// mostPlaces bounds the subnets in which StandIns looks for addresses, each time among all.
const mostPlaces = 1000

// StandIns gives interfaces that have no address in one of two topologies to compare one
// that AWS may assign and that no rule singles out from their subnet, the same in both
// topologies. It returns what it did, for [Diff.Pending], and nil if every interface has
// an address of its own. Compile the topologies after it.
//
// If kept is not nil, it returns the addresses that an interface of after has although AWS
// will choose new ones, as [github.com/sgsim/sgsim/sg/load.Loader.Kept] does.
func StandIns(before, after *sg.Topology, kept func(sg.ENIID) []netip.Addr) *Pending {
	type place struct {
		sg.VPCID
		sg.SubnetID
	}
	type standIn struct {
		sg.VPCID
		netip.Addr
	}
	var p Pending
	free, given := map[place][]netipx.IPRange{}, map[sg.ENIID]netip.Addr{}
	stands := map[standIn]bool{} // places may overlap, such as a subnet and its VPC
	told := map[sg.SubnetID]bool{}
	for _, t := range [...]*sg.Topology{before, after} {
		for _, v := range t.VPCs {
			for _, s := range v.Subnets {
				told[s.ID] = told[s.ID] || len(s.CIDRs) > 0
			}
		}
	}
	apart := map[place]bool{} // whether rules tell addresses apart, for unknown subnets
	cidrs, rules := assign.CIDRs(before, after), assign.RuleCIDRs(before, after)
	for _, t := range [...]*sg.Topology{after, before} {
		for i := range t.ENIs {
			e := &t.ENIs[i]
			if !assign.Pending(*e) {
				if kept != nil && t == after && singledOut(kept(e.ID), rules, e, before, after) {
					p.Readdressed = append(p.Readdressed, e.ID)
				}
				continue
			}
			at, a := place{e.VPC, e.Subnet}, given[e.ID]
			if !told[e.Subnet] { // somewhere in the VPC
				at.SubnetID = ""
			}
			if _, known := free[at]; !known && len(free) < mostPlaces {
				free[at] = assign.Free(e, cidrs, before, after)
				blocks, subnet := assign.Blocks(e, before, after)
				apart[at] = !subnet && toldApart(blocks, rules)
			}
			for r := free[at]; !a.IsValid() && len(r) > 0 && r[0].From().Is4(); r = free[at] {
				next := standIn{e.VPC, r[0].From()}
				if r[0] = netipx.IPRangeFrom(next.Next(), r[0].To()); !r[0].IsValid() {
					free[at] = r[1:]
				}
				if stands[next] {
					continue
				}
				a, stands[next], given[e.ID] = next.Addr, true, next.Addr
				p.StandIns = append(p.StandIns, StandIn{a, e.ID})
			}
			switch {
			case !a.IsValid():
				p.Without = append(p.Without, e.ID)
				continue
			case apart[at]:
				p.Unplaced = append(p.Unplaced, e.ID)
			}
			e.Addrs = []netip.Addr{a}
		}
	}
	for _, ids := range [...]*[]sg.ENIID{&p.Without, &p.Unplaced, &p.Readdressed} {
		slices.Sort(*ids)
		*ids = slices.Compact(*ids)
	}
	slices.SortFunc(p.StandIns, func(a, b StandIn) int { return cmp.Or(a.Addr.Compare(b.Addr), cmp.Compare(a.ENI, b.ENI)) })
	if len(p.StandIns) == 0 && len(p.Undecided()) == 0 {
		return nil
	}
	return &p
}

// toldApart reports whether a CIDR of rules holds some IPv4 addresses of blocks but not
// all.
func toldApart(blocks, rules []netip.Prefix) bool {
	for _, r := range rules {
		some, all := false, true
		for _, b := range blocks {
			if b.Addr().Is4() {
				some, all = some || r.Overlaps(b), all && r.Bits() <= b.Bits() && r.Overlaps(b)
			}
		}
		if some && !all {
			return true
		}
	}
	return false
}

// singledOut reports whether a rule is about one of some addresses of an interface but not
// about its whole subnet, which is as large as AWS makes any if the input lacks it (VPC
// guide, "Subnet CIDR blocks", read 2026-11).
func singledOut(addrs []netip.Addr, rules []netip.Prefix, e *sg.ENI, topos ...*sg.Topology) bool {
	blocks, _ := assign.Blocks(e, topos...)
	for _, a := range addrs {
		bits := 44
		if a.Is4() {
			bits = 16
		}
		for _, b := range blocks {
			if b.Contains(a) {
				bits = max(bits, b.Bits())
			}
		}
		if slices.ContainsFunc(rules, func(r netip.Prefix) bool { return r.Contains(a) && r.Bits() > bits }) {
			return true
		}
	}
	return false
}

// notes are sentences about addresses that AWS has yet to choose.
func (p *Pending) notes(names prose.Names) (all []string) {
	if p == nil {
		return nil
	}
	if len(p.StandIns) > 0 {
		stand := each(p.StandIns, func(s StandIn) string { return fmt.Sprintf("%s for %s", s.Addr, names.ENI(s.ENI)) })
		all = append(all, "made-up addresses stand in for those that AWS has yet to choose: "+few(stand, 4, ""))
	}
	enis := func(ids []sg.ENIID) string { return few(each(ids, names.ENI), 4, "interfaces") }
	if len(p.Without) > 0 {
		all = append(all, "AWS has yet to choose the address of "+enis(p.Without)+", and rules single out all that it may choose: rules that name their groups are not compared; -eni can give an address")
	}
	if len(p.Unplaced) > 0 {
		all = append(all, "no input has the subnet of "+enis(p.Unplaced)+", and rules tell apart the addresses that AWS may choose there: what these rules let pass is not decided; add describe-subnets")
	}
	if len(p.Readdressed) > 0 {
		all = append(all, "replacing "+enis(p.Readdressed)+" changes an address that rules single out, and AWS has yet to choose the new one: what these rules let pass is not decided")
	}
	return all
}

// pending is that of its Diff.
func (c *Change) pending() *Pending {
	if c.d == nil {
		return nil
	}
	return c.d.Pending
}

// at returns the names of interfaces that a made-up address stands for, "" if it is none.
func (p *Pending) at(a netip.Addr, names prose.Names) string {
	if p == nil {
		return ""
	}
	var all []string
	i, _ := slices.BinarySearchFunc(p.StandIns, a, func(s StandIn, a netip.Addr) int { return s.Addr.Compare(a) })
	for ; i < len(p.StandIns) && p.StandIns[i].Addr == a; i++ {
		all = append(all, names.ENIName(p.StandIns[i].ENI))
	}
	return strings.Join(all, ", ")
}

// mostNamed is the most made-up addresses of a prefix that are named.
const mostNamed = 4

// named writes a prefix, or what interfaces its addresses stand for if all are made up.
func (p *Pending) named(prefix netip.Prefix, names prose.Names) string {
	var all []string
	for a := prefix.Addr(); prefix.Contains(a); a = a.Next() {
		name := p.at(a, names)
		if name == "" || len(all) == mostNamed {
			return prefix.String()
		}
		all = append(all, name)
	}
	return strings.Join(all, ", ") + " (address not known yet)"
}

// standing says which addresses of a packet are made up, "" if none is.
func (p *Pending) standing(h *packet.Header, names prose.Names) string {
	var stand []string
	for _, a := range [...]netip.Addr{h.SrcAddr(), h.DstAddr()} {
		if name := p.at(a, names); name != "" {
			stand = append(stand, fmt.Sprintf("%s stands for %s", a, name))
		}
	}
	if stand == nil {
		return ""
	}
	return " (" + strings.Join(stand, ", ") + ")"
}
