package flowreplay

import (
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
)

// A serviceKey is what connections to one port have in common about which the groups
// say the same: the rule that admits them, or the far end if there is none.
type serviceKey struct {
	eni      sg.ENIID
	dir      sg.Direction // of who opens the connection
	protocol packet.Protocol
	port     uint16
	verdict  sg.Verdict
	rule     sg.RuleRef
	far      netip.Addr
}

// A service is how records of a kind compare, and when they were.
type service struct {
	agreeing, disagreeing span
	reason                sg.Reason
	opened                bool   // a SYN stands in a record that disagrees, or there is none in its protocol
	example               Record // with record, the first that disagrees
	record                flowlog.Record
}

// A span is records and the time they take.
type span struct {
	Count
	first, last int64 // Unix seconds
}

func (s *span) add(r *Record) {
	if s.Records == 0 {
		s.first, s.last = r.Start, r.Start
	}
	s.first, s.last = min(s.first, r.Start), max(s.last, r.last())
	s.Count.add(r.Record)
}

func (t *tally) addService(r *Record, a Agreement) {
	key := serviceKey{eni: r.ENI, dir: r.Direction, protocol: r.Protocol, port: r.DstPort, verdict: r.Verdict, far: r.far()}
	if r.answers() {
		key.dir, key.port = r.Direction.Opposite(), r.SrcPort
	}
	key.rule = r.Decision.Rule
	if r.Verdict == sg.Accept {
		key.far = netip.Addr{}
	}
	s := t.services[key]
	if s == nil {
		if n := len(t.services); a == Agree && n >= maxServices || n >= maxDisagreeing {
			if a == Disagree {
				t.OtherDisagreements.add(r.Record)
			}
			return
		}
		s = &service{}
		t.services[key] = s
	}
	if a == Agree {
		s.agreeing.add(r)
		return
	}
	if s.disagreeing.Records == 0 {
		s.record = *r.Record
		s.example, s.reason = *r, r.Decision.Reason
		s.example.Record = &s.record
	}
	s.opened = s.opened || r.Protocol != packet.TCP || r.TCPFlags&packet.SYN != 0
	s.disagreeing.add(r)
}

// disagreements returns what disagrees, by kind: what differs in the far end alone is one.
func (t *tally) disagreements(j *Judge, acls map[sg.ENIID]bool) []*Disagreement {
	type kind struct {
		serviceKey
		cause Cause
	}
	byKind := map[kind]*Disagreement{}
	for key, s := range t.services {
		if s.disagreeing.Records == 0 {
			continue
		}
		first := s.disagreement(j, key, acls)
		k := kind{key, first.Cause}
		k.far = netip.Addr{}
		if more := byKind[k]; more != nil {
			if more.seen().compare(first.seen()) < 0 {
				first, more = more, first
			}
			first.FarEnds += more.FarEnds
			first.addAll(more.Count)
			if more.Last.After(first.Last) {
				first.Last = more.Last
			}
		}
		byKind[k] = first
	}
	return slices.Collect(maps.Values(byKind))
}

func (s *service) disagreement(j *Judge, key serviceKey, acls map[sg.ENIID]bool) *Disagreement {
	d := &Disagreement{
		ENI: key.eni, Direction: key.dir, Protocol: key.protocol, Port: key.port,
		Verdict: key.verdict, Reason: s.reason, Rule: key.rule, Entry: s.example.Entry, Count: s.disagreeing.Count,
		First: time.Unix(s.disagreeing.first, 0).UTC(), Last: time.Unix(s.disagreeing.last, 0).UTC(),
		Example: headerOf(s.record.Tuple(), 0), Position: s.example.Position,
	}
	if d.Verdict == sg.Drop {
		d.FarEnds = 1
	}
	t := s.record.Tuple()
	if s.example.Direction != key.dir {
		t = t.Reverse()
	}
	d.opening = headerOf(t, packet.SYN)
	if d.Verdict == sg.Drop && d.Reason == sg.NoRule {
		d.Near = j.near(key.eni, key.dir, &d.opening)
	}
	d.Cause = s.cause(j, d, acls)
	if d.Cause == Changed {
		d.Change = time.Unix(min(s.agreeing.last, s.disagreeing.last), 0).UTC()
	}
	return d
}

func (s *service) cause(j *Judge, d *Disagreement, acls map[sg.ENIID]bool) Cause {
	a, b := &s.agreeing, &s.disagreeing
	switch {
	case a.Records > 0 && (a.last < b.first || b.last < a.first):
		return Changed
	case d.Verdict == sg.Accept && acls[d.ENI]:
		return RuleNotInAWS
	case d.Verdict == sg.Accept:
		return ACLOrRule
	case d.Reason == sg.ACLDeny:
		return ACLNotGiven
	case d.Reason != sg.NoRule:
		return Model
	case !s.opened && s.record.Has(flowlog.FieldTCPFlags):
		return Older
	case s.unknownAddress(j, d):
		return UnknownAddress
	}
	return RuleNotGiven
}

// unknownAddress reports whether a rule that names a group would do but for the far
// end, which the topology does not know.
func (s *service) unknownAddress(j *Judge, d *Disagreement) bool {
	far := s.example.far()
	if j.owner(far, far) != "" || !far.IsPrivate() {
		return false
	}
	for _, n := range d.Near {
		if len(n.Fails) == 1 && n.Rule.Rule().Peer.Group != "" && (n.Fails[0].Field == "source" || n.Fails[0].Field == "destination") {
			return true
		}
	}
	return false
}
