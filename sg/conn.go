package sg

import (
	"iter"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// A Conn is a tracked connection at one ENI, as it stands. It is a copy.
type Conn struct {
	Enforcer *Enforcer
	Rule     RuleRef          // that admitted its first packet; it may have been revoked or moved in its group since
	Tuple    packet.FiveTuple // of the original direction
	State    conntrack.State
	Expires  time.Time // dead from then on if nothing more comes; in UTC
}

// Conns yields the connections that are live at now, ENI by ENI. ENIs come in the
// order in which the firewall first had them, which is topology order until Swap; the
// connections of one ENI come in the order of [conntrack.Table.All]. The loop may use
// the firewall.
func (f *Firewall) Conns(now time.Time) iter.Seq[Conn] {
	return func(yield func(Conn) bool) {
		for c := range f.table.All(now) {
			if !yield(f.conn(c)) {
				return
			}
		}
	}
}

func (f *Firewall) conn(c conntrack.Entry) Conn {
	return Conn{f.byZone[c.Zone], f.tags.rule(c.Tag), c.Tuple, c.State, c.Expires}
}

// Stats returns counts of connections since the firewall was made. Dead ones are
// entries until they are freed; see [Firewall.Expire].
func (f *Firewall) Stats() conntrack.Stats { return f.table.Stats() }

// Expire frees the memory of at most budget dead connections and returns how
// many. It changes no decision; call it in a long-lived firewall.
func (f *Firewall) Expire(now time.Time, budget int) int { return f.table.Expire(now, budget) }
