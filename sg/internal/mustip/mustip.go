// Package mustip parses addresses that tests of this module write themselves. It panics at
// a slip.
package mustip

import "net/netip"

// Addrs returns addresses in the order given.
func Addrs(texts ...string) (as []netip.Addr) {
	for _, s := range texts {
		as = append(as, netip.MustParseAddr(s))
	}
	return as
}

// Prefixes returns prefixes in the order given, with any host bits.
func Prefixes(texts ...string) (ps []netip.Prefix) {
	for _, s := range texts {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}
