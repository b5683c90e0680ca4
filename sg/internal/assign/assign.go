// Package assign knows which addresses AWS may assign to interfaces that have none yet.
package assign

import (
	"net/netip"
	"slices"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/sg"
)

// Pending reports whether AWS has yet to assign an interface's address. One for EFA
// alone never has any (EC2 guide, "Elastic Fabric Adapter", read 2026-11).
func Pending(e sg.ENI) bool { return len(e.Addrs)+len(e.Prefixes) == 0 && e.Type != "efa-only" }

// CIDRs returns the blocks that rules, prefix lists, network ACLs and subnets tell apart from
// other addresses, in no order.
func CIDRs(topos ...*sg.Topology) []netip.Prefix {
	all := RuleCIDRs(topos...)
	for _, t := range topos {
		for _, v := range t.VPCs {
			for _, s := range v.Subnets {
				for _, p := range s.CIDRs {
					if p.IsValid() {
						all = append(all, p.Masked())
					}
				}
			}
		}
	}
	return all
}

// RuleCIDRs is CIDRs without subnets.
func RuleCIDRs(topos ...*sg.Topology) (all []netip.Prefix) {
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
	}
	return all
}

// Blocks returns the CIDRs of an interface's subnet, else of its VPC, else all private
// networks (RFC 1918, RFC 6598). It reports whether they are those of the subnet.
func Blocks(e *sg.ENI, topos ...*sg.Topology) (blocks []netip.Prefix, subnet bool) {
	var vpc []netip.Prefix
	for _, t := range topos {
		for _, v := range t.VPCs {
			if v.ID == e.VPC {
				vpc = append(vpc, v.CIDRs...)
			}
			for _, s := range v.Subnets {
				if s.ID == e.Subnet {
					blocks = append(blocks, s.CIDRs...)
				}
			}
		}
	}
	switch {
	case len(blocks) > 0:
		return blocks, true
	case len(vpc) > 0:
		return vpc, false
	}
	return private, false
}

// Free returns where AWS may assign an address to an interface, ascending: in its [Blocks].
// What AWS reserves is not free, nor what interfaces there have, nor what except holds,
// unless that is the whole block.
func Free(e *sg.ENI, except []netip.Prefix, topos ...*sg.Topology) []netipx.IPRange {
	blocks, _ := Blocks(e, topos...)
	near := func(p netip.Prefix) bool { // few are, and a set of all would take much longer
		return slices.ContainsFunc(blocks, p.Overlaps)
	}
	var taken netipx.IPSetBuilder
	reserve := func(p netip.Prefix) { // the first four and the last (VPC guide, "Subnet CIDR blocks", read 2026-11)
		a := p.Masked().Addr()
		taken.AddRange(netipx.IPRangeFrom(a, a.Next().Next().Next()))
		taken.Add(netipx.PrefixLastIP(p))
	}
	for _, t := range topos {
		for _, v := range t.VPCs {
			for _, s := range v.Subnets {
				for _, p := range s.CIDRs {
					if near(p) {
						reserve(p)
					}
				}
			}
		}
		for i := range t.ENIs {
			if o := &t.ENIs[i]; o.VPC == e.VPC || e.VPC == "" {
				for _, a := range o.Addrs {
					if near(netip.PrefixFrom(a, a.BitLen())) {
						taken.Add(a)
					}
				}
				for _, p := range o.Prefixes {
					if near(p) {
						taken.AddPrefix(p)
					}
				}
			}
		}
	}
	var free netipx.IPSetBuilder
	for _, p := range blocks {
		free.AddPrefix(p)
		reserve(p)
		for _, b := range except {
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
