package naive_test

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/naive"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// A change is one thing that changes, as a scenario writes it, with what it does
// to a topology and to a firewall.
type change struct {
	text  func() string
	topo  func(*sg.Topology) bool             // false: it is refused
	apply func(*sg.Firewall, time.Time) error // nil: a new policy does it
	what  naive.Change
}

func format(s string, args ...any) func() string {
	return func() string { return fmt.Sprintf(s, args...) }
}

// change draws one that a firewall makes in place. Of the topology it names a rule
// to revoke.
func (d *draw) change(t *sg.Topology) change {
	switch d.n(7) {
	case 6:
		if c, ok := d.aclChange(t); ok {
			return c
		}
		fallthrough
	case 0, 1:
		id, dir, r := pick(d, drawGroups...), pick(d, sg.Ingress, sg.Egress), sg.AllTraffic.From(pick(d, sg.AnyIPv4, sg.AnyIPv6))
		if d.chance(60) {
			r = d.rule()
		}
		return change{
			text:  format("authorize %s %s %s", id, dir, r),
			topo:  func(t *sg.Topology) bool { return addRule(t, id, dir, r) },
			apply: func(f *sg.Firewall, now time.Time) error { return f.Authorize(id, dir, r, now) },
			what:  naive.Change{Group: id},
		}
	case 2:
		id, g := pick(d, drawENIs...), pick(d, drawGroups...)
		c := change{
			text:  format("attach %s %s", id, g),
			apply: func(f *sg.Firewall, now time.Time) error { return f.Attach(id, g, now) },
			topo: func(t *sg.Topology) bool {
				e := eniOf(t, id)
				if e != nil {
					e.Groups = append(slices.Clone(e.Groups), g)
				}
				return e != nil
			},
			what: naive.Change{ENI: id},
		}
		if e := eniOf(t, id); e != nil && slices.Contains(e.Groups, g) { // it changes nothing
			c.topo, c.what = func(*sg.Topology) bool { return true }, naive.Change{Nothing: true}
		}
		return c
	case 3:
		id, g := pick(d, drawENIs...), pick(d, drawGroups...)
		return change{
			text:  format("detach %s %s", id, g),
			apply: func(f *sg.Firewall, now time.Time) error { return f.Detach(id, g, now) },
			topo: func(t *sg.Topology) bool {
				e := eniOf(t, id)
				if e == nil || !slices.Contains(e.Groups, g) {
					return false
				}
				e.Groups = slices.DeleteFunc(slices.Clone(e.Groups), func(o sg.GroupID) bool { return o == g })
				return true
			},
			what: naive.Change{ENI: id},
		}
	case 4:
		id := pick(d, drawLists...)
		e := d.entry(id)
		entries := func(t *sg.Topology) *[]sg.PrefixListEntry { return &t.PrefixLists[slices.Index(drawLists, id)].Entries }
		if d.chance(50) {
			return change{
				text:  format("entry add %s %s", id, e.CIDR),
				apply: func(f *sg.Firewall, now time.Time) error { return f.AddEntry(id, e.CIDR, now) },
				topo: func(t *sg.Topology) bool {
					p := entries(t)
					if slices.Contains(*p, e) {
						return false
					}
					*p = append(*p, e)
					return true
				},
				what: naive.Change{List: id},
			}
		}
		return change{
			text:  format("entry remove %s %s", id, e.CIDR),
			apply: func(f *sg.Firewall, now time.Time) error { return f.RemoveEntry(id, e.CIDR, now) },
			topo: func(t *sg.Topology) bool {
				p := entries(t)
				n := len(*p)
				*p = slices.DeleteFunc(*p, func(o sg.PrefixListEntry) bool { return o == e })
				return len(*p) < n
			},
			what: naive.Change{List: id},
		}
	}
	id, dir, n := pick(d, drawGroups...), pick(d, sg.Ingress, sg.Egress), d.n(4)
	r := d.rule() // likely not to be there
	if rules := *rulesOf(t, id, dir); n < len(rules) {
		r = rules[n]
	}
	return change{
		text:  format("revoke %s %s %s", id, dir, r),
		topo:  func(t *sg.Topology) bool { return removeRule(t, id, dir, r) },
		apply: func(f *sg.Firewall, now time.Time) error { return f.Revoke(id, dir, r, now) },
		what:  naive.Change{Group: id},
	}
}

// aclChange draws a change of the network ACLs; there may be none.
func (d *draw) aclChange(t *sg.Topology) (c change, ok bool) {
	if len(t.NetworkACLs) == 0 {
		return c, false
	}
	id, dir, e := t.NetworkACLs[d.n(len(t.NetworkACLs))].ID, pick(d, sg.Ingress, sg.Egress), d.aclEntry()
	at := func(t *sg.Topology) (*[]sg.ACLEntry, int) {
		a := &t.NetworkACLs[slices.IndexFunc(t.NetworkACLs, func(a sg.NetworkACL) bool { return a.ID == id })]
		list := &a.Ingress
		if dir == sg.Egress {
			list = &a.Egress
		}
		return list, slices.IndexFunc(*list, func(o sg.ACLEntry) bool { return o.Number == e.Number })
	}
	c.what.Nothing = true
	switch d.n(4) {
	case 0:
		c.text = format("aclentry add %s %s %s", id, dir, e)
		c.apply = func(f *sg.Firewall, now time.Time) error { return f.AddACLEntry(id, dir, e) }
		c.topo = func(t *sg.Topology) bool {
			list, i := at(t)
			if i < 0 {
				*list = append(*list, e)
			}
			return i < 0
		}
	case 1:
		c.text = format("aclentry replace %s %s %s", id, dir, e)
		c.apply = func(f *sg.Firewall, now time.Time) error { return f.ReplaceACLEntry(id, dir, e) }
		c.topo = func(t *sg.Topology) bool {
			list, i := at(t)
			if i >= 0 {
				(*list)[i] = e
			}
			return i >= 0
		}
	case 2:
		c.text = format("aclentry remove %s %s %d", id, dir, e.Number)
		c.apply = func(f *sg.Firewall, now time.Time) error { return f.RemoveACLEntry(id, dir, e.Number) }
		c.topo = func(t *sg.Topology) bool {
			list, i := at(t)
			if i >= 0 {
				*list = slices.Delete(*list, i, i+1)
			}
			return i >= 0
		}
	default:
		subnet := pick(d, drawSubnets[:3]...)
		other := id == "acl-3" != (subnet == "subnet-3") // of another VPC
		to := id
		if d.chance(40) {
			to, other = "", false
		}
		c.text = func() string { return strings.TrimSpace(fmt.Sprintf("associate %s %s", subnet, to)) }
		c.apply = func(f *sg.Firewall, now time.Time) error { return f.AssociateACL(subnet, to) }
		c.topo = func(t *sg.Topology) bool {
			if other {
				return false
			}
			for i := range t.NetworkACLs {
				a := &t.NetworkACLs[i]
				a.Subnets = slices.DeleteFunc(slices.Clone(a.Subnets), func(s sg.SubnetID) bool { return s == subnet })
				if a.ID == to {
					a.Subnets = append(a.Subnets, subnet)
				}
			}
			return true
		}
	}
	return c, true
}

// swap draws a change that needs a new policy: of an interface, which may also
// stay as it is, come or go, or of the peering.
func (d *draw) swap(t *sg.Topology) change {
	statement := func(part *sg.Topology) string { return strings.TrimSpace(sgtest.FormatTopology(part)) }
	if d.chance(20) {
		p := sg.Peering{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: pick(d, "active", "deleted")}
		return change{
			text: func() string { return statement(&sg.Topology{Peerings: []sg.Peering{p}}) },
			topo: func(t *sg.Topology) bool {
				t.Peerings = []sg.Peering{p}
				return true
			},
		}
	}
	id := pick(d, drawENIs...)
	if id == "eni-3" && d.chance(50) && eniOf(t, id) != nil {
		return change{
			text: format("remove eni %s", id),
			topo: func(t *sg.Topology) bool {
				t.ENIs = slices.DeleteFunc(t.ENIs, func(e sg.ENI) bool { return e.ID == id })
				return true
			},
		}
	}
	e := drawInterfaces[slices.Index(drawENIs, id)]
	e.Groups = d.groups()
	if old := eniOf(t, id); old != nil {
		e = *old
	}
	switch d.n(4) {
	case 1:
		e.Instance = pick(d, drawInstances...)
	case 2:
		e.NitroV6 = !e.NitroV6
	case 3:
		e.Timeouts.UDP = pick(d, 0, 40*time.Second)
	}
	return change{
		text: func() string { return statement(&sg.Topology{ENIs: []sg.ENI{e}}) },
		topo: func(t *sg.Topology) bool {
			if old := eniOf(t, id); old != nil {
				*old = e
			} else {
				t.ENIs = append(t.ENIs, e)
			}
			return true
		},
	}
}

// eniOf returns an interface of the topology, nil if it has none of the id.
func eniOf(t *sg.Topology, id sg.ENIID) *sg.ENI {
	for i := range t.ENIs {
		if t.ENIs[i].ID == id {
			return &t.ENIs[i]
		}
	}
	return nil
}

func rulesOf(t *sg.Topology, id sg.GroupID, dir sg.Direction) *[]sg.Rule {
	return topotext.RulesOf(&t.Groups[slices.IndexFunc(t.Groups, func(g sg.Group) bool { return g.ID == id })], dir)
}

func addRule(t *sg.Topology, id sg.GroupID, dir sg.Direction, r sg.Rule) bool {
	rules := rulesOf(t, id, dir)
	if slices.ContainsFunc(*rules, func(o sg.Rule) bool { return o.Same(r, id) }) {
		return false
	}
	*rules = append(*rules, r)
	return true
}

func removeRule(t *sg.Topology, id sg.GroupID, dir sg.Direction, r sg.Rule) bool {
	rules := rulesOf(t, id, dir)
	left := slices.DeleteFunc(slices.Clone(*rules), func(o sg.Rule) bool { return o.Same(r, id) })
	if len(left) == len(*rules) {
		return false
	}
	*rules = left
	return true
}
