package topotext

import (
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// Format writes t in the form that [Parse] reads back. Invalid
// addresses and prefixes are left out, since they have no text.
func Format(t *sg.Topology) string {
	var w words.Writer
	for i := range t.VPCs {
		v := &t.VPCs[i]
		w.Start("vpc", string(v.ID))
		words.WriteAll(&w, v.CIDRs)
		w.Field("account", string(v.Account))
		w.Flag("default", v.Default)
		for _, s := range v.Subnets {
			w.Start("subnet", string(v.ID), string(s.ID))
			words.WriteAll(&w, s.CIDRs)
		}
	}
	for _, p := range t.Peerings {
		w.Start("peering", string(p.ID), string(p.Requester), string(p.Accepter))
		w.Field("status", p.Status)
		w.Field("requester-region", p.RequesterRegion)
		w.Field("accepter-region", p.AccepterRegion)
	}
	for _, g := range t.TransitGateways {
		w.Start("transitgateway", g.ID)
		for _, a := range g.Attachments {
			switch a.Referencing {
			case "enable":
				w.Bare(string(a.VPC))
			case "disable":
				w.Keep("disabled", string(a.VPC))
			default:
				w.Keep("unknown", string(a.VPC))
			}
		}
		w.Field("referencing", g.Referencing)
	}
	for i := range t.PrefixLists {
		p := &t.PrefixLists[i]
		w.Start("prefixlist", string(p.ID))
		w.Field("name", p.Name)
		switch p.Family {
		case packet.IPv4:
			w.Field("family", "ipv4")
		case packet.IPv6:
			w.Field("family", "ipv6")
		}
		if p.MaxEntries != 0 {
			w.Field("max", strconv.Itoa(p.MaxEntries))
		}
		w.Field("owner", string(p.Owner))
		w.Flag("incomplete", p.Incomplete)
		for _, e := range p.Entries {
			if e.CIDR.IsValid() {
				w.Start("entry", string(p.ID), e.CIDR.String())
				w.Field("desc", e.Description)
			}
		}
	}
	for i := range t.Groups {
		formatGroup(&w, &t.Groups[i])
	}
	for i := range t.ENIs {
		formatENI(&w, &t.ENIs[i])
	}
	return w.Lines()
}

func formatGroup(w *words.Writer, g *sg.Group) {
	w.Start("group", string(g.ID))
	w.Field("name", g.Name)
	w.Field("desc", g.Description)
	w.Field("vpc", string(g.VPC))
	w.Field("account", string(g.Account))
	for _, v := range g.Associations {
		w.Keep("associated", string(v))
	}
	w.Flag("incomplete", g.Incomplete)
	for _, dir := range []sg.Direction{sg.Ingress, sg.Egress} {
		for _, r := range *RulesOf(g, dir) {
			w.Start("rule", string(g.ID), dir.String())
			w.Text(r.String())
		}
	}
}

func formatENI(w *words.Writer, e *sg.ENI) {
	w.Start("eni", string(e.ID))
	words.WriteAll(w, e.Addrs)
	words.WriteAll(w, e.Prefixes)
	for _, g := range e.Groups {
		if words.Quote(string(g)) == string(g) && strings.HasPrefix(string(g), "sg-") {
			w.Bare(string(g))
		} else {
			w.Keep("group", string(g))
		}
	}
	for _, a := range e.Public {
		if a.IsValid() {
			w.Field("public", a.String())
		}
	}
	w.Field("name", e.Name)
	w.Field("vpc", string(e.VPC))
	w.Field("subnet", string(e.Subnet))
	w.Field("instance", string(e.Instance))
	w.Field("account", string(e.Account))
	w.Field("type", e.Type)
	w.Duration("tcp-established", e.Timeouts.TCPEstablished)
	w.Duration("udp", e.Timeouts.UDP)
	w.Duration("udp-stream", e.Timeouts.UDPStream)
	w.Flag("nitro-v6", e.NitroV6)
	w.Flag("managed", e.RequesterManaged)
	w.Flag("no-source-dest-check", e.NoSourceDestCheck)
}
