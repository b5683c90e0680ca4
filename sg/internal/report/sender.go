package report

import (
	"hash/maphash"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// fewSenders is how many entries of a list still stand for themselves, though they differ
// in the sender alone.
const fewSenders = 2

// Together returns the entries of a list of senders with those that have the same key, and
// so differ in the sender alone, as one: a scan from many addresses would otherwise crowd
// out all else. Two stay apart. sum makes one entry of several, the first of all first, and
// is not to change them. The result is put together once more, with scan: then those that
// sent to several ports have one key whatever these are. The order is that of all.
func Together[T any, K comparable](all []*T, sum func([]*T) *T, key func(x *T, scan bool) K) []*T {
	for _, scan := range [...]bool{false, true} {
		all = together(all, sum, func(x *T) K { return key(x, scan) })
	}
	return all
}

func together[T any, K comparable](all []*T, sum func([]*T) *T, key func(*T) K) []*T {
	// Most keys of a long list may be rare, and counting hashes takes less room than keys. Two
	// keys of one hash only mean that both are looked at.
	seed, count := maphash.MakeSeed(), map[uint64]int32{}
	for _, x := range all {
		count[maphash.Comparable(seed, key(x))]++
	}
	alike := map[K][]*T{}
	for _, x := range all {
		if k := key(x); count[maphash.Comparable(seed, k)] > fewSenders {
			alike[k] = append(alike[k], x)
		}
	}
	var out []*T
	for _, x := range all {
		if same := alike[key(x)]; len(same) <= fewSenders {
			out = append(out, x)
		} else if same[0] == x {
			out = append(out, sum(same))
		}
	}
	return out
}

// Sum returns how many senders some entries have, each counted once, whether any sent to
// several ports, and their packets as drawings show them. of returns the same of one.
func Sum[T any](all []*T, of func(*T) (sender netip.Addr, severalPorts bool, drops []graph.Drop)) (senders int, severalPorts bool, drops []graph.Drop) {
	var addrs []netip.Addr
	for _, x := range all {
		a, several, more := of(x)
		addrs, severalPorts, drops = append(addrs, a), severalPorts || several, append(drops, more...)
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return len(slices.Compact(addrs)), severalPorts, drops
}

// Senders is a packet that stands for those of several senders.
func Senders(words string, senders int) string {
	if senders > 1 {
		return words + ", " + otherSenders(senders)
	}
	return words
}

func otherSenders(senders int) string { return "and " + prose.Count(senders-1, "other sender") }
