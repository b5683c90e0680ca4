package conntrack

import (
	"unsafe"

	"github.com/sgsim/sgsim/packet"
)

// farEntries is how many connections outgrow the near caches. With fewer, a hint
// costs more than it saves.
const farEntries = 1 << 15

// Prefetch starts to fetch the memory that Track of this packet in this zone will
// need soon. It changes no answer. It pays for callers with many packets at hand
// and a large table: prefetch 32 packets, then track them.
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
