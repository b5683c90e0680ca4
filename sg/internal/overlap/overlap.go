// Package overlap tells which VPC packets between two interfaces are in, where addresses
// exist in several.
package overlap

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// An End is an interface at one end of a packet, the name that it goes by, and its address.
type End struct {
	Name string
	ENI  *sg.ENI
	Addr netip.Addr
}

// Between returns the VPC that a firewall has to be told for packets between two interfaces,
// "" for none. note says why these packets cannot be judged, "" if they can: one VPC has
// both addresses, and there such packets stay in it, between other interfaces perhaps.
func Between(t *sg.Topology, from, to End) (vpc sg.VPCID, note string) {
	if from.ENI.VPC == to.ENI.VPC {
		return from.ENI.VPC, ""
	}
	left, right := having(t, from.Addr), having(t, to.Addr)
	for _, v := range left {
		if !slices.Contains(right, v) {
			continue
		}
		note = fmt.Sprintf("%s is in %s, %s in %s", from.Name, VPC(from.ENI.VPC), to.Name, VPC(to.ENI.VPC))
		if v == from.ENI.VPC || v == to.ENI.VPC {
			return "", note + ", whose addresses overlap"
		}
		return "", note + ", and " + VPC(v) + " has both addresses as well"
	}
	switch {
	case len(left) > 1 && len(right) == 1:
		vpc = from.ENI.VPC
	case len(right) > 1 && len(left) == 1:
		vpc = to.ENI.VPC
	}
	return vpc, ""
}

// having returns the VPCs whose interfaces have an address.
func having(t *sg.Topology, a netip.Addr) (vpcs []sg.VPCID) {
	for i := range t.ENIs {
		e := &t.ENIs[i]
		if slices.Contains(e.Addrs, a) || slices.ContainsFunc(e.Prefixes, func(p netip.Prefix) bool { return p.Contains(a) }) {
			vpcs = append(vpcs, e.VPC)
		}
	}
	return vpcs
}

// VPC is a VPC for people.
func VPC(id sg.VPCID) string { return cmp.Or(string(id), "an unknown VPC") }
