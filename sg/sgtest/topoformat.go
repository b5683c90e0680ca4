package sgtest

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// FormatTopology writes t in the form that [ParseTopology] reads back. Invalid
// addresses and prefixes are left out, since they have no text.
func FormatTopology(t *sg.Topology) string {
	var w lineWriter
	for i := range t.VPCs {
		v := &t.VPCs[i]
		w.start("vpc", string(v.ID))
		writeAll(&w, v.CIDRs)
		w.field("account", string(v.Account))
		w.flag("default", v.Default)
		for _, s := range v.Subnets {
			w.start("subnet", string(v.ID), string(s.ID))
			writeAll(&w, s.CIDRs)
		}
	}
	for _, p := range t.Peerings {
		w.start("peering", string(p.ID), string(p.Requester), string(p.Accepter))
		w.field("status", p.Status)
		w.field("requester-region", p.RequesterRegion)
		w.field("accepter-region", p.AccepterRegion)
	}
	for _, g := range t.TransitGateways {
		w.start("transitgateway", g.ID)
		for _, a := range g.Attachments {
			switch a.Referencing {
			case "enable":
				w.bare(string(a.VPC))
			case "disable":
				w.keep("disabled", string(a.VPC))
			default:
				w.keep("unknown", string(a.VPC))
			}
		}
		w.field("referencing", g.Referencing)
	}
	for i := range t.PrefixLists {
		p := &t.PrefixLists[i]
		w.start("prefixlist", string(p.ID))
		w.field("name", p.Name)
		switch p.Family {
		case packet.IPv4:
			w.field("family", "ipv4")
		case packet.IPv6:
			w.field("family", "ipv6")
		}
		if p.MaxEntries != 0 {
			w.field("max", strconv.Itoa(p.MaxEntries))
		}
		w.field("owner", string(p.Owner))
		w.flag("incomplete", p.Incomplete)
		for _, e := range p.Entries {
			if e.CIDR.IsValid() {
				w.start("entry", string(p.ID), e.CIDR.String())
				w.field("desc", e.Description)
			}
		}
	}
	for i := range t.Groups {
		formatGroup(&w, &t.Groups[i])
	}
	for i := range t.ENIs {
		formatENI(&w, &t.ENIs[i])
	}
	if len(w.b) == 0 {
		return ""
	}
	return string(w.b) + "\n"
}

func formatGroup(w *lineWriter, g *sg.Group) {
	w.start("group", string(g.ID))
	w.field("name", g.Name)
	w.field("desc", g.Description)
	w.field("vpc", string(g.VPC))
	w.field("account", string(g.Account))
	for _, v := range g.Associations {
		w.keep("associated", string(v))
	}
	for _, dir := range []sg.Direction{sg.Ingress, sg.Egress} {
		for _, r := range *rulesOf(g, dir) {
			w.start("rule", string(g.ID), dir.String())
			w.b = append(append(w.b, ' '), r.String()...)
		}
	}
}

func formatENI(w *lineWriter, e *sg.ENI) {
	w.start("eni", string(e.ID))
	writeAll(w, e.Addrs)
	writeAll(w, e.Prefixes)
	for _, g := range e.Groups {
		if words.Quote(string(g)) == string(g) && strings.HasPrefix(string(g), "sg-") {
			w.bare(string(g))
		} else {
			w.keep("group", string(g))
		}
	}
	for _, a := range e.Public {
		if a.IsValid() {
			w.field("public", a.String())
		}
	}
	w.field("name", e.Name)
	w.field("vpc", string(e.VPC))
	w.field("subnet", string(e.Subnet))
	w.field("instance", string(e.Instance))
	w.field("account", string(e.Account))
	w.field("type", e.Type)
	w.duration("tcp-established", e.Timeouts.TCPEstablished)
	w.duration("udp", e.Timeouts.UDP)
	w.duration("udp-stream", e.Timeouts.UDPStream)
	w.flag("nitro-v6", e.NitroV6)
	w.flag("managed", e.RequesterManaged)
	w.flag("no-source-dest-check", e.NoSourceDestCheck)
}

// A lineWriter writes statements.
type lineWriter struct{ b []byte }

func (w *lineWriter) start(kind string, ids ...string) {
	if len(w.b) > 0 {
		w.b = append(w.b, '\n')
	}
	w.b = append(w.b, kind...)
	for _, id := range ids {
		w.bare(id)
	}
}

func (w *lineWriter) bare(s string) { w.b = append(append(w.b, ' '), words.Quote(s)...) }

// keep writes a field even where it is empty, field only where it is not.
func (w *lineWriter) keep(key, s string) {
	w.b = append(append(append(append(w.b, ' '), key...), '='), words.Quote(s)...)
}

func (w *lineWriter) field(key, s string) {
	if s != "" {
		w.keep(key, s)
	}
}

func (w *lineWriter) flag(key string, set bool) {
	if set {
		w.bare(key)
	}
}

func (w *lineWriter) duration(key string, d time.Duration) {
	if d != 0 {
		w.field(key, d.String())
	}
}

func writeAll[T interface {
	IsValid() bool
	String() string
}](w *lineWriter, s []T) {
	for _, x := range s {
		if x.IsValid() {
			w.bare(x.String())
		}
	}
}

// cloneTopology returns a copy that shares nothing with t.
func cloneTopology(t *sg.Topology) *sg.Topology {
	c := &sg.Topology{
		Groups:      slices.Clone(t.Groups),
		PrefixLists: slices.Clone(t.PrefixLists),
		ENIs:        slices.Clone(t.ENIs),
		VPCs:        slices.Clone(t.VPCs),
		Peerings:    slices.Clone(t.Peerings),

		TransitGateways: slices.Clone(t.TransitGateways),
	}
	for i := range c.TransitGateways {
		c.TransitGateways[i].Attachments = slices.Clone(c.TransitGateways[i].Attachments)
	}
	for i := range c.Groups {
		g := &c.Groups[i]
		g.Ingress, g.Egress = slices.Clone(g.Ingress), slices.Clone(g.Egress)
		g.Associations = slices.Clone(g.Associations)
	}
	for i := range c.PrefixLists {
		c.PrefixLists[i].Entries = slices.Clone(c.PrefixLists[i].Entries)
	}
	for i := range c.ENIs {
		e := &c.ENIs[i]
		e.Addrs, e.Prefixes, e.Public = slices.Clone(e.Addrs), slices.Clone(e.Prefixes), slices.Clone(e.Public)
		e.Groups = slices.Clone(e.Groups)
	}
	for i := range c.VPCs {
		v := &c.VPCs[i]
		v.CIDRs, v.Subnets = slices.Clone(v.CIDRs), slices.Clone(v.Subnets)
		for j := range v.Subnets {
			v.Subnets[j].CIDRs = slices.Clone(v.Subnets[j].CIDRs)
		}
	}
	return c
}
