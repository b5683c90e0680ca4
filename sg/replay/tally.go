package replay

import (
	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// A tally counts what one worker's packets came to.
type tally struct {
	observed bool // every packet is to have its Outcome

	counts [sg.Unknown + 1][reasons]Count
	rules  ruleCounts

	fragments   uint64 // later ones that were admitted for their first, at each ENI
	connections uint64 // opened, by packets that were admitted at every ENI

	inbound Slot // the inbound copies

	ambiguous first // of the packets whose VPC nothing tells

	parts [conntrack.Parts]memory
}

// reasons is more than there are reasons; see the test.
const reasons = 32

// A Count is a number of packets and their bytes on the wire.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

func (c *Count) add(bytes int) {
	c.Packets++
	c.Bytes += uint64(bytes)
}

func (c *Count) addCount(d Count) {
	c.Packets += d.Packets
	c.Bytes += d.Bytes
}

// add counts a packet that was judged. It sets the packet's Outcome where an Observer or
// addHops needs it: the copy takes 2 % of a replay, and 12 % while the garbage collector
// marks.
func (t *tally) add(p *Packet, o *sg.Outcome) {
	t.counts[o.Verdict][o.Reason%reasons].add(p.Frame.Length)
	if len(p.Tunnels) > 0 && p.place.Direction == sg.Ingress {
		*t.inbound.of(o.Verdict)++
	}
	hops := o.Hops()
	carried := len(hops) == 1 && o.Reason == sg.Tracked && !hops[0].Decision.Rule.IsZero()
	if t.observed || !carried {
		p.Outcome = *o
	}
	if carried { // most packets of most captures
		t.rules.of(hops[0].Decision.Rule).Carried++
		return
	}
	t.addHops(p, hops)
}

func (t *tally) addHops(p *Packet, hops []sg.Hop) {
	opened := false
	for i := range hops {
		d := &hops[i].Decision
		if d.Verdict == sg.Accept && !d.Rule.IsZero() || d.Reason == sg.ACLDeny {
			t.rules.add(&hops[i], p)
		} else if d.Reason == sg.Tracked {
			t.fragments++
		}
		opened = opened || d.Reason == sg.ByRule && d.State != conntrack.None
	}
	if opened && p.Outcome.Verdict == sg.Accept {
		t.connections++
	}
	switch p.Outcome.Reason {
	case sg.Ambiguous:
		t.ambiguous.or(first{p.Number, p.Frame.Header})
	case sg.Tracked, sg.Untracked, sg.Exempt:
		return // the many: nothing to remember of them
	}
	if len(hops) > 0 {
		t.parts[conntrack.Part(&p.Frame.Header)].note(p, &hops[len(hops)-1])
	}
}

// A first is the first packet of a kind; its number is 0 where there is none.
type first struct {
	number uint64
	header packet.Header
}

// or makes f the earlier of the two.
func (f *first) or(g first) {
	if f.number == 0 || g.number > 0 && g.number < f.number {
		*f = g
	}
}

// ruleCounts counts what rules admitted.
type ruleCounts struct {
	byRule map[sg.RuleRef]*RuleHits
	last   *RuleHits // the one counted last
}

// of returns the counts of a rule.
func (c *ruleCounts) of(rule sg.RuleRef) *RuleHits {
	if c.last == nil || c.last.Rule != rule {
		if c.last = c.byRule[rule]; c.last == nil {
			c.last = &RuleHits{Rule: rule}
			c.byRule[rule] = c.last
		}
	}
	return c.last
}

func (c *ruleCounts) add(hop *sg.Hop, p *Packet) {
	d, n := &hop.Decision, c.of(hop.Decision.Rule)
	if d.Reason == sg.Tracked || d.Reason == sg.Related {
		n.Carried++
		return
	}
	if n.Admitted++; n.Admitted == 1 {
		n.First, n.Number, n.Time, n.via = p.Frame.Header, p.Number, p.Time, p.via(sg.Via{})
		n.at = hop.Enforcer.ID()
	}
}

// memory is what is remembered of the packets of one part beyond counts. Its size
// is bounded.
type memory struct {
	conns   conns
	talkers talkers
}

// note remembers a packet that the rules were asked about, and the hop that
// decided. Of what nobody can decide it remembers nothing.
func (m *memory) note(p *Packet, hop *sg.Hop) {
	h := &p.Frame.Header
	if p.Outcome.Verdict == sg.Unknown {
		return
	}
	if h.Protocol == packet.TCP && !h.LaterFragment() && h.Missing&packet.MissingTCPFlags == 0 && h.Family != 0 {
		p.Refused = m.conns.add(p)
	}
	if p.Outcome.Verdict == sg.Drop {
		m.talkers.add(p, hop)
	}
}

// maxTalkers bounds the dropped talkers that are remembered of one part: 262,144 in
// all parts, for 120 MB. What comes later is counted together.
const maxTalkers = 1 << 12

type talkerKey struct {
	src, dst [16]byte
	enforcer *sg.Enforcer
	family   packet.Family
	protocol packet.Protocol
	icmp     uint16 // type and code
	dir      sg.Direction
	reason   sg.Reason
	refused  bool
	entry    sg.RuleRef
}

type talkers struct {
	byKey  map[talkerKey]*Talker
	others Count
}

func (t *talkers) add(p *Packet, hop *sg.Hop) {
	h, reason := &p.Frame.Header, hop.Decision.Reason
	if h.Family == 0 {
		return // nobody to name
	}
	entry := sg.RuleRef{}
	if hop.Decision.Rule.ACL() != "" {
		entry = hop.Decision.Rule
	}
	icmp := uint16(h.ICMPType)<<8 | uint16(h.ICMPCode)
	key := talkerKey{h.Src, h.Dst, hop.Enforcer, h.Family, h.Protocol, icmp, hop.Direction, reason, p.Refused, entry}
	k := t.byKey[key]
	if k == nil {
		if len(t.byKey) == maxTalkers {
			t.others.add(p.Frame.Length)
			return
		}
		if t.byKey == nil {
			t.byKey = map[talkerKey]*Talker{}
		}
		k = &Talker{
			ENI: hop.Enforcer.ID(), Direction: hop.Direction, Reason: reason, Refused: p.Refused, Entry: entry,
			First: *h, Time: p.Time, Number: p.Number, Senders: 1, via: p.via(sg.Via{}),
		}
		t.byKey[key] = k
	}
	k.Count.add(p.Frame.Length)
	k.SeveralPorts = k.SeveralPorts || h.DstPort != k.First.DstPort
}
