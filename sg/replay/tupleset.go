package replay

// maxSet bounds a tupleSet: 2^18 in each of 64 shards are 16.8 million
// connections, for 256 MB.
const maxSet = 1 << 18

// A tupleSet is a set of five-tuples by their hash. A hash of 64 bits confuses
// two of ten million with a probability of 1 in 370,000. At its bound the set
// takes no more and says so.
type tupleSet struct {
	slots []uint64 // open addressing, 0 is empty
	n     int
	full  bool
}

// has reports whether the set holds id.
func (s *tupleSet) has(id uint64) bool {
	if s.n == 0 {
		return false
	}
	_, found := s.find(max(id, 1))
	return found
}

// add puts id into the set unless it is full.
func (s *tupleSet) add(id uint64) {
	id = max(id, 1)
	if 4*s.n >= 3*len(s.slots) {
		s.grow()
	}
	i, found := s.find(id)
	switch {
	case found:
	case s.n == maxSet:
		s.full = true
	default:
		s.slots[i] = id
		s.n++
	}
}

func (s *tupleSet) find(id uint64) (slot int, found bool) {
	mask := len(s.slots) - 1
	for i := int(id) & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case id:
			return i, true
		case 0:
			return i, false
		}
	}
}

func (s *tupleSet) grow() {
	old := s.slots
	s.slots = make([]uint64, max(16, 2*len(old)))
	for _, id := range old {
		if id != 0 {
			i, _ := s.find(id)
			s.slots[i] = id
		}
	}
}
