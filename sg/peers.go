package sg

import (
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/cidrtrie"
)

// Everything that rules name as their peer has a number: a group its place in the
// topology, a prefix list the same from firstList on, and a CIDR the next free one
// from firstCIDR on.
const (
	firstList uint32 = 1 << 30
	firstCIDR uint32 = 1 << 31

	everyIPv4 = firstCIDR // 0.0.0.0/0, which is not in the trie, since it has every address
	everyIPv6 = firstCIDR + 1
)

// everyAddr returns the number of the CIDR of all addresses.
func everyAddr(f packet.Family) uint32 {
	if f == packet.IPv6 {
		return everyIPv6
	}
	return everyIPv4
}

// peers finds the CIDRs and prefix lists that hold an address, by their numbers.
type peers struct {
	cidrtrie.Trie
	uses []uint32 // rules that name a CIDR, by its number from firstCIDR on
	free []uint32 // numbers of CIDRs that no rule names any more
}

// number returns the number of a CIDR, if it has one.
func (p *peers) number(c netip.Prefix) (n uint32, ok bool) {
	switch c {
	case anyIPv4:
		return everyIPv4, true
	case anyIPv6:
		return everyIPv6, true
	}
	for _, n := range p.At(c) {
		if n >= firstCIDR {
			return n, true
		}
	}
	return 0, false
}

// use counts a rule that names a CIDR, and returns the CIDR's number.
func (p *peers) use(c netip.Prefix) uint32 {
	n, ok := p.number(c)
	if !ok {
		n = p.take()
		p.Trie = p.With(c, n)
	}
	p.uses[n-firstCIDR]++
	return n
}

// take returns a number for a CIDR that has none.
func (p *peers) take() uint32 {
	if last := len(p.free) - 1; last >= 0 {
		n := p.free[last]
		p.free = p.free[:last]
		return n
	}
	p.uses = append(p.uses, 0)
	return firstCIDR + uint32(len(p.uses)-1)
}

// drop takes back one use of a CIDR, and with the last use its number. No matcher
// knows the number then, so another CIDR may get it.
func (p *peers) drop(c netip.Prefix, n uint32) {
	if p.uses[n-firstCIDR]--; p.uses[n-firstCIDR] == 0 && n > everyIPv6 {
		p.Trie = p.Without(c, n)
		p.free = append(p.free, n)
	}
}
