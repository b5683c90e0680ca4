package diff

import (
	"fmt"
	"net/netip"
	"strings"

	"go4.org/netipx"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/assign"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// mostPlaces bounds the subnets in which StandIns looks for addresses, each time among all.
const mostPlaces = 1000

// StandIns gives interfaces that have no address in one of two topologies to compare one
// that AWS may assign and that no rule singles out from their subnet, the same in both
// topologies. It reports whether there was one for all, and returns notes about what it
// did, none if every interface has an address. Compile the topologies after it.
func StandIns(before, after *sg.Topology) (all bool, notes []string) {
	type place struct {
		sg.VPCID
		sg.SubnetID
	}
	free, given := map[place][]netipx.IPRange{}, map[sg.ENIID]netip.Addr{}
	cidrs := assign.CIDRs(before, after)
	var stand, without []string
	for _, t := range [...]*sg.Topology{after, before} {
		names := prose.NamesOf(t)
		for i := range t.ENIs {
			e := &t.ENIs[i]
			if !assign.Pending(*e) {
				continue
			}
			at, a := place{e.VPC, e.Subnet}, given[e.ID]
			if _, known := free[at]; !known && len(free) < mostPlaces {
				free[at] = assign.Free(e, cidrs, before, after)
			}
			if r := free[at]; !a.IsValid() && len(r) > 0 && r[0].From().Is4() {
				a = r[0].From()
				if r[0] = netipx.IPRangeFrom(a.Next(), r[0].To()); !r[0].IsValid() {
					free[at] = r[1:]
				}
				given[e.ID] = a
				stand = append(stand, fmt.Sprintf("%s for %s", a, names.ENI(e.ID)))
			}
			if a.IsValid() {
				e.Addrs = []netip.Addr{a}
			} else {
				without = append(without, names.ENI(e.ID))
			}
		}
	}
	if stand != nil {
		notes = append(notes, "not known yet: addresses for which others stand here that no rule singles out, "+strings.Join(prose.First(stand, 4, ""), ", "))
	}
	if without != nil {
		notes = append(notes, "not known yet: the address of "+strings.Join(prose.First(without, 4, ""), ", ")+
			", on which verdicts depend: rules that name their groups are not compared; -eni can give one")
	}
	return without == nil, notes
}
