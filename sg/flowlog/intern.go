package flowlog

import (
	"encoding/binary"
	"strings"
)

// An interner returns the same string for the same bytes, so that a record's
// strings do not keep their text alive, and need no allocation if a log names few
// interfaces. It forgets: each slot holds the last string that fell into it,
// unless that was long. A nil interner returns strings unchanged.
type interner struct {
	slots [1 << internBits]string
}

const (
	internBits = 12
	internMax  = 512 // bytes; ARNs and most tags are shorter
)

func (in *interner) intern(s string) string {
	if in == nil || s == "" {
		return s
	}
	if len(s) > internMax {
		return strings.Clone(s)
	}
	slot := &in.slots[hash(s)]
	if *slot != s {
		*slot = strings.Clone(s)
	}
	return *slot
}

// hash mixes the length and the first and last eight bytes: IDs and ARNs differ in
// their ends.
func hash(s string) uint64 {
	var head, tail [8]byte
	copy(head[:], s)
	copy(tail[:], s[max(0, len(s)-8):])
	x := binary.LittleEndian.Uint64(head[:]) + uint64(len(s))
	x = x*0x9e3779b97f4a7c15 ^ binary.LittleEndian.Uint64(tail[:])
	x *= 0xff51afd7ed558ccd // finalizer of MurmurHash3: public constants
	return (x ^ x>>32) * 0xc4ceb9fe1a85ec53 >> (64 - internBits)
}
