package conntrack

import "github.com/sgsim/sgsim/packet"

// hints are packets that Track will soon be asked about. Their buckets are touched
// together and without anything in between, for then the processor waits for all of
// them at once: touched one by one, with the work for a packet in between, they
// gained nothing.
type hints struct {
	n       int
	of      [16]hint
	touched uint64 // means nothing
}

type hint struct {
	hash uint64
	v6   bool
}

// farEntries is how many connections outgrow the nearer caches. With fewer a hint
// costs more than it saves.
const farEntries = 1 << 15

// Prefetch says that Track of this packet in this zone will follow soon, so that
// the memory it needs is on its way by then. It changes no answer. Callers who have
// many packets at hand gain by it when a table is large: hint at 32 packets, then
// track them. Memory is asked for at every sixteenth hint.
func (t *Table) Prefetch(z Zone, h *packet.Header) {
	if t.Len() >= farEntries {
		t.hint(z, h)
	}
}

func (t *Table) hint(z Zone, h *packet.Header) {
	to := &t.hints.of[t.hints.n&15]
	switch h.Family {
	case packet.IPv4:
		w0, w1, _, _ := order4(z, endpoint4(&h.Src, h.SrcPort), endpoint4(&h.Dst, h.DstPort))
		*to = hint{t.hash.hash4(w0, w1, h.Protocol), false}
	case packet.IPv6:
		var w [5]uint64
		order6(z, &h.Src, &h.Dst, h.SrcPort, h.DstPort, &w)
		*to = hint{t.hash.hash6(&w, h.Protocol), true}
	default:
		return
	}
	if t.hints.n++; t.hints.n == len(t.hints.of) {
		t.hints.n = 0
		for i := range t.hints.of {
			if hint := &t.hints.of[i]; hint.v6 {
				t.hints.touched += t.v6.touch6(hint.hash)
			} else {
				t.hints.touched += t.v4.touch4(hint.hash)
			}
		}
	}
}
