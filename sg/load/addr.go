package load

import (
	"errors"
	"net/netip"
	"strings"
)

type family uint8

const (
	anyFamily family = iota
	ipv4
	ipv6
)

var (
	errNotAddr  = errors.New("not an IP address")
	errNotCIDR  = errors.New("not a CIDR block")
	errNoLength = errors.New("not a CIDR block: it has no prefix length")
	errWant4    = errors.New("not an IPv4 CIDR block")
	errWant6    = errors.New("not an IPv6 CIDR block")
)

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, errNotAddr
	}
	return a.Unmap(), nil
}

func parsePrefix(s string, f family) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil && !strings.Contains(s, "/"):
		return p, errNoLength // SG-44
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, errNotCIDR
	case f == ipv4 && !p.Addr().Is4():
		return p, errWant4
	case f == ipv6 && p.Addr().Is4():
		return p, errWant6
	}
	return p, nil
}
