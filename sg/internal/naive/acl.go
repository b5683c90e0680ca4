package naive

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A crossing is a border of a subnet on a packet's way.
type crossing struct {
	subnet sg.SubnetID
	dir    sg.Direction
}

// A remembered first fragment, as a network ACL saw it.
type remembered struct {
	crossing
	src, dst netip.Addr
	protocol packet.Protocol
	id       uint32
	allowed  bool
	until    time.Time
}

// cross asks the network ACLs between the ends of a packet, until one denies it.
func (f *Firewall) cross(src, dst *sg.ENI, via sg.Via, h *packet.Header, now time.Time) (ds []Decision) {
	first, dir := src, sg.Egress
	if src == nil {
		first, dir = dst, sg.Ingress
	}
	if !f.opts.FilterExempt && exempt(f.topo, first, dir, h) {
		return nil // NACL-61
	}
	for _, c := range f.crossings(src, dst, via, h) {
		acl := f.aclOf(c.subnet)
		if acl == nil || h.LaterFragment() && f.opts.ACLFragments == sg.ACLFragmentsPass {
			continue
		}
		d := f.ask(acl, c, h, now)
		ds = append(ds, d)
		if d.Verdict == sg.Drop {
			break
		}
	}
	return ds
}

// crossings are the borders that a packet crosses (NACL-51 to NACL-53).
func (f *Firewall) crossings(src, dst *sg.ENI, via sg.Via, h *packet.Header) []crossing {
	from, to := f.subnetAt(src, dst, h.SrcAddr()), f.subnetAt(dst, src, h.DstAddr())
	vpcAt := func(e *sg.ENI, s sg.SubnetID) sg.VPCID {
		if e != nil && e.VPC != "" {
			return e.VPC
		}
		return f.vpcOf(s)
	}
	if t := f.eni(via.Through); t != nil && t.Type == "transit_gateway" {
		ts := f.subnetOf(t)
		vpc := vpcAt(t, ts)
		starts, ends := vpcAt(src, from) == vpc, vpcAt(dst, to) == vpc
		if vpc != "" && starts && !ends {
			return []crossing{{from, sg.Egress}, {ts, sg.Ingress}, {to, sg.Ingress}}
		}
		if vpc != "" && ends && !starts {
			if ts == to {
				return []crossing{{from, sg.Egress}}
			}
			return []crossing{{from, sg.Egress}, {ts, sg.Egress}, {to, sg.Ingress}}
		}
	}
	if from == to {
		return nil
	}
	return []crossing{{from, sg.Egress}, {to, sg.Ingress}}
}

// subnetAt returns the subnet at an end of a packet, "" where none is known.
func (f *Firewall) subnetAt(e, other *sg.ENI, a netip.Addr) sg.SubnetID {
	if e != nil {
		return f.subnetOf(e)
	}
	vpc := other.VPC
	if vpc == "" {
		vpc = f.vpcOf(f.subnetOf(other))
	}
	all := f.subnetsWith(a, func(sg.VPCID) bool { return true })
	own := f.subnetsWith(a, func(v sg.VPCID) bool { return v == vpc })
	peered := f.subnetsWith(a, func(v sg.VPCID) bool { return f.peered(vpc, v, none) })
	for _, some := range [][]sg.SubnetID{own, all, peered} {
		if len(some) == 1 {
			return some[0]
		}
	}
	return ""
}

// subnetOf returns the subnet of an interface: the one it names, else the one that has
// its first address.
func (f *Firewall) subnetOf(e *sg.ENI) sg.SubnetID {
	if e.Subnet != "" || len(e.Addrs) == 0 {
		return e.Subnet
	}
	some := f.subnetsWith(e.Addrs[0], func(v sg.VPCID) bool { return e.VPC == "" || e.VPC == v })
	if len(some) == 1 {
		return some[0]
	}
	return ""
}

func (f *Firewall) subnetsWith(a netip.Addr, of func(sg.VPCID) bool) (ids []sg.SubnetID) {
	for _, v := range f.topo.VPCs {
		for _, s := range v.Subnets {
			if of(v.ID) && slices.ContainsFunc(s.CIDRs, func(c netip.Prefix) bool { return c.Contains(a) }) {
				ids = append(ids, s.ID)
			}
		}
	}
	return ids
}

// vpcOf returns the VPC of a subnet, as whoever names the subnet says.
func (f *Firewall) vpcOf(id sg.SubnetID) sg.VPCID {
	for _, v := range f.topo.VPCs {
		for _, s := range v.Subnets {
			if s.ID == id {
				return v.ID
			}
		}
	}
	for _, e := range f.topo.ENIs {
		if e.Subnet == id && id != "" && e.VPC != "" {
			return e.VPC
		}
	}
	for _, a := range f.topo.NetworkACLs {
		if slices.Contains(a.Subnets, id) {
			return a.VPC
		}
	}
	return ""
}

// aclOf returns the ACL of a subnet (NACL-37), nil where it is not known.
func (f *Firewall) aclOf(id sg.SubnetID) *sg.NetworkACL {
	if id == "" {
		return nil
	}
	for i := range f.topo.NetworkACLs {
		if slices.Contains(f.topo.NetworkACLs[i].Subnets, id) {
			return &f.topo.NetworkACLs[i]
		}
	}
	for i := range f.topo.NetworkACLs {
		if a := &f.topo.NetworkACLs[i]; a.IsDefault && a.VPC == f.vpcOf(id) {
			return a
		}
	}
	return nil
}

// ask decides about a packet at a border: the entry with the lowest number that matches
// (NACL-03).
func (f *Firewall) ask(a *sg.NetworkACL, c crossing, h *packet.Header, now time.Time) Decision {
	entries, remote := slices.Clone(a.Ingress), h.SrcAddr()
	if c.dir == sg.Egress {
		entries, remote = slices.Clone(a.Egress), h.DstAddr()
	}
	slices.SortFunc(entries, func(x, y sg.ACLEntry) int { return x.Number - y.Number })
	name, allowed, otherwise := "*", false, map[bool]bool{}
	for _, e := range entries {
		if !e.CIDR.Contains(remote) {
			continue
		}
		r := sg.Rule{Protocol: e.Protocol, Ports: e.Ports, ICMP: e.ICMP}
		if e.Protocol == sg.ICMPv6 && e.CIDR.Addr().Is4() {
			r.ICMP = sg.ICMPTypeCode(-1, -1) // NACL-44
		}
		if covers(&r, h) {
			name, allowed = fmt.Sprint(e.Number), e.Allow
			break
		}
		if !h.Fragment() && h.Missing&(packet.MissingPorts|packet.MissingICMP) != 0 {
			told := *h
			told.Missing = 0
			if r.Ports.IsSet() {
				told.DstPort = uint16(r.Ports.First())
			}
			if r.ICMP.IsSet() {
				told.ICMPType, told.ICMPCode = uint8(max(r.ICMP.Type(), 0)), uint8(max(r.ICMP.Code(), 0))
			}
			if covers(&r, &told) {
				otherwise[e.Allow] = true
			}
		}
	}
	at := Rule{Entry: fmt.Sprintf("%s %s %s", a.ID, c.dir, name)}
	if otherwise[!allowed] {
		return Decision{sg.Unknown, sg.Cut, at}
	}
	if f.opts.ACLFragments == sg.ACLFragmentsFirst && h.Fragment() {
		m := remembered{c, h.SrcAddr(), h.DstAddr(), h.Protocol, h.FragID, allowed, now.Add(30 * time.Second)}
		if h.Family == packet.IPv6 {
			m.until, m.protocol = now.Add(60*time.Second), 0
		}
		same := func(o remembered) bool {
			o.allowed, o.until = m.allowed, m.until
			return o == m
		}
		i := slices.IndexFunc(f.fragments, same)
		switch {
		case !h.LaterFragment():
			f.fragments = append(slices.DeleteFunc(f.fragments, same), m)
		case i >= 0 && now.Before(f.fragments[i].until):
			allowed = f.fragments[i].allowed
			at.Entry = fmt.Sprintf("%s %s fragments", a.ID, c.dir)
		}
	}
	if allowed {
		return Decision{sg.Accept, sg.ACLAllow, at}
	}
	return Decision{sg.Drop, sg.ACLDeny, at}
}
