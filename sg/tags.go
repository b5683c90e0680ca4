package sg

import (
	"slices"

	"github.com/sgsim/sgsim/sg/internal/keyed"
)

// tags number the rules that opened connections, since a table holds no pointers.
// The top bit of a connection's tag says that the path was an automatically tracked
// one (CT-14), whose connections never turn untracked.
//
// Every change of rules makes new ones, also of those that only move up, and the
// old ones stay as long as a connection was opened by them. Tags that no connection
// has any more are found by looking at all connections, which changes do now and
// then; packets never.
type tags struct {
	rules []*ruleInfo // by tag; nil where free
	free  []uint32
	slots []uint32 // hash table by ruleInfo.number: tag plus 1, 0 where empty; a power of two
	shift uint8    // of the hash, to an index into slots
	key   keyed.Key32
	most  int // tags from which on it pays to look for unused ones
}

const (
	tagViaTracked = 1 << 31

	// Two bits say that it is not known whether the first packet was admitted, and why:
	// Reason minus Cut. Without a rule that may have, the rest is noTag.
	tagUnknown = 29
	noTag      = 1<<tagUnknown - 1

	// fewTags are always worth keeping: 1,000 take some 250 kB.
	fewTags = 1000
)

// tag returns the tag of a rule.
func (t *tags) tag(r *ruleInfo) uint32 {
	if r == nil {
		return noTag
	}
	if len(t.slots) > 0 {
		mask := uint32(len(t.slots) - 1)
		for i := t.home(r); ; i++ {
			switch s := t.slots[i&mask]; {
			case s == 0:
				return t.add(r)
			case t.rules[s-1] == r:
				return s - 1
			}
		}
	}
	return t.add(r)
}

func (t *tags) add(r *ruleInfo) uint32 {
	tag := uint32(len(t.rules))
	if n := len(t.free); n > 0 {
		tag, t.free = t.free[n-1], t.free[:n-1]
		t.rules[tag] = r
	} else {
		t.rules = append(t.rules, r)
	}
	if 2*t.len() > len(t.slots) {
		t.index()
	} else {
		t.place(tag)
	}
	return tag
}

// index makes the hash table anew, at most a quarter full.
func (t *tags) index() {
	n := 16
	for t.shift, t.key = 60, keyed.New32(); n < 4*t.len(); n *= 2 {
		t.shift--
	}
	t.slots = make([]uint32, n)
	for tag, r := range t.rules {
		if r != nil {
			t.place(uint32(tag))
		}
	}
}

// home returns the slot where the search for a rule begins. Packets choose which of the
// numbers have tags.
func (t *tags) home(r *ruleInfo) uint32 { return uint32(t.key.Hash(r.number) >> t.shift) }

// place puts a tag into the first empty slot.
func (t *tags) place(tag uint32) {
	mask := uint32(len(t.slots) - 1)
	i := t.home(t.rules[tag]) & mask
	for t.slots[i] != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = tag + 1
}

// len returns how many rules have a tag.
func (t *tags) len() int { return len(t.rules) - len(t.free) }

// unknown returns why it is not known whether a connection's first packet was admitted,
// NoReason where it is.
func unknown(tag uint32) Reason {
	if why := tag >> tagUnknown & 3; why != 0 {
		return Cut + Reason(why)
	}
	return NoReason
}

// mark sets the element of used for the rule of a connection.
func (t *tags) mark(used []bool, tag uint32) {
	if tag &= noTag; tag != noTag {
		used[tag] = true
	}
}

func (t *tags) rule(tag uint32) RuleRef {
	if tag &= noTag; int(tag) < len(t.rules) {
		return RuleRef{t.rules[tag]}
	}
	return RuleRef{}
}

// many reports whether unused tags may have piled up: more than there were used
// ones when that was last looked at.
func (t *tags) many() bool { return t.len() > max(t.most, fewTags) }

// keep frees the tags that are not in use, of which used has one element each. To
// look again takes a walk over all connections, which new tags have to be worth.
func (t *tags) keep(used []bool, connections int) {
	last := 0 // behind the last used one
	for tag := range t.rules {
		if used[tag] {
			last = tag + 1
		} else {
			t.rules[tag] = nil
		}
	}
	t.rules = slices.Clone(t.rules[:last])
	t.free = nil
	for tag, r := range t.rules {
		if r == nil {
			t.free = append(t.free, uint32(tag))
		}
	}
	t.most = 2*t.len() + connections/16
	t.index()
}

func (t *tags) clone() tags {
	c := *t
	c.rules, c.free, c.slots = slices.Clone(t.rules), slices.Clone(t.free), slices.Clone(t.slots)
	return c
}
