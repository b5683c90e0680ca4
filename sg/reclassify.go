package sg

import (
	"slices"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// What a change does to live connections. AWS documents that tracked ones survive
// (CT-20, CT-23). That they end if their flow becomes untracked was observed
// (CT-25).

// sweep removes connections and frees the tags that no other connection has.
func (f *Firewall) sweep(now time.Time, remove func(conntrack.Entry) bool) {
	used := make([]bool, len(f.tags.rules))
	f.table.DeleteFunc(now, func(c conntrack.Entry) bool {
		if remove(c) {
			return true
		}
		f.tags.mark(used, c.Tag)
		return false
	})
	f.tags.keep(used, f.table.Len())
}

// regrouped updates connections after an ENI's groups changed.
func (f *Firewall) regrouped(e *Enforcer, old []uint32, now time.Time) {
	switch {
	case f.opts.OnChange == ChangeRevalidate: // the ENI is now a member of other groups
		f.end(now, everywhere)
	case f.opts.OnChange == ChangeFlush, f.w.opensMore(old, e.eni.groups()):
		f.end(now, everywhere, e.zone)
	}
}

// opensMore reports whether an ENI's new groups may put flows into the untracked
// class that the old ones did not: whether a new group opens something to
// everybody. Both lists are ascending.
func (w *world) opensMore(old, now []uint32) bool {
	return slices.ContainsFunc(now, func(g uint32) bool {
		_, had := slices.BinarySearch(old, g)
		return !had && w.groups[g].mayUntrack
	})
}

// rulesChanged updates connections after a group gained or lost a rule.
func (f *Firewall) rulesChanged(g *group, added *ruleInfo, now time.Time) {
	// For AWS, only a rule that untracks flows matters.
	if f.opts.OnChange != ChangeAWS || added != nil && added.mayUntrack() {
		f.end(now, func(n *eni) bool { return slices.Contains(n.groups(), g.number) })
	}
	if f.tags.many() { // and each change of a rule makes more
		f.sweep(now, func(conntrack.Entry) bool { return false })
	}
}

// listChanged updates connections after a prefix list gained or lost an entry.
// Flows that a list admits are tracked, whatever its entries (CT-17).
func (f *Firewall) listChanged(list uint32, now time.Time) {
	if f.opts.OnChange == ChangeAWS {
		return
	}
	names := func(r *ruleInfo) bool { return r.peer == firstList+list }
	f.end(now, func(n *eni) bool {
		return slices.ContainsFunc(n.groups(), func(g uint32) bool { return f.w.groups[g].any(names) })
	})
}

// end removes the connections of the touched ENIs that do not survive.
func (f *Firewall) end(now time.Time, touched func(*eni) bool, zones ...conntrack.Zone) {
	if f.opts.OnChange != ChangeKeep && f.table.Len() > 0 {
		f.table.DeleteFunc(now, f.endedBy(touched), zones...)
	}
}

func everywhere(*eni) bool { return true }

// endedBy returns a test for the connections that end because the touched ENIs have
// other rules now.
func (f *Firewall) endedBy(touched func(*eni) bool) func(conntrack.Entry) bool {
	return func(c conntrack.Entry) bool {
		e := f.byZone[c.Zone]
		return e.eni == nil || touched(e.eni) && (f.opts.OnChange == ChangeFlush || f.inadmissible(e, &c))
	}
}

// inadmissible reports whether a connection ends under the present rules.
func (f *Firewall) inadmissible(e *Enforcer, c *conntrack.Entry) bool {
	rule := f.tags.rule(c.Tag)
	if rule.IsZero() {
		return false // it is not known whether it was ever admitted
	}
	h := header(&c.Tuple)
	switch f.opts.OnChange {
	case ChangeAWS:
		return c.Tag&tagViaTracked == 0 && f.opts.Profile == conntrack.AWS &&
			(h.Protocol == packet.TCP || h.Protocol == packet.UDP) &&
			f.w.matcher(e.eni).untrackedFlow(rule.Direction(), h.Family, h.Protocol, h.DstPort) &&
			!f.w.alwaysTracks(e.eni, h.Family, remoteBytes(rule.Direction(), &h))
	case ChangeRevalidate:
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
