package sg

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
)

// vpcs returns the exempt addresses by VPC.
func (c *compiler) vpcs() map[VPCID]*exemptAddrs {
	exempt := make(map[VPCID]*exemptAddrs, len(c.t.VPCs))
	subnets := map[SubnetID]bool{}
	for i := range c.t.VPCs {
		v := &c.t.VPCs[i]
		fail := func(s SubnetID, n int, err error) {
			c.failItem(Error{Part: inVPCs, Index: i, ID: string(v.ID), Item: n, Subnet: s, Err: err})
		}
		fail("", -1, claim(exempt, v.ID, newExemptAddrs(v)))
		for _, p := range v.CIDRs {
			fail("", -1, checkCIDR(p))
		}
		for n := range v.Subnets {
			s := &v.Subnets[n]
			fail(s.ID, n, claim(subnets, s.ID, true))
			for _, p := range s.CIDRs {
				fail(s.ID, n, checkCIDR(p))
			}
		}
	}
	return exempt
}

func (c *compiler) enis(exempt map[VPCID]*exemptAddrs) {
	w := c.w
	w.enis = make([]eni, len(c.t.ENIs))
	infos := make([]eniInfo, len(c.t.ENIs))
	var groups []uint32
	for i := range c.t.ENIs {
		in := &c.t.ENIs[i]
		fail := func(err error) { c.fail(inENIs, i, string(in.ID), err) }
		fail(claim(w.eniByID, in.ID, uint32(i)))
		e := &w.enis[i]
		e.eniInfo = &infos[i]
		e.id, e.timeouts, e.instance = in.ID, in.Timeouts, in.Instance
		e.inVPC, e.account = in.VPC, in.Account
		e.keepsClients = slices.Contains(keepsClients, in.Type)
		e.groupless = in.MayLackGroups()
		e.checked = !in.NoSourceDestCheck && len(in.Addrs) > 0
		e.vpc, e.exempt = w.reach.VPC(string(in.VPC)), exempt[in.VPC]
		e.tracked = slices.Contains(trackedTypes, in.Type)
		e.unfiltered = e.groupless && len(in.Groups) == 0
		if in.NitroV6 && e.timeouts.TCPEstablished == 0 {
			e.timeouts.TCPEstablished = conntrack.NitroV6TCPEstablished
		}
		if in.Timeouts != (conntrack.Timeouts{}) {
			fail(checkTimeouts(in.Timeouts))
		}
		c.addrs(uint32(i), in, fail)

		groups, e.missing = w.numbersOf(in.Groups, groups[:0])
		if c.strangers(e.missing, e.vpc) {
			groups, _ = w.numbersOf(in.Groups, groups[:0]) // with the numbers that these now have
		}
		e.incomplete = len(e.missing) > 0
		e.setGroups(c.set(groups))
	}
	for _, n := range w.strangers {
		if c.used[[2]uint32{n, 0}] { // by an ENI whose VPC is not known
			w.groups[n].vpcs = nil
		}
	}
	w.members.Seal()
	if w.members.Shared() {
		c.overlaps()
	}
}

// set returns the groupSet of a list of groups: the same one for equal lists, unless
// another list has the same hash. It does not keep the list.
func (c *compiler) set(groups []uint32) *groupSet {
	c.key = c.key[:0]
	for _, g := range groups {
		c.key = binary.LittleEndian.AppendUint32(c.key, g)
	}
	hash := maphash.Bytes(c.seed, c.key)
	if s := c.sets[hash]; s != nil && slices.Equal(s.numbers, groups) {
		return s
	}
	// Most ENIs of a large topology have a list of their own, so memory is taken for many.
	if len(c.freeSets) == 0 {
		c.freeSets = make([]groupSet, min(max(1, c.w.sets), 512))
	}
	if len(c.freeNumbers) < len(groups) {
		c.freeNumbers = make([]uint32, max(len(groups), min(c.w.sets, 4096)))
	}
	s := &c.freeSets[0]
	c.freeSets = c.freeSets[1:]
	n := copy(c.freeNumbers, groups)
	s.numbers, c.freeNumbers = c.freeNumbers[:n:n], c.freeNumbers[n:]
	c.w.sets++
	s.index = c.w.sets
	c.sets[hash] = s
	return s
}

// overlaps refuses an ENI whose address or prefix overlaps that of another ENI in
// the same VPC: nobody could tell whose packets are meant. ENIs without a VPC are
// taken to be in one VPC. An ENI gets one such error.
func (c *compiler) overlaps() {
	type owned struct {
		netip.Prefix
		eni int
	}
	var all []owned
	for i := range c.t.ENIs {
		for _, a := range c.t.ENIs[i].Addrs {
			if checkAddr(a) == nil {
				all = append(all, owned{netip.PrefixFrom(a, a.BitLen()), i})
			}
		}
		for _, p := range c.t.ENIs[i].Prefixes {
			if checkCIDR(p) == nil {
				all = append(all, owned{p.Masked(), i})
			}
		}
	}
	vpc := func(o owned) uint32 { return c.w.enis[o.eni].vpc }
	slices.SortFunc(all, func(a, b owned) int {
		return cmp.Or(cmp.Compare(vpc(a), vpc(b)), a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()), cmp.Compare(a.eni, b.eni))
	})
	refused := map[int]bool{}
	var around []owned // each within the one before
	for _, o := range all {
		for len(around) > 0 && (vpc(around[len(around)-1]) != vpc(o) || !around[len(around)-1].Contains(o.Addr())) {
			around = around[:len(around)-1]
		}
		if len(around) > 0 {
			other := around[len(around)-1]
			if other.eni != o.eni && !refused[o.eni] {
				refused[o.eni] = true
				what, is := o.String(), "in a prefix"
				switch same := o.Bits() == other.Bits(); {
				case o.IsSingleIP() && same:
					what, is = o.Addr().String(), "also an address"
				case o.IsSingleIP():
					what = o.Addr().String()
				case same:
					is = "also a prefix"
				}
				c.fail(inENIs, o.eni, string(c.t.ENIs[o.eni].ID), fmt.Errorf("%s is %s of %s: %w", what, is, c.t.ENIs[other.eni].ID, errAddrInUse))
			}
		}
		around = append(around, o)
	}
}

// addrs enters the addresses of an ENI.
func (c *compiler) addrs(n uint32, in *ENI, fail func(error)) {
	w := c.w
	for _, a := range in.Addrs {
		if err := checkAddr(a); err != nil {
			fail(err)
		} else {
			w.members.Add(a, n)
			w.enis[n].keepFirst(a)
		}
	}
	for _, p := range in.Prefixes {
		if err := checkCIDR(p); err != nil {
			fail(err)
		} else {
			w.members.AddPrefix(p, n)
		}
	}
	for _, a := range in.Public {
		if err := checkAddr(a); err != nil {
			fail(err)
		} else {
			w.public[a] = in.ID
		}
	}
}

// keepFirst keeps an address as the first of its family, if there is none yet.
func (l *location) keepFirst(a netip.Addr) {
	switch b := a.As16(); {
	case a.Is6() && l.addr6 == [16]byte{}:
		l.addr6 = b
	case a.Is4() && l.addr4 == 0:
		l.addr4 = binary.BigEndian.Uint32(b[12:])
	}
}
