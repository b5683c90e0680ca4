package conntrack

import (
	"math"
	"slices"
)

// bounds find dead records without looking at the living. Level 0 has for every
// 64 records a time before which none of them dies, level 1 the same for 64
// entries of level 0, and so on up to a level of one entry.
//
// A refresh moves a death into the future and leaves the bounds as they are, too
// early, which costs nothing on the packet path. Whoever looks for the dead and
// finds the living there corrects the bound.
type bounds [][]int64

const boundBits = 6

// extend makes room for the record.
func (b *bounds) extend(rec uint32) {
	for level, i := 0, int(rec>>boundBits); ; level, i = level+1, i>>boundBits {
		if level == len(*b) {
			*b = append(*b, nil)
			if level > 0 { // the one entry below is all there was
				(*b)[level] = append((*b)[level], (*b)[level-1][0])
			}
		}
		if i < len((*b)[level]) {
			return
		}
		(*b)[level] = append((*b)[level], never)
		if i == 0 {
			return
		}
	}
}

// lower notes that the record may die at that time.
func (b bounds) lower(rec uint32, at int64) {
	i := rec >> boundBits
	for _, level := range b {
		if level[i] <= at {
			return
		}
		level[i] = at
		i >>= boundBits
	}
}

// first returns the bound of all records.
func (b bounds) first() int64 {
	if len(b) == 0 {
		return never
	}
	return b[len(b)-1][0]
}

// due returns a block of 64 records whose bound has come. There is one if first
// has come.
func (b bounds) due(now int64) uint32 {
	i := 0
	for l := len(b) - 1; ; l-- {
		for b[l][i] > now {
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
	b[0][i] = at
	for l := 1; l < len(b); l++ {
		i >>= boundBits
		below := b[l-1][i<<boundBits:]
		low := int64(math.MaxInt64)
		for _, at := range below[:min(len(below), 1<<boundBits)] {
			low = min(low, at)
		}
		b[l][i] = low
	}
}

func (b bounds) clone() bounds {
	c := slices.Clone(b)
	for i := range c {
		c[i] = slices.Clone(b[i])
	}
	return c
}
