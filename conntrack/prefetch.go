package conntrack

import (
	"unsafe"

	"github.com/sgsim/sgsim/packet"
)

// farEntries is how many connections outgrow the nearer caches. With fewer a hint
// costs more than it saves.
const farEntries = 1 << 15

// Prefetch says that Track of this packet in this zone will follow soon, so that
// the memory it needs is on its way by then. It changes no answer. Callers who have
// many packets at hand gain by it when a table is large: hint at 32 packets, then
// track them. Of IPv6 packets the second of two steps begins at every sixteenth hint.
func (t *Table) Prefetch(z Zone, h *packet.Header) {
	if t.Len() < farEntries {
		return
	}
	switch h.Family {
	case packet.IPv4:
		w0, w1, _, _ := order4(z, endpoint4(&h.Src, h.SrcPort), endpoint4(&h.Dst, h.DstPort))
		hash := t.hash.hash4(w0, w1, h.Protocol)
		g := t.v4.segment(hash)
		fetch(unsafe.Pointer(&g.buckets[g.home(hash)]))
	case packet.IPv6:
		var w [5]uint64
		order6(z, &h.Src, &h.Dst, h.SrcPort, h.DstPort, &w)
		hash := t.hash.hash6(&w, h.Protocol)
		fetch(unsafe.Pointer(t.v6.index.home(hash)))
		t.hints.add(&t.v6, hash)
	}
}

// hints are the hashes of IPv6 packets whose records cannot be asked for before the
// index has come.
type hints struct {
	n      int
	hashes [16]uint64
}

func (x *hints) add(s *store, hash uint64) {
	x.hashes[x.n] = hash
	if x.n++; x.n < len(x.hashes) {
		return
	}
	x.n = 0
	for _, hash := range x.hashes {
		b := s.index.home(hash)
		if m := b.match(tagOf(hash)); m != 0 {
			fetch(unsafe.Pointer(s.record(b.recs[slotOf(m)])))
		}
	}
}
