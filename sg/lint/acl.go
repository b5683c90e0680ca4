package lint

import (
	"slices"

	"github.com/sgsim/sgsim/sg"
)

// acls checks the network ACLs, in topology order, then the subnets without any.
func (c *checker) acls() {
	if len(c.t.NetworkACLs) == 0 {
		return
	}
	inVPC := map[sg.VPCID]int{}
	known := map[sg.SubnetID]bool{}
	complete := map[sg.VPCID]bool{} // VPCs whose subnets the topology has
	for _, v := range c.t.VPCs {
		complete[v.ID] = len(v.Subnets) > 0
		for _, s := range v.Subnets {
			known[s.ID] = true
		}
	}
	for i := range c.t.NetworkACLs {
		a := &c.t.NetworkACLs[i]
		at := Subject{ACL: a.ID}
		if inVPC[a.VPC]++; inVPC[a.VPC] == c.quotas.ACLsPerVPC+1 {
			c.add(at, QuotaExceeded, "more than %d network ACLs in %s", c.quotas.ACLsPerVPC, a.VPC).refused("NetworkAclLimitExceeded")
		}
		for _, s := range a.Subnets {
			if complete[a.VPC] && !known[s] {
				c.add(at, Dangling, "%s is not in the topology", s).refused("InvalidSubnetID.NotFound")
			}
		}
		in, out := sorted(a.Ingress), sorted(a.Egress)
		c.entries(a, sg.Ingress, in)
		c.entries(a, sg.Egress, out)
		c.answers(a, sg.Ingress, in, out)
		c.answers(a, sg.Egress, out, in)
		c.pathMTU(a, sg.Ingress, in)
		c.pathMTU(a, sg.Egress, out)
	}
	c.unjudged()
}

// sorted returns the user's entries in the order in which they are asked, without AWS's
// own.
func sorted(entries []sg.ACLEntry) []sg.ACLEntry {
	own := slices.DeleteFunc(slices.Clone(entries), func(e sg.ACLEntry) bool { return e.Number > sg.LastACLEntry || !e.CIDR.IsValid() })
	slices.SortStableFunc(own, func(a, b sg.ACLEntry) int { return a.Number - b.Number })
	return own
}

// mostEntries bounds the entries of a list that others are compared with: AWS allows
// 40.
const mostEntries = 1000

// entries checks the entries of one direction.
func (c *checker) entries(a *sg.NetworkACL, dir sg.Direction, entries []sg.ACLEntry) {
	v4, v6 := 1, 1 // AWS's own count (NACL-68)
	for i, e := range entries {
		at := Subject{ACL: a.ID, Dir: dir, Number: e.Number}
		is4 := e.CIDR.Addr().Is4()
		if is4 {
			v4++
		} else {
			v6++
		}
		switch {
		case (e.Protocol == sg.TCP || e.Protocol == sg.UDP) && e.Ports == sg.Port(0): // NACL-48, NACL-74
			c.add(at, Misleading, "only port 0, which nobody uses; all ports are 0-65535")
		case e.Protocol == sg.ICMPv6 && is4: // NACL-44
			c.add(at, NeverMatches, "ICMPv6 over IPv4, which nobody sends; ping over IPv4 is icmp 8/-1")
		case e.Protocol == sg.ICMP && !is4: // NACL-45
			c.add(at, NeverMatches, "ICMP over IPv6, which nobody sends; ping over IPv6 is icmpv6 128/0")
		}
		for _, before := range entries[:min(i, mostEntries)] {
			if c.compared++; !coversAll(before, e) {
				continue
			}
			kind := Shadowed
			if before.Allow != e.Allow {
				kind = Contrary
			}
			c.add(at, kind, "%d comes first and %s all that it matches (NACL-30)", before.Number, action(before.Allow))
			break
		}
	}
	byFamily(v4, v6, c.quotas.ACLEntries, func(family string, n int) {
		c.add(Subject{ACL: a.ID}, QuotaExceeded, "%d %s entries for %s with AWS's own, quota %d", n, dir, family, c.quotas.ACLEntries).
			refused("NetworkAclEntryLimitExceeded")
	})
}

// coversAll reports whether an entry matches all that another one matches.
func coversAll(a, b sg.ACLEntry) bool {
	x, y := a.Rule().Canonical(""), b.Rule().Canonical("")
	return admitsAll(&x, &y)
}

func action(allow bool) string {
	if allow {
		return "allows"
	}
	return "denies"
}

// pathMTU checks whether routers can report that a packet is too large, if TCP
// passes (NACL-21). It is only a note, since the ACL that AWS recommends lets none of
// them in.
func (c *checker) pathMTU(a *sg.NetworkACL, dir sg.Direction, entries []sg.ACLEntry) {
	for _, f := range []struct {
		is4       bool
		name      string
		protocol  sg.Protocol
		typ, code int
	}{{true, "icmp 3/4", sg.ICMP, 3, 4}, {false, "icmpv6 2/0", sg.ICMPv6, 2, 0}} {
		tcp, told := false, false
		for _, e := range entries {
			if !e.Allow || e.CIDR.Addr().Is4() != f.is4 {
				continue
			}
			tcp = tcp || e.Protocol == sg.TCP || e.Protocol == sg.AllProtocols
			m := e.ICMP
			told = told || e.Protocol == sg.AllProtocols || e.Protocol == f.protocol &&
				(m.Type() == -1 || m.Type() == f.typ && (m.Code() == -1 || m.Code() == f.code))
		}
		if tcp && !told {
			c.add(Subject{ACL: a.ID}, Blocked,
				"%s allows tcp but nowhere %s: path MTU discovery fails, and large transfers may stall", dir, f.name).Severity = Note
		}
	}
}

// unjudged lists the subnets at whose borders no ACL is known.
func (c *checker) unjudged() {
	has, byDefault := map[sg.SubnetID]bool{}, map[sg.VPCID]bool{}
	for _, a := range c.t.NetworkACLs {
		byDefault[a.VPC] = byDefault[a.VPC] || a.IsDefault
		for _, s := range a.Subnets {
			has[s] = true
		}
	}
	look := func(id sg.SubnetID, vpc sg.VPCID) {
		if id != "" && !has[id] && !byDefault[vpc] {
			has[id] = true
			c.add(Subject{Subnet: id}, Unjudged, "no network ACL names it, and the default one of its VPC is not in the topology: none is judged there")
		}
	}
	for _, v := range c.t.VPCs {
		for _, s := range v.Subnets {
			look(s.ID, v.ID)
		}
	}
	for i := range c.t.ENIs {
		look(c.t.ENIs[i].Subnet, c.t.ENIs[i].VPC)
	}
}
