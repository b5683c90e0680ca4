package conntrack

import "slices"

// bounds find dead records without looking at the living. Level 0 has for every
// 64 records a time before which none of them dies, level 1 the same for 64
// entries of level 0, and so on up to a level of one entry.
//
// A refresh moves a death into the future and leaves the bounds as they are, too
// early, which costs nothing on the packet path. Whoever looks for the dead and
// finds the living there corrects the bound.
type bounds []boundLevel

// A boundLevel is a list that grows without being copied.
type boundLevel [][]int64

const (
	boundBits  = 6
	chunkBits  = 9
	chunkMask  = 1<<chunkBits - 1
	groupMask  = 1<<boundBits - 1
	groupInts  = 1 << boundBits
	chunkGroup = chunkMask &^ groupMask
)

func (l boundLevel) at(i int) *int64 { return &l[i>>chunkBits][i&chunkMask] }

// group returns the up to 64 bounds below entry i of the next level.
func (l boundLevel) group(i int) []int64 {
	i <<= boundBits
	chunk := l[i>>chunkBits]
	first := i & chunkGroup
	return chunk[first:min(first+groupInts, len(chunk))]
}

func (l *boundLevel) len() int {
	n := len(*l)
	if n == 0 {
		return 0
	}
	return (n-1)<<chunkBits + len((*l)[n-1])
}

func (l *boundLevel) append(at int64) {
	n := len(*l)
	if n == 0 || len((*l)[n-1]) == 1<<chunkBits {
		*l = append(*l, nil)
		if n++; n > 1 {
			(*l)[n-1] = make([]int64, 0, 1<<chunkBits)
		}
	}
	(*l)[n-1] = append((*l)[n-1], at)
}

// blocks returns the number of blocks of 64 records that there is room for.
func (b bounds) blocks() int {
	if len(b) == 0 {
		return 0
	}
	return b[0].len()
}

// reach makes room for records up to rec.
func (b *bounds) reach(rec uint32) {
	for block := b.blocks(); block <= int(rec>>boundBits); block++ {
		b.extend(block)
	}
}

// extend makes room for the next block of records.
func (b *bounds) extend(block int) {
	for level, i := 0, block; ; level, i = level+1, i>>boundBits {
		if level == len(*b) {
			*b = append(*b, nil)
			if level > 0 { // the one entry below is all there was
				(*b)[level].append(*(*b)[level-1].at(0))
			}
		}
		if i < (*b)[level].len() {
			return
		}
		(*b)[level].append(never)
		if i == 0 {
			return
		}
	}
}

// lower notes that the record may die at that time.
func (b bounds) lower(rec uint32, at int64) {
	i := int(rec >> boundBits)
	for _, level := range b {
		entry := level.at(i)
		if *entry <= at {
			return
		}
		*entry = at
		i >>= boundBits
	}
}

// first returns the bound of all records.
func (b bounds) first() int64 {
	if len(b) == 0 {
		return never
	}
	return b[len(b)-1][0][0]
}

// due returns a block of 64 records whose bound has come. There is one if first
// has come.
func (b bounds) due(now int64) uint32 {
	i := 0
	for l := len(b) - 1; ; l-- {
		for *b[l].at(i) > now {
			i++
		}
		if l == 0 {
			return uint32(i)
		}
		i <<= boundBits
	}
}

// set corrects the bound of a block, and those above.
func (b bounds) set(block uint32, at int64) {
	i := int(block)
	*b[0].at(i) = at
	for l := 1; l < len(b); l++ {
		i >>= boundBits
		low := int64(never)
		for _, at := range b[l-1].group(i) {
			low = min(low, at)
		}
		*b[l].at(i) = low
	}
}

func (b bounds) clone() bounds {
	c := slices.Clone(b)
	for i := range c {
		c[i] = slices.Clone(b[i])
		for j := range c[i] {
			c[i][j] = slices.Clone(b[i][j])
		}
	}
	return c
}
