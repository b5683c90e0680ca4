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
// track them.
func (t *Table) Prefetch(z Zone, h *packet.Header) {
	if t.Len() < farEntries || !whole(h) {
		return
	}
	var k key
	k.ofPorts(z, h)
	hash := t.hash.hash(&k)
	g := t.store(k.v6).segment(hash)
	fetch(unsafe.Pointer(&g.buckets[home(g.buckets, hash)]))
}
