package conntrack

import (
	"github.com/sgsim/sgsim/packet"
)

// Retime is [Table.SetTimeouts] for several zones that reaches back: connections
// that are open die when they would have died had these timeouts stood at their
// last packet, which for some is at once. It takes the zones' timeouts of now for
// those of that packet, and looks at every connection. Without zones it does nothing.
//
// It is for what-ifs on a [Table.Clone]. In the Linux profile, whose timeouts
// depend on more than a connection's state, open connections keep theirs.
func (t *Table) Retime(to Timeouts, zones ...Zone) error {
	if err := to.check(t.profile); err != nil {
		return err
	}
	in := zoneSet(zones)
	if in == nil {
		return nil
	}
	if t.profile == AWS {
		next := to.resolve(t.timeouts.base).table()
		for _, s := range [...]*store{&t.v4, &t.v6} {
			for rec, u := range s.all() {
				if int64(u[wordExpiry]) > t.now && in.has(s, rec) { // the dead stay dead
					had := t.timeouts.of(s.zone(rec))
					capped := isCapped(u[wordMeta])
					shift := idleTimeout(u[wordMeta], &next, capped) - idleTimeout(u[wordMeta], had, capped)
					s.setExpiry(rec, u, int64(u[wordExpiry])+shift)
				}
			}
		}
	}
	for _, z := range zones {
		t.timeouts.set(z, to)
	}
	return nil
}

// isCapped reports whether the last packet of a connection gave it no more than a
// picked-up connection gets.
func isCapped(meta uint64) bool {
	return protocolOf(meta) == packet.TCP && stateOf(meta) == Established && meta&(metaReplied|metaCapped) != metaReplied
}

// idleTimeout is what the last packet of a connection gave it to live, in the AWS
// profile.
func idleTimeout(meta uint64, to *timeouts, capped bool) int64 {
	switch {
	case protocolOf(meta) != packet.TCP:
		return otherTimeout(AWS, protocolOf(meta), stateOf(meta), to)
	case capped:
		return min(to[Established], linuxUnacked)
	}
	return to[stateOf(meta)]
}
