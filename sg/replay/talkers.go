package replay

import (
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// maxTalkers bounds the dropped talkers that are remembered of one part: 262,144 in
// all parts, for 120 MB. What comes later is counted together.
const maxTalkers = 1 << 12

// A talker is a Talker of the report, and where its packets were dropped.
type talker struct {
	Talker
	enforcer *sg.Enforcer
}

type talkerKey struct {
	src, dst [16]byte
	enforcer *sg.Enforcer
	family   packet.Family
	protocol packet.Protocol
	dir      sg.Direction
	reason   sg.Reason
	refused  bool
	entry    sg.RuleRef
}

type talkers struct {
	byKey  map[talkerKey]*talker
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
	key := talkerKey{h.Src, h.Dst, hop.Enforcer, h.Family, h.Protocol, hop.Direction, reason, p.Refused, entry}
	k := t.byKey[key]
	if k == nil {
		if len(t.byKey) == maxTalkers {
			t.others.add(p.Frame.Length)
			return
		}
		if t.byKey == nil {
			t.byKey = map[talkerKey]*talker{}
		}
		k = &talker{Talker{
			Src: h.SrcAddr(), Dst: h.DstAddr(), Protocol: h.Protocol, ENI: hop.Enforcer.ID(), Direction: hop.Direction,
			Reason: reason, Refused: p.Refused, Entry: entry, First: *h, Time: p.Time, Number: p.Number,
			via: p.via(sg.Via{}),
		}, hop.Enforcer}
		t.byKey[key] = k
	}
	k.Count.add(p.Frame.Length)
	k.SeveralPorts = k.SeveralPorts || h.DstPort != k.First.DstPort
}
