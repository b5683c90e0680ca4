package replay

import (
	"bytes"
	"cmp"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// maxTalkers bounds the dropped talkers that are remembered of one part: 262,144 in
// all parts, for 50 MB. What comes later is counted together.
const maxTalkers = 1 << 12

// A talker is the sender of dropped packets of one kind.
type talker struct {
	talkerKey
	Count
	first  packet.Header // its first dropped packet
	time   time.Time     // and when it was judged
	number uint64        // and its number
	ports  bool          // it tried several ports
}

type talkerKey struct {
	src, dst [16]byte
	enforcer *sg.Enforcer
	family   packet.Family
	protocol packet.Protocol
	dir      sg.Direction
	reason   sg.Reason
	refused  bool
}

type talkers struct {
	byKey  map[talkerKey]*talker
	others Count
}

func (t *talkers) add(p *Packet, hop *sg.Hop) {
	h := &p.Frame.Header
	if h.Family == 0 {
		return // nobody to name
	}
	key := talkerKey{
		src: h.Src, dst: h.Dst, family: h.Family, protocol: h.Protocol,
		enforcer: hop.Enforcer, dir: hop.Direction, reason: hop.Decision.Reason, refused: p.Refused,
	}
	k := t.byKey[key]
	if k == nil {
		if len(t.byKey) == maxTalkers {
			t.others.add(p.Frame.Length)
			return
		}
		if t.byKey == nil {
			t.byKey = map[talkerKey]*talker{}
		}
		k = &talker{talkerKey: key, first: *h, time: p.Time, number: p.Number}
		t.byKey[key] = k
	}
	k.Count.add(p.Frame.Length)
	k.ports = k.ports || h.DstPort != k.first.DstPort
}

// compareTalkers puts the one with most packets first, and of equals the one
// that was seen first.
func compareTalkers(a, b *talker) int {
	return cmp.Or(
		cmp.Compare(b.Packets, a.Packets),
		cmp.Compare(a.number, b.number),
		bytes.Compare(a.src[:], b.src[:]),
	)
}
