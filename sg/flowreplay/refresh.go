package flowreplay

import (
	"container/heap"

	"github.com/sgsim/sgsim/packet"
)

// A refresh is the last packet of a record, which keeps its connection or ends it.
type refresh struct {
	conn  // now is when the packet passes
	flags packet.TCPFlags
}

// lastFlags are those of the last packet of a record with these flags.
func lastFlags(f packet.TCPFlags) packet.TCPFlags {
	switch {
	case f&packet.RST != 0:
		return packet.RST | packet.ACK
	case f&packet.FIN != 0:
		return packet.FIN | packet.ACK
	}
	return packet.ACK
}

// refreshes are the last packets of records whose time has not come, by time: the
// clock of the connections must not run ahead of the records to come. There are no
// more than records that overlap, since no record is longer than ten minutes, and no
// more than maxRefreshes.
type refreshes []refresh

const maxRefreshes = 1 << 20

func (h refreshes) Len() int           { return len(h) }
func (h refreshes) Less(i, j int) bool { return h[i].now < h[j].now }
func (h refreshes) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *refreshes) Push(x any)        { *h = append(*h, x.(refresh)) }

func (h *refreshes) Pop() any {
	last := len(*h) - 1
	x := (*h)[last]
	*h = (*h)[:last]
	return x
}

func (h *refreshes) add(r refresh) {
	if len(*h) < maxRefreshes {
		heap.Push(h, r)
	}
}

// run sends the packets before now. Those of the same second wait: the other half of
// the pair may stand behind.
func (h *refreshes) run(now int64) {
	for len(*h) > 0 && (*h)[0].now < now {
		r := heap.Pop(h).(refresh)
		r.send(r.flags)
	}
}
