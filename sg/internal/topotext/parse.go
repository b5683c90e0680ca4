// Package topotext is the text form of a topology, one statement a line, which package
// sgtest documents. Scenarios and files of package load are written in it.
package topotext

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// Parse reads a topology in its text form. name is for errors.
func Parse(name, text string) (*sg.Topology, error) {
	b := New(nil)
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		ws, err := words.Split(strings.TrimSuffix(line, "\r"))
		if err == nil && len(ws) > 0 {
			err = b.Statement(line, ws)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, i+1, err))
		}
	}
	return b.Topo, errors.Join(errs...)
}

// A Builder makes a topology from statements.
type Builder struct {
	Topo *sg.Topology

	// old are the things that a statement with the same kind and id replaces.
	// Those that came later are kept beside each other, for Compile to refuse.
	old map[string]bool

	// at are places in the topology by kind and id, so that a statement that goes on with a
	// thing does not search for it. Of several with one id it is the last.
	at map[string]int
}

// New goes on from a topology, whose parts may be replaced.
func New(t *sg.Topology) *Builder {
	b := &Builder{Topo: &sg.Topology{}, old: map[string]bool{}, at: map[string]int{}}
	if t != nil {
		b.Topo = Clone(t)
		b.Settle()
	}
	return b
}

// Settle lets later statements replace everything there is.
func (b *Builder) Settle() {
	for i := range b.Topo.VPCs {
		b.old["vpc "+string(b.Topo.VPCs[i].ID)] = true
	}
	for i := range b.Topo.Peerings {
		b.old["peering "+string(b.Topo.Peerings[i].ID)] = true
	}
	for i := range b.Topo.TransitGateways {
		b.old["transitgateway "+b.Topo.TransitGateways[i].ID] = true
	}
	for i := range b.Topo.PrefixLists {
		b.old["prefixlist "+string(b.Topo.PrefixLists[i].ID)] = true
	}
	for i := range b.Topo.Groups {
		b.old["group "+string(b.Topo.Groups[i].ID)] = true
	}
	for i := range b.Topo.NetworkACLs {
		b.old["acl "+string(b.Topo.NetworkACLs[i].ID)] = true
	}
	for i := range b.Topo.ENIs {
		b.old["eni "+string(b.Topo.ENIs[i].ID)] = true
	}
}

// Append adds all parts of t behind those there are.
func (b *Builder) Append(t *sg.Topology) {
	clear(b.at)
	b.Topo.VPCs = append(b.Topo.VPCs, t.VPCs...)
	b.Topo.Peerings = append(b.Topo.Peerings, t.Peerings...)
	b.Topo.TransitGateways = append(b.Topo.TransitGateways, t.TransitGateways...)
	b.Topo.PrefixLists = append(b.Topo.PrefixLists, t.PrefixLists...)
	b.Topo.Groups = append(b.Topo.Groups, t.Groups...)
	b.Topo.NetworkACLs = append(b.Topo.NetworkACLs, t.NetworkACLs...)
	b.Topo.ENIs = append(b.Topo.ENIs, t.ENIs...)
}

// IsStatement reports whether a line that starts with word says something about
// the topology.
func IsStatement(word string) bool {
	switch word {
	case "vpc", "subnet", "peering", "transitgateway", "prefixlist", "entry", "group", "rule", "acl", "aclentry", "eni", "remove":
		return true
	}
	return false
}

// Statement takes one line, which was split into ws and has at least one word.
func (b *Builder) Statement(line string, ws []words.Word) error {
	kind, ws := ws[0].Value, ws[1:]
	if !IsStatement(kind) {
		return fmt.Errorf("%q: not a statement about a topology, as \"rule sg-web ingress tcp 443 0.0.0.0/0\" is", kind)
	}
	if len(ws) == 0 || ws[0].Key != "" && kind != "eni" {
		return fmt.Errorf("%s without an id", kind)
	}
	id, args := ws[0].Value, ws[1:]
	t := b.Topo
	switch kind {
	case "vpc":
		v := sg.VPC{ID: sg.VPCID(id)}
		err := words.Fields{
			"": words.CIDRs(&v.CIDRs), "account": words.Text(&v.Account), "flag default": words.Flag(&v.Default),
		}.Set(args)
		add(b, &t.VPCs, kind, id, v, func(v sg.VPC) string { return string(v.ID) })
		return err
	case "peering":
		p := sg.Peering{ID: sg.PeeringID(id)}
		if len(args) < 2 || args[0].Key != "" || args[1].Key != "" {
			return errors.New("peering without two VPCs")
		}
		p.Requester, p.Accepter = sg.VPCID(args[0].Value), sg.VPCID(args[1].Value)
		err := words.Fields{
			"status": words.Text(&p.Status), "requester-region": words.Text(&p.RequesterRegion), "accepter-region": words.Text(&p.AccepterRegion),
		}.Set(args[2:])
		add(b, &t.Peerings, kind, id, p, func(p sg.Peering) string { return string(p.ID) })
		return err
	case "transitgateway":
		g := sg.TransitGateway{ID: id}
		attached := func(option string) func(string) error {
			return func(vpc string) error {
				g.Attachments = append(g.Attachments, sg.TransitGatewayAttachment{VPC: sg.VPCID(vpc), Referencing: option})
				return nil
			}
		}
		err := words.Fields{
			"": attached("enable"), "disabled": attached("disable"), "unknown": attached(""), "referencing": words.Text(&g.Referencing),
		}.Set(args)
		add(b, &t.TransitGateways, kind, id, g, func(g sg.TransitGateway) string { return g.ID })
		return err
	case "prefixlist":
		p := sg.PrefixList{ID: sg.PrefixListID(id)}
		err := words.Fields{
			"name": words.Text(&p.Name), "family": family(&p.Family), "max": words.Number(&p.MaxEntries), "owner": words.Text(&p.Owner),
			"flag incomplete": words.Flag(&p.Incomplete),
		}.Set(args)
		add(b, &t.PrefixLists, kind, id, p, func(p sg.PrefixList) string { return string(p.ID) })
		return err
	case "group":
		g := sg.Group{ID: sg.GroupID(id)}
		err := words.Fields{
			"name": words.Text(&g.Name), "desc": words.Text(&g.Description), "vpc": words.Text(&g.VPC), "account": words.Text(&g.Account),
			"associated": words.List(&g.Associations), "flag incomplete": words.Flag(&g.Incomplete),
		}.Set(args)
		add(b, &t.Groups, kind, id, g, func(g sg.Group) string { return string(g.ID) })
		return err
	case "acl":
		a := sg.NetworkACL{ID: sg.NetworkACLID(id)}
		err := words.Fields{
			"name": words.Text(&a.Name), "vpc": words.Text(&a.VPC), "subnet": words.List(&a.Subnets), "flag default": words.Flag(&a.IsDefault),
		}.Set(args)
		add(b, &t.NetworkACLs, kind, id, a, func(a sg.NetworkACL) string { return string(a.ID) })
		return err
	case "eni":
		e, err := ParseENI(line[ws[0].Start:])
		add(b, &t.ENIs, kind, string(e.ID), e, func(e sg.ENI) string { return string(e.ID) })
		return err
	case "subnet":
		return b.subnet(id, args)
	case "entry":
		return b.entry(id, args)
	case "rule":
		return b.rule(line, id, args)
	case "aclentry":
		return b.aclEntry(line, id, args)
	}
	return b.remove(id, args)
}

// add appends x, or puts it where the old one of its kind and id was.
func add[T any](b *Builder, s *[]T, kind, id string, x T, idOf func(T) string) {
	if b.old[kind+" "+id] {
		delete(b.old, kind+" "+id)
		(*s)[slices.IndexFunc(*s, func(y T) bool { return idOf(y) == id })] = x
		return
	}
	b.at[kind+" "+id] = len(*s)
	*s = append(*s, x)
}

// last returns the place of the last thing of a kind with an id, -1 where there is none.
func last[T any](b *Builder, kind, id string, s []T, idOf func(*T) string) int {
	if i, ok := b.at[kind+" "+id]; ok {
		return i
	}
	for i := len(s) - 1; i >= 0; i-- {
		if idOf(&s[i]) == id {
			b.at[kind+" "+id] = i
			return i
		}
	}
	return -1
}

func (b *Builder) subnet(id string, args []words.Word) error {
	i := last(b, "vpc", id, b.Topo.VPCs, func(v *sg.VPC) string { return string(v.ID) })
	if i < 0 {
		return fmt.Errorf("subnet of VPC %q, which no line above declares", id)
	}
	if len(args) == 0 || args[0].Key != "" {
		return errors.New("subnet without an id")
	}
	s := sg.Subnet{ID: sg.SubnetID(args[0].Value)}
	err := words.Fields{"": words.CIDRs(&s.CIDRs)}.Set(args[1:])
	v := &b.Topo.VPCs[i]
	v.Subnets = append(v.Subnets, s)
	return err
}

func (b *Builder) entry(id string, args []words.Word) error {
	i := last(b, "prefixlist", id, b.Topo.PrefixLists, func(p *sg.PrefixList) string { return string(p.ID) })
	if i < 0 {
		return fmt.Errorf("entry of prefix list %q, which no line above declares", id)
	}
	var at []netip.Prefix
	e := sg.PrefixListEntry{}
	err := words.Fields{"": words.CIDRs(&at), "desc": words.Text(&e.Description)}.Set(args)
	if err == nil && len(at) != 1 {
		err = errors.New("an entry is one CIDR block")
	}
	if err == nil {
		e.CIDR = at[0]
		b.Topo.PrefixLists[i].Entries = append(b.Topo.PrefixLists[i].Entries, e)
	}
	return err
}

func (b *Builder) rule(line, id string, args []words.Word) error {
	i := last(b, "group", id, b.Topo.Groups, func(g *sg.Group) string { return string(g.ID) })
	if i < 0 {
		return fmt.Errorf("rule of group %q, which no line above declares", id)
	}
	dir, r, err := ParseDirRule(line, args)
	if err == nil {
		rules := RulesOf(&b.Topo.Groups[i], dir)
		*rules = append(*rules, r)
	}
	return err
}

// ParseDirRule reads "ingress tcp 443 0.0.0.0/0", which starts at args[0].
func ParseDirRule(line string, args []words.Word) (sg.Direction, sg.Rule, error) {
	if len(args) == 0 {
		return 0, sg.Rule{}, errors.New("rule without a direction")
	}
	dir, err := ParseDirection(args[0])
	if err != nil {
		return 0, sg.Rule{}, err
	}
	rest := ""
	if len(args) > 1 {
		rest = line[args[1].Start:]
	}
	r, err := sg.ParseRule(rest)
	return dir, r, err
}

// ParseDirection reads "ingress" or "egress".
func ParseDirection(w words.Word) (sg.Direction, error) {
	for _, d := range []sg.Direction{sg.Ingress, sg.Egress} {
		if w.Key == "" && w.Value == d.String() {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q: neither ingress nor egress", w.Value)
}

// RulesOf returns the rules of one direction.
func RulesOf(g *sg.Group, dir sg.Direction) *[]sg.Rule {
	if dir == sg.Ingress {
		return &g.Ingress
	}
	return &g.Egress
}

// remove takes away a thing by kind and id.
func (b *Builder) remove(kind string, args []words.Word) error {
	if len(args) != 1 || args[0].Key != "" {
		return errors.New("remove what? a kind and one id")
	}
	t, id, n := b.Topo, args[0].Value, 0
	switch kind {
	case "vpc":
		n = without(&t.VPCs, func(v sg.VPC) bool { return string(v.ID) == id })
	case "peering":
		n = without(&t.Peerings, func(p sg.Peering) bool { return string(p.ID) == id })
	case "transitgateway":
		n = without(&t.TransitGateways, func(g sg.TransitGateway) bool { return g.ID == id })
	case "prefixlist":
		n = without(&t.PrefixLists, func(p sg.PrefixList) bool { return string(p.ID) == id })
	case "group":
		for i := range t.ENIs {
			if slices.Contains(t.ENIs[i].Groups, sg.GroupID(id)) {
				return fmt.Errorf("remove group %q: %s carries it (DependencyViolation)", id, t.ENIs[i].ID)
			}
		}
		n = without(&t.Groups, func(g sg.Group) bool { return string(g.ID) == id })
	case "acl":
		if i := b.lastACL(id); i >= 0 {
			if a := &t.NetworkACLs[i]; a.IsDefault || len(a.Subnets) > 0 { // NACL-38
				return fmt.Errorf("remove acl %q: it is a default one, or a subnet has it (DependencyViolation)", id)
			}
		}
		n = without(&t.NetworkACLs, func(a sg.NetworkACL) bool { return string(a.ID) == id })
	case "eni":
		n = without(&t.ENIs, func(e sg.ENI) bool { return string(e.ID) == id })
	default:
		return fmt.Errorf("remove %q: not vpc, peering, transitgateway, prefixlist, group, acl or eni", kind)
	}
	if n == 0 {
		return fmt.Errorf("remove %s %q: there is none", kind, id)
	}
	delete(b.old, kind+" "+id)
	clear(b.at)
	return nil
}

func without[T any](s *[]T, drop func(T) bool) int {
	n := len(*s)
	*s = slices.DeleteFunc(*s, drop)
	return n - len(*s)
}

func family(p *packet.Family) func(string) error {
	return func(s string) error {
		switch s {
		case "ipv4":
			*p = packet.IPv4
		case "ipv6":
			*p = packet.IPv6
		default:
			return fmt.Errorf("%q: neither ipv4 nor ipv6", s)
		}
		return nil
	}
}
