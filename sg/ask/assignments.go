package ask

import (
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/assign"
)

// Assignments are the addresses that AWS may assign to interfaces that packets name and that
// have none yet. In each, these interfaces have one from a part of their subnets that rules
// and network ACLs tell apart from the rest.
type Assignments struct {
	topo    *sg.Topology
	pending []int            // indexes of the interfaces
	addrs   [][][]netip.Addr // of each assignment, those of each interface

	first []*sg.Explanation // of the packets, in the first assignment
	said  []answers         // about each packet
}

// answers are what is said of a packet in all assignments.
type answers struct {
	verdicts   []sg.Verdict // that differ
	texts      []string     // as many
	unanswered bool         // in one
}

// mostAssignments bounds them: for each a topology is compiled.
const mostAssignments = 256

// NewAssignments returns the assignments for packets that a [Parser] with also is to read,
// and leaves it to that to report errors in them. There is at least one. Those of topo stay
// as they are, and it must not change. More than 256 are an error that names an interface.
func NewAssignments(topo *sg.Topology, packets []string, also ...func(id string) string) (*Assignments, error) {
	as := &Assignments{topo: topo, addrs: [][][]netip.Addr{nil}}
	if !slices.ContainsFunc(topo.ENIs, assign.Pending) {
		return as, nil
	}
	p := NewParser(topo, also...)
	var other []netip.Prefix // hosts that the packets name by address
	for _, s := range packets {
		q, _ := p.Parse(s)
		as.pending = append(as.pending, q.pending...)
		for _, a := range q.addrs {
			other = append(other, netip.PrefixFrom(a, a.BitLen()))
		}
	}
	slices.Sort(as.pending)
	as.pending = slices.Compact(as.pending)
	if len(as.pending) == 0 {
		return as, nil
	}
	var cuts []netip.Addr
	for _, p := range assign.CIDRs(topo) {
		cuts = append(cuts, p.Addr(), netipx.PrefixLastIP(p).Next())
	}
	slices.SortFunc(cuts, netip.Addr.Compare)
	cuts = slices.Compact(cuts)
	for _, n := range as.pending {
		var more [][][]netip.Addr
		free := assign.Free(&topo.ENIs[n], other, topo)
		for _, given := range as.addrs {
			parts := partsOf(free, slices.Concat(given...), cuts)
			for f := range parts {
				if len(parts[f]) == 0 {
					parts[f] = []netip.Addr{{}}
				}
			}
			for _, a := range parts[0] {
				for _, b := range parts[1] {
					if len(more) == mostAssignments {
						return nil, fmt.Errorf("the address of %s is not known yet, and rules tell more than %d apart: -eni can give one", topo.ENIs[n].ID, mostAssignments)
					}
					more = append(more, append(slices.Clip(given), valid(a, b)))
				}
			}
		}
		as.addrs = more
	}
	return as, nil
}

// All yields a topology for each assignment, each valid until the next one is asked for.
func (as *Assignments) All() iter.Seq[*sg.Topology] {
	return func(yield func(*sg.Topology) bool) {
		with := *as.topo
		if len(as.pending) > 0 {
			with.ENIs = slices.Clone(with.ENIs)
		}
		for _, addrs := range as.addrs {
			for i, n := range as.pending {
				with.ENIs[n].Addrs = addrs[i]
			}
			if !yield(&with) {
				return
			}
		}
	}
}

func valid(addrs ...netip.Addr) []netip.Addr {
	return slices.DeleteFunc(addrs, func(a netip.Addr) bool { return !a.IsValid() })
}

// partsOf returns an address of every part of ranges between cuts, by family, but none of
// those given.
func partsOf(ranges []netipx.IPRange, given, cuts []netip.Addr) (parts [2][]netip.Addr) {
	last := -1 // part that has one
	for _, r := range ranges {
		for a := r.From(); a.IsValid() && r.Contains(a); {
			if slices.Contains(given, a) {
				a = a.Next()
				continue
			}
			part, begins := slices.BinarySearchFunc(cuts, a, netip.Addr.Compare)
			if begins {
				part++
			}
			f := 0
			if a.Is6() {
				f = 1
			}
			if part != last || len(parts[f]) == 0 {
				parts[f] = append(parts[f], a)
			}
			if last = part; part == len(cuts) {
				break
			}
			a = cuts[part]
		}
	}
	return parts
}

// Add takes what explanations of the packets say in the next topology of All. It keeps only
// those of the first: each leads to all that was compiled.
func (as *Assignments) Add(said []*sg.Explanation) {
	if as.first == nil {
		as.first, as.said = said, make([]answers, len(said))
	}
	for i, x := range said {
		s := &as.said[i]
		s.unanswered = s.unanswered || x.Unanswered
		if !slices.Contains(s.verdicts, x.Verdict) {
			s.verdicts = append(s.verdicts, x.Verdict)
			s.texts = append(s.texts, fmt.Sprintf("from %s to %s it is: %s, %s", x.Header.SrcAddr(), x.Header.DstAddr(), x.Verdict, x.Reason))
		}
	}
}

// Agree returns what the explanations that were added say together. Where verdicts differ,
// the packet's is unknown. It may change those of the first topology.
func (as *Assignments) Agree() []*sg.Explanation {
	for i, x := range as.first {
		var whose []string
		for j, n := range as.pending {
			if addrs := as.addrs[0][j]; slices.Contains(addrs, x.Header.SrcAddr()) || slices.Contains(addrs, x.Header.DstAddr()) {
				whose = append(whose, string(as.topo.ENIs[n].ID)) // texts add names
			}
		}
		if whose == nil {
			continue
		}
		x.Unanswered = as.said[i].unanswered
		note := "not known yet: the address of " + strings.Join(whose, " and that of ")
		if len(as.said[i].verdicts) == 1 {
			x.Notes = append(x.Notes, note+"; whichever AWS chooses, the verdict is the same")
			continue
		}
		as.first[i] = &sg.Explanation{Packet: x.Packet, Verdict: sg.Unknown, Reason: sg.UnknownAddress,
			Notes: append([]string{note + ", on which the verdict depends; -eni can give one"}, as.said[i].texts...)}
	}
	return as.first
}
