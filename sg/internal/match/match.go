// Package match finds the first of many rules that admits a packet.
//
// It knows only numbers. A rule's peer (a CIDR, a list of them, a group of hosts) has
// a number; its protocol and ports are a [Range] of [Key]s. The caller finds the
// numbers of all peers that hold the packet's other end, and takes the smallest
// answer:
//
//	packet ──► key ──────────────────► Covers: no, for most ports
//	   │                                  │ yes
//	   └─► address ──► peer numbers ──► First, for each: the spans of that peer
//	                                      │
//	                                      └─► the smallest rule
package match

import (
	"cmp"
	"math"
	"slices"

	"github.com/sgsim/sgsim/sg/internal/keyed"
)

// A Rule admits packets whose key is in the range and whose other end is in the peer.
type Rule struct {
	Peer uint32
	Range
}

// None is what First returns if no rule admits the packet.
const None = math.MaxUint32

// A Table holds the rules of one list, by their index in it. It never changes and may
// be read by any number of goroutines. The zero Table has none.
type Table struct {
	covered keySet
	slots   []slot // by hash of the peer, open addressing; a power of two
	several []span // of peers with several rules
	shift   uint8  // of the hash, to an index into slots
	key     keyed.Key32
}

// A slot holds what one peer's rules admit: the range of its only rule or, if rule is
// None, the place of its spans in Table.several.
type slot struct {
	used uint32 // the peer plus 1; 0 if the slot is free
	span
}

// A span is a range and the first rule of a peer that covers it. Those of a peer are
// ascending and do not overlap.
type span struct {
	first, last Key
	rule        uint32
}

// New returns the table of a list of rules. It keeps nothing of the list. Peers are
// below MaxUint32.
func New(rules []Rule) (t Table) {
	byPeer := make([]uint32, len(rules)) // indexes of rules, by peer and in order
	for i := range byPeer {
		byPeer[i] = uint32(i)
		t.covered.add(rules[i].Range)
	}
	slices.SortFunc(byPeer, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(rules[a].Peer, rules[b].Peer), cmp.Compare(a, b))
	})
	var slots []slot
	for len(byPeer) > 0 {
		peer, n := rules[byPeer[0]].Peer, 1
		for n < len(byPeer) && rules[byPeer[n]].Peer == peer {
			n++
		}
		r := rules[byPeer[0]].Range
		s := slot{peer + 1, span{r.First, r.Last, byPeer[0]}}
		if n > 1 {
			from := len(t.several)
			t.several = appendSpans(t.several, rules, byPeer[:n])
			s.span = span{Key(from), Key(len(t.several)), None}
		}
		slots, byPeer = append(slots, s), byPeer[n:]
	}
	t.several = slices.Clip(t.several)
	t.fill(slots)
	return t
}

// fill makes the hash table, at most half full.
func (t *Table) fill(slots []slot) {
	size := 1
	for t.shift, t.key = 64, keyed.New32(); size < 2*len(slots); size *= 2 {
		t.shift--
	}
	t.slots = make([]slot, size)
	for _, s := range slots {
		i := t.home(s.used)
		for t.slots[i&(size-1)].used != 0 {
			i++
		}
		t.slots[i&(size-1)] = s
	}
}

// home returns the index of the slot where the search for a peer begins. Peers are
// numbered in input order, so the input can choose the numbers in a list.
func (t *Table) home(used uint32) int {
	return int(t.key.Hash(used) >> t.shift)
}

// Covers reports whether a rule may cover a key, whatever its peer. It says no for
// nearly all keys that none covers, in 3 ns; a binary search in the spans of all
// rules took 15.
func (t *Table) Covers(k Key) bool { return t.covered.has(k) }

// First returns the first rule with the peer that covers the key, None if there is
// none.
func (t *Table) First(peer uint32, k Key) uint32 {
	mask := len(t.slots) - 1
	for i := t.home(peer + 1); mask >= 0; i++ {
		s := &t.slots[i&mask]
		if s.used != peer+1 {
			if s.used == 0 {
				return None
			}
			continue
		}
		if s.rule == None {
			return search(t.several[s.first:s.last], k)
		}
		if s.first <= k && k <= s.last {
			return s.rule
		}
		return None
	}
	return None
}

// search returns the rule of the span that holds the key. Its steps do not branch,
// since the branches could not be predicted: each half is added or masked out.
func search(spans []span, k Key) uint32 {
	i := 0
	for n := len(spans); n > 1; {
		half := n / 2
		i += half &^ int((int64(k)-int64(spans[i+half].first))>>63)
		n -= half
	}
	if i < len(spans) && spans[i].first <= k && k <= spans[i].last {
		return spans[i].rule
	}
	return None
}

// appendSpans appends the spans of one peer's rules, given by their ascending indexes.
func appendSpans(spans []span, rules []Rule, of []uint32) []span {
	cuts := make([]Key, 0, 2*len(of)) // where some range begins, or has just ended
	for _, i := range of {
		cuts = append(cuts, rules[i].First, rules[i].Last+1)
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	// Each rule takes the cells between cuts that no earlier rule has taken. next
	// leads from a taken cell to a later one, so that none is visited often.
	owner, next := make([]uint32, len(cuts)), make([]int, len(cuts)+1)
	for c := range owner {
		owner[c], next[c] = None, c
	}
	next[len(cuts)] = len(cuts)
	free := func(c int) int {
		for next[c] != c {
			next[c] = next[next[c]]
			c = next[c]
		}
		return c
	}
	for _, i := range of {
		c, _ := slices.BinarySearch(cuts, rules[i].First)
		for c = free(c); c < len(cuts) && cuts[c] <= rules[i].Last; c = free(c) {
			owner[c], next[c] = i, c+1
		}
	}
	begin := len(spans)
	for c, rule := range owner {
		switch last := len(spans) - 1; {
		case rule == None:
		case last >= begin && spans[last].rule == rule && spans[last].last+1 == cuts[c]:
			spans[last].last = cuts[c+1] - 1
		default:
			spans = append(spans, span{cuts[c], cuts[c+1] - 1, rule})
		}
	}
	return spans
}
