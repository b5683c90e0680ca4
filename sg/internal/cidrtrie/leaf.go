package cidrtrie

// A leaf is two cache lines: the node of an IPv4 block, and a copy of its runs if they
// are few, as they nearly always are, so that a look-up waits for memory only once.
type leaf struct {
	node   *node      // nil if there are no prefixes
	starts [16]uint16 // 65,535 after the last run, and never the start of one
	ends   [17]uint8
	full   bool       // whether the leaf has all runs
	pool   [17]uint32 // the numbers of run i are pool[ends[i]:ends[i+1]]
}

// set gives the leaf its node.
func (l *leaf) set(n *node) {
	*l = leaf{node: n}
	if n == nil || n.uncut() || len(n.runs) > len(l.starts) {
		return
	}
	for i := range l.starts {
		l.starts[i] = 65535
	}
	used := 0
	for i := range n.runs {
		numbers, start := n.list(&n.runs[i]), uint16(n.runs[i].start>>48)
		if start == 65535 || used+len(numbers) > len(l.pool) {
			return
		}
		used += copy(l.pool[used:], numbers)
		l.starts[i], l.ends[i+1] = start, uint8(used)
	}
	l.full = true
}

// numbers returns the numbers of the entries that cover the lower half of an address.
func (l *leaf) numbers(v uint16) []uint32 {
	if !l.full {
		return l.node.numbers(uint64(v) << 48)
	}
	v = min(v, 65534) // in the same run as 65,535
	i := 4 * (from(l.starts[4], v) + from(l.starts[8], v) + from(l.starts[12], v))
	four := (*[4]uint16)(l.starts[i&12:])
	i += from(four[1], v) + from(four[2], v) + from(four[3], v)
	return l.pool[l.ends[i]:l.ends[i+1]]
}

// from returns 1 if v is in the run that starts there or in a later one, and else 0. It
// does not branch, since which run is the last could not be predicted.
func from(start, v uint16) int { return int((uint32(start) - uint32(v) - 1) >> 31) }
