package sgtest

// A queue holds bytes in order, in the pieces in which they came. Its bytes never
// change, so pieces may be shared with other queues.
type queue struct {
	pieces [][]byte
	size   int // bytes
}

// push appends b, which must not change afterwards.
func (q *queue) push(b []byte) {
	q.pieces = append(q.pieces, b)
	q.size += len(b)
}

// write appends a copy of b. Small pieces that have to wait are merged.
func (q *queue) write(b []byte) {
	if last := len(q.pieces) - 1; last >= 0 && cap(q.pieces[last])-len(q.pieces[last]) >= len(b) {
		q.pieces[last] = append(q.pieces[last], b...)
		q.size += len(b)
		return
	}
	room := len(b)
	if q.size > 0 {
		room = max(room, 4096)
	}
	q.push(append(make([]byte, 0, room), b...))
}

// at returns up to most bytes from off on, as many as are in one piece.
func (q *queue) at(off, most int) []byte {
	for _, p := range q.pieces {
		if off < len(p) {
			p = p[off:]
			n := max(min(most, len(p)), 0)
			return p[:n:n]
		}
		off -= len(p)
	}
	return nil
}

// drop removes the first n bytes.
func (q *queue) drop(n int) {
	q.size -= n
	for n > 0 {
		if n < len(q.pieces[0]) {
			q.pieces[0] = q.pieces[0][n:]
			return
		}
		n -= len(q.pieces[0])
		q.pieces[0] = nil
		q.pieces = q.pieces[1:]
	}
}

// read moves bytes to b.
func (q *queue) read(b []byte) int {
	n := 0
	for n < len(b) && q.size > 0 {
		k := copy(b[n:], q.pieces[0])
		q.drop(k)
		n += k
	}
	return n
}
