// Package mustip parses addresses that are written in the code of tests. It panics if one
// is wrong.
package mustip

import "net/netip"

// Addrs returns addresses in the order given.
func Addrs(texts ...string) (as []netip.Addr) {
	for _, s := range texts {
		as = append(as, netip.MustParseAddr(s))
	}
	return as
}

// Prefixes returns prefixes in the order given. Host bits stay.
func Prefixes(texts ...string) (ps []netip.Prefix) {
	for _, s := range texts {
		ps = append(ps, netip.MustParsePrefix(s))
	}
	return ps
}
