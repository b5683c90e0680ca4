package sg

import (
	"fmt"
	"net/netip"

	"github.com/sgsim/sgsim/conntrack"
)

// check returns everything that is wrong with a rule on its own.
func (r *Rule) check() (errs []error) {
	for _, err := range [...]error{r.checkMatch(), r.Peer.check()} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

func (r *Rule) checkMatch() error {
	switch {
	case r.Protocol == 0:
		return errNoProtocol
	case r.Protocol < AllProtocols || r.Protocol > hopOpt:
		return fmt.Errorf("protocol %d: %w", r.Protocol, errProtocol)
	case r.Protocol == TCP || r.Protocol == UDP:
		return r.Ports.check()
	case r.Protocol == ICMP && !r.ICMP.set:
		return errNoICMP
	case r.Protocol == ICMP || r.Protocol == ICMPv6 && r.ICMP.set:
		return r.ICMP.check()
	}
	return nil // SG-22: others ignore ports
}

func (r PortRange) check() error {
	if !r.set {
		return errNoPorts
	}
	if r.first < 0 || r.last > 65535 || r.first > r.last {
		return fmt.Errorf("port range %d-%d: %w", r.first, r.last, errPorts)
	}
	return nil
}

func (m ICMPMatch) check() error {
	switch {
	case m.typ < -1 || m.typ > 255 || m.code < -1 || m.code > 255:
		return fmt.Errorf("icmp %d/%d: %w", m.typ, m.code, errICMP)
	case m.typ == -1 && m.code != -1:
		return fmt.Errorf("icmp %d/%d: %w", m.typ, m.code, errICMPCode)
	}
	return nil
}

func (p *Peer) check() error {
	n := 0
	for _, is := range [...]bool{p.CIDR != netip.Prefix{}, p.PrefixList != "", p.Group != "", p.Self} {
		if is {
			n++
		}
	}
	switch {
	case n == 0:
		return errNoPeer
	case n > 1:
		return fmt.Errorf("%q: %w", p.String(), errPeer)
	case p.Group == "" && (p.Account != "" || p.Peering != ""):
		return fmt.Errorf("%q: %w", p.String(), errPeerOf)
	case p.CIDR != netip.Prefix{}:
		return checkCIDR(p.CIDR)
	}
	return nil
}

func checkCIDR(c netip.Prefix) error {
	switch {
	case !c.IsValid():
		return fmt.Errorf("%q: %w", c, errCIDR)
	case c.Masked().Addr().Is4In6():
		return fmt.Errorf("%s: %w", c, errMapped)
	}
	return nil
}

// checkAddr refuses addresses that no interface can have.
func checkAddr(a netip.Addr) error {
	if !a.IsValid() || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
		return fmt.Errorf("address %q: %w", a, errAddr)
	}
	if a.Is4In6() {
		return fmt.Errorf("address %s: %w", a, errMapped)
	}
	return nil
}

func checkTimeouts(to conntrack.Timeouts) error {
	_, err := conntrack.NewTable(conntrack.Config{Timeouts: to})
	if err != nil {
		return fmt.Errorf("%w: %w", errTimeout, err)
	}
	return nil
}
