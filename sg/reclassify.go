package sg

import (
	"slices"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// What a change does to live connections. AWS documents that tracked ones
// survive (CT-20, CT-23); that they end where their flow has become untracked is
// observed (CT-25).

// swapped treats connections after the whole policy was replaced.
func (f *Firewall) swapped(now time.Time) { f.sweep(now, f.doomed(everywhere)) }

// tidy frees the tags of rules that no connection was opened by, where they may
// have become many.
func (f *Firewall) tidy(now time.Time) {
	if f.tags.many() {
		f.sweep(now, func(conntrack.Entry) bool { return false })
	}
}

// sweep removes doomed connections and frees the tags that no other one has.
func (f *Firewall) sweep(now time.Time, doomed func(conntrack.Entry) bool) {
	used := make([]bool, len(f.tags.rules))
	f.table.DeleteFunc(now, func(c conntrack.Entry) bool {
		if doomed(c) {
			return true
		}
		f.tags.mark(used, c.Tag)
		return false
	})
	f.tags.keep(used, f.table.Len())
}

// regrouped treats connections after an ENI got other groups.
func (f *Firewall) regrouped(e *Enforcer, old []uint32, now time.Time) {
	switch {
	case f.opts.OnChange == ChangeRevalidate: // it is a member of other groups now
		f.end(now, everywhere)
	case f.opts.OnChange == ChangeFlush, f.w.opensMore(old, e.eni.groups()):
		f.end(now, everywhere, e.zone)
	}
}

// opensMore reports whether flows may be of the untracked class with the groups
// that an ENI has now and were not with the old ones: a group is new that opens
// something to everybody. Both are ascending.
func (w *world) opensMore(old, now []uint32) bool {
	return slices.ContainsFunc(now, func(g uint32) bool {
		_, had := slices.BinarySearch(old, g)
		return !had && w.groups[g].mayUntrack
	})
}

// rulesChanged treats connections after a group got a rule, or lost one.
func (f *Firewall) rulesChanged(g *group, added *ruleInfo, now time.Time) {
	// By AWS's way only a rule that untracks flows matters.
	if f.opts.OnChange != ChangeAWS || added != nil && added.mayUntrack() {
		f.end(now, func(n *eni) bool { return slices.Contains(n.groups(), g.number) })
	}
	f.tidy(now)
}

// listChanged treats connections after a prefix list got an entry or lost one.
// Flows that a list admits are tracked whatever is in it (CT-17).
func (f *Firewall) listChanged(list uint32, now time.Time) {
	if f.opts.OnChange == ChangeAWS {
		return
	}
	f.end(now, func(n *eni) bool {
		for _, g := range n.groups() {
			for _, rules := range f.w.groups[g].rules {
				for _, r := range rules {
					if r.peer == firstList+list {
						return true
					}
				}
			}
		}
		return false
	})
}

// end removes the connections of the touched ENIs that do not survive.
func (f *Firewall) end(now time.Time, touched func(*eni) bool, zones ...conntrack.Zone) {
	if f.opts.OnChange != ChangeKeep && f.table.Len() > 0 {
		f.table.DeleteFunc(now, f.doomed(touched), zones...)
	}
}

func everywhere(*eni) bool { return true }

// doomed tells the connections that end where the touched ENIs have other rules now.
func (f *Firewall) doomed(touched func(*eni) bool) func(conntrack.Entry) bool {
	return func(c conntrack.Entry) bool {
		e := f.byZone[c.Zone]
		return e.eni == nil || touched(e.eni) && (f.opts.OnChange == ChangeFlush || f.ends(e, &c))
	}
}

// ends reports whether a connection ends for what the rules are now.
func (f *Firewall) ends(e *Enforcer, c *conntrack.Entry) bool {
	rule := f.tags.rule(c.Tag)
	if rule.IsZero() {
		return false // whether it was ever admitted is not known
	}
	switch f.opts.OnChange {
	case ChangeAWS:
		p := c.Tuple.Protocol
		return c.Tag&tagViaTracked == 0 && f.opts.Profile == conntrack.AWS &&
			(p == packet.TCP || p == packet.UDP) &&
			!e.eni.tracked && f.w.matcher(e.eni).untrackedFlow(rule.Direction(), c.Tuple.Family, p, c.Tuple.DstPort)
	case ChangeRevalidate:
		h := header(&c.Tuple)
		m := f.w.match(e.eni, rule.Direction(), &h, Via{})
		return m.rule == nil && m.unknown == NoReason
	}
	return false
}

// header returns the header of a packet with the given tuple.
func header(t *packet.FiveTuple) packet.Header {
	h := packet.Header{Src: t.Src, Dst: t.Dst, Family: t.Family, Protocol: t.Protocol, SrcPort: t.SrcPort, DstPort: t.DstPort}
	if t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6 {
		h.SrcPort, h.DstPort = 0, 0
		h.ICMPType, h.ICMPCode, h.ICMPID = t.ICMP()
	}
	return h
}
