package sg

import (
	"maps"
	"slices"
)

// tags number the rules that opened connections, since a table holds no pointers.
// The top bit of a connection's tag says that the path was automatically tracked
// (CT-14); such connections never become untracked.
//
// Every change makes new rules, even of those that only move up, and the old ones
// stay as long as a connection that they opened. Finding the tags that no
// connection has any more takes a look at all connections. Changes do that now and
// then; packets never do.
type tags struct {
	rules []*ruleInfo // by tag; nil where free
	free  []uint32
	of    map[*ruleInfo]uint32
	most  int // number of tags from which it pays to look for unused ones
}

const (
	tagViaTracked = 1 << 31

	// Two bits say that it is not known whether the first packet was admitted, and why:
	// Reason minus Cut. If no rule may have admitted it, the rest is noTag.
	tagUnknown = 29
	noTag      = 1<<tagUnknown - 1

	// fewTags is a number of tags always worth keeping: 1,000 take some 250 kB.
	fewTags = 1000
)

// tag returns the tag of a rule.
func (t *tags) tag(r *ruleInfo) uint32 {
	if r == nil {
		return noTag
	}
	tag, ok := t.of[r]
	if ok {
		return tag
	}
	if n := len(t.free); n > 0 {
		tag, t.free = t.free[n-1], t.free[:n-1]
		t.rules[tag] = r
	} else {
		tag, t.rules = uint32(len(t.rules)), append(t.rules, r)
	}
	if t.of == nil {
		t.of = map[*ruleInfo]uint32{}
	}
	t.of[r] = tag
	return tag
}

// unknown returns why it is not known whether a connection's first packet was admitted,
// NoReason if it is known.
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

// many reports whether unused tags may have piled up: more of them than there
// were used ones at the last check.
func (t *tags) many() bool { return len(t.of) > max(t.most, fewTags) }

// keep frees the tags that are not in use; used has one element for each tag. The
// next check walks over all connections, so it waits until enough new tags make
// it worthwhile.
func (t *tags) keep(used []bool, connections int) {
	for len(used) > 0 && !used[len(used)-1] {
		used = used[:len(used)-1]
	}
	t.rules = slices.Clone(t.rules[:len(used)])
	t.free, t.of = nil, map[*ruleInfo]uint32{}
	for tag, r := range t.rules {
		if used[tag] {
			t.of[r] = uint32(tag)
		} else {
			t.rules[tag] = nil
			t.free = append(t.free, uint32(tag))
		}
	}
	t.most = 2*len(t.of) + connections/16
}

func (t *tags) clone() tags {
	return tags{slices.Clone(t.rules), slices.Clone(t.free), maps.Clone(t.of), t.most}
}
