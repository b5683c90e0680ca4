package sgtest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/words"
	"github.com/sgsim/sgsim/sg/load"
)

// ParseTopology reads a topology in its text form, one statement a line, in any
// order but that what belongs to something follows it. name is for errors.
//
//	vpc vpc-1 10.0.0.0/16 2001:db8::/56
//	subnet vpc-1 subnet-a 10.0.1.0/24
//	peering pcx-1 vpc-1 vpc-2 status=active requester-region=eu-west-1
//	transitgateway tgw-1 vpc-1 vpc-3 disabled=vpc-4 unknown=vpc-5 referencing=enable
//	prefixlist pl-corp family=ipv4 max=10 owner=AWS incomplete
//	entry pl-corp 198.51.100.0/24 desc="the office"
//	group sg-web vpc=vpc-1 name="web servers" associated=vpc-2
//	rule sg-web ingress tcp 443 0.0.0.0/0 id=sgr-1
//	eni eni-web 10.0.1.10 2001:db8::10 sg-web public=203.0.113.5 vpc=vpc-1
//
// Rules are written as [sg.ParseRule] reads them, and what follows eni as
// [load.ParseENI] does.
//
// The text says nothing that sg.Compile would refuse or not; that is for Compile.
func ParseTopology(name, text string) (*sg.Topology, error) {
	b := newBuilder(nil)
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		ws, err := words.Split(strings.TrimSuffix(line, "\r"))
		if err == nil && len(ws) > 0 {
			err = b.statement(line, ws)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, i+1, err))
		}
	}
	return b.topo, errors.Join(errs...)
}

// A builder makes a topology from statements.
type builder struct {
	topo *sg.Topology

	// old are the things that a statement with the same kind and id replaces.
	// Those that came later are kept beside each other, for Compile to refuse.
	old map[string]bool
}

// newBuilder goes on from a topology, whose parts may be replaced.
func newBuilder(t *sg.Topology) *builder {
	b := &builder{topo: &sg.Topology{}, old: map[string]bool{}}
	if t != nil {
		b.topo = cloneTopology(t)
		b.settle()
	}
	return b
}

// settle lets later statements replace everything there is.
func (b *builder) settle() {
	for i := range b.topo.VPCs {
		b.old["vpc "+string(b.topo.VPCs[i].ID)] = true
	}
	for i := range b.topo.Peerings {
		b.old["peering "+string(b.topo.Peerings[i].ID)] = true
	}
	for i := range b.topo.TransitGateways {
		b.old["transitgateway "+b.topo.TransitGateways[i].ID] = true
	}
	for i := range b.topo.PrefixLists {
		b.old["prefixlist "+string(b.topo.PrefixLists[i].ID)] = true
	}
	for i := range b.topo.Groups {
		b.old["group "+string(b.topo.Groups[i].ID)] = true
	}
	for i := range b.topo.ENIs {
		b.old["eni "+string(b.topo.ENIs[i].ID)] = true
	}
}

// isStatement reports whether a line that starts with word says something about
// the topology.
func isStatement(word string) bool {
	switch word {
	case "vpc", "subnet", "peering", "transitgateway", "prefixlist", "entry", "group", "rule", "eni", "remove":
		return true
	}
	return false
}

// statement takes one line, which was split into ws and has at least one word.
func (b *builder) statement(line string, ws []words.Word) error {
	kind, ws := ws[0].Value, ws[1:]
	if !isStatement(kind) {
		return fmt.Errorf("%q: not a statement about a topology", kind)
	}
	if len(ws) == 0 || ws[0].Key != "" && kind != "eni" {
		return fmt.Errorf("%s without an id", kind)
	}
	id, args := ws[0].Value, ws[1:]
	t := b.topo
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
			"associated": words.List(&g.Associations),
		}.Set(args)
		add(b, &t.Groups, kind, id, g, func(g sg.Group) string { return string(g.ID) })
		return err
	case "eni":
		e, err := load.ParseENI(line[ws[0].Start:])
		add(b, &t.ENIs, kind, string(e.ID), e, func(e sg.ENI) string { return string(e.ID) })
		return err
	case "subnet":
		return b.subnet(id, args)
	case "entry":
		return b.entry(id, args)
	case "rule":
		return b.rule(line, id, args)
	}
	return b.remove(id, args)
}

// add appends x, or puts it where the old one of its kind and id was.
func add[T any](b *builder, s *[]T, kind, id string, x T, idOf func(T) string) {
	if b.old[kind+" "+id] {
		delete(b.old, kind+" "+id)
		(*s)[slices.IndexFunc(*s, func(y T) bool { return idOf(y) == id })] = x
		return
	}
	*s = append(*s, x)
}

func (b *builder) subnet(id string, args []words.Word) error {
	i := last(b.topo.VPCs, func(v sg.VPC) bool { return string(v.ID) == id })
	if i < 0 {
		return fmt.Errorf("subnet of VPC %q, which no line above declares", id)
	}
	if len(args) == 0 || args[0].Key != "" {
		return errors.New("subnet without an id")
	}
	s := sg.Subnet{ID: sg.SubnetID(args[0].Value)}
	err := words.Fields{"": words.CIDRs(&s.CIDRs)}.Set(args[1:])
	v := &b.topo.VPCs[i]
	v.Subnets = append(v.Subnets, s)
	return err
}

func (b *builder) entry(id string, args []words.Word) error {
	i := last(b.topo.PrefixLists, func(p sg.PrefixList) bool { return string(p.ID) == id })
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
		b.topo.PrefixLists[i].Entries = append(b.topo.PrefixLists[i].Entries, e)
	}
	return err
}

func (b *builder) rule(line, id string, args []words.Word) error {
	i := last(b.topo.Groups, func(g sg.Group) bool { return string(g.ID) == id })
	if i < 0 {
		return fmt.Errorf("rule of group %q, which no line above declares", id)
	}
	dir, r, err := parseDirRule(line, args)
	if err == nil {
		rules := rulesOf(&b.topo.Groups[i], dir)
		*rules = append(*rules, r)
	}
	return err
}

// parseDirRule reads "ingress tcp 443 0.0.0.0/0", which starts at args[0].
func parseDirRule(line string, args []words.Word) (sg.Direction, sg.Rule, error) {
	if len(args) == 0 {
		return 0, sg.Rule{}, errors.New("rule without a direction")
	}
	dir, err := parseDirection(args[0])
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

func parseDirection(w words.Word) (sg.Direction, error) {
	for _, d := range []sg.Direction{sg.Ingress, sg.Egress} {
		if w.Key == "" && w.Value == d.String() {
			return d, nil
		}
	}
	return 0, fmt.Errorf("%q: neither ingress nor egress", w.Value)
}

func rulesOf(g *sg.Group, dir sg.Direction) *[]sg.Rule {
	if dir == sg.Ingress {
		return &g.Ingress
	}
	return &g.Egress
}

// remove takes away a thing by kind and id.
func (b *builder) remove(kind string, args []words.Word) error {
	if len(args) != 1 || args[0].Key != "" {
		return errors.New("remove what? a kind and one id")
	}
	t, id, n := b.topo, args[0].Value, 0
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
	case "eni":
		n = without(&t.ENIs, func(e sg.ENI) bool { return string(e.ID) == id })
	default:
		return fmt.Errorf("remove %q: not vpc, peering, transitgateway, prefixlist, group or eni", kind)
	}
	if n == 0 {
		return fmt.Errorf("remove %s %q: there is none", kind, id)
	}
	delete(b.old, kind+" "+id)
	return nil
}

func without[T any](s *[]T, drop func(T) bool) int {
	n := len(*s)
	*s = slices.DeleteFunc(*s, drop)
	return n - len(*s)
}

func last[T any](s []T, f func(T) bool) int {
	for i := len(s) - 1; i >= 0; i-- {
		if f(s[i]) {
			return i
		}
	}
	return -1
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
