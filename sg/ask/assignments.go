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
		for _, given := range as.addrs {
			but := other
			for _, addrs := range given {
				for _, a := range addrs {
					but = append(slices.Clip(but), netip.PrefixFrom(a, a.BitLen()))
				}
			}
			parts := partsOf(assign.Free(&topo.ENIs[n], but, topo), cuts)
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

// partsOf returns an address of every part of ranges between cuts, by family.
func partsOf(ranges []netipx.IPRange, cuts []netip.Addr) (parts [2][]netip.Addr) {
	last := -1 // part that has one
	for _, r := range ranges {
		for a := r.From(); a.IsValid() && r.Contains(a); {
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

// Agree returns what explanations of the same packets in each topology of All say together.
// Where verdicts differ, the packet's is unknown. It may change the explanations.
func (as *Assignments) Agree(said [][]*sg.Explanation) []*sg.Explanation {
	all := said[0]
	if len(as.pending) == 0 {
		return all
	}
	for i, x := range all {
		var whose []string
		for j, n := range as.pending {
			if addrs := as.addrs[0][j]; slices.Contains(addrs, x.Header.SrcAddr()) || slices.Contains(addrs, x.Header.DstAddr()) {
				whose = append(whose, string(as.topo.ENIs[n].ID)) // texts add names
			}
		}
		if whose == nil {
			continue
		}
		note := "not known yet: the address of " + strings.Join(whose, " and that of ")
		var seen []sg.Verdict
		var each []string
		for _, s := range said {
			x.Unanswered = x.Unanswered || s[i].Unanswered
			if y := s[i]; !slices.Contains(seen, y.Verdict) {
				seen = append(seen, y.Verdict)
				each = append(each, fmt.Sprintf("from %s to %s it is: %s, %s", y.Header.SrcAddr(), y.Header.DstAddr(), y.Verdict, y.Reason))
			}
		}
		if len(seen) == 1 {
			x.Notes = append(x.Notes, note+"; whichever AWS chooses, the verdict is the same")
			continue
		}
		all[i] = &sg.Explanation{Packet: x.Packet, Verdict: sg.Unknown, Reason: sg.UnknownAddress,
			Notes: append([]string{note + ", on which the verdict depends; -eni can give one"}, each...)}
	}
	return all
}
