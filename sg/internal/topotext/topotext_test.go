package topotext

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// everything holds each field of the model at least once.
func everything() *sg.Topology {
	pfx, ip := netip.MustParsePrefix, netip.MustParseAddr
	return &sg.Topology{
		VPCs: []sg.VPC{{
			ID: "vpc-1", CIDRs: []netip.Prefix{pfx("10.0.0.0/16"), pfx("2001:db8::/56")}, Account: "111", Default: true,
			Subnets: []sg.Subnet{{ID: "subnet-a", CIDRs: []netip.Prefix{pfx("10.0.1.0/24")}}, {ID: "subnet b"}},
		}, {ID: "vpc-2"}},
		Peerings: []sg.Peering{
			{ID: "pcx-1", Requester: "vpc-1", Accepter: "vpc-2", Status: "active", RequesterRegion: "eu-west-1", AccepterRegion: "us-east-1"},
			{ID: "pcx-2"},
		},
		TransitGateways: []sg.TransitGateway{{ID: "tgw-1", Referencing: "enable", Attachments: []sg.TransitGatewayAttachment{
			{VPC: "vpc-1", Referencing: "enable"}, {VPC: "vpc-2", Referencing: "disable"}, {VPC: "vpc-3"}}}, {ID: "tgw 2"}},
		PrefixLists: []sg.PrefixList{{
			ID: "pl-1", Name: "the offices", Family: packet.IPv4, MaxEntries: 10, Owner: "AWS",
			Entries: []sg.PrefixListEntry{
				{CIDR: pfx("198.51.100.7/24"), Description: "# one"}, {CIDR: pfx("203.0.113.0/24")},
			},
		}, {ID: "pl-2", Family: packet.IPv6, Incomplete: true}},
		Groups: []sg.Group{
			{
				ID: "sg-web", Name: "web", Description: "web servers", VPC: "vpc-1", Account: "111",
				Associations: []sg.VPCID{"vpc-2", ""},
				Ingress: []sg.Rule{
					{ID: "sgr-1", Protocol: sg.TCP, Ports: sg.Port(443), Peer: sg.AnyIPv4, Description: "a \"b\"\nc"},
					{Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(8, -1), Peer: sg.MustCIDR("10.0.0.5/8")},
					{},
				},
				Egress: []sg.Rule{{Protocol: sg.AllProtocols, Peer: sg.Peer{Group: "other one", Account: "2", Peering: "pcx-1"}}},
			},
			{ID: "web", Incomplete: true}, {ID: "sg-web"}, {ID: ""},
		},
		NetworkACLs: []sg.NetworkACL{{
			ID: "acl-1", Name: "the public one", VPC: "vpc-1", IsDefault: true, Subnets: []sg.SubnetID{"subnet-a", "subnet b"},
			Ingress: []sg.ACLEntry{{Number: 100, Allow: true, Protocol: sg.TCP, Ports: sg.Port(443), CIDR: pfx("0.0.0.0/0")}, {Number: 90, Protocol: sg.AllProtocols, CIDR: pfx("10.0.9.1/24")}},
			Egress:  []sg.ACLEntry{{Number: 1, Allow: true, Protocol: sg.ICMPv6, ICMP: sg.ICMPTypeCode(-1, -1), CIDR: pfx("::/0")}},
		}, {ID: "acl 2"}},
		ENIs: []sg.ENI{{
			ID: "eni-1", Name: "the first", Addrs: []netip.Addr{ip("10.0.1.10"), ip("2001:db8::a")},
			Prefixes: []netip.Prefix{pfx("10.0.3.0/28")}, Public: []netip.Addr{ip("203.0.113.5")},
			Groups: []sg.GroupID{"sg-web", "web", "sg-with blank"}, VPC: "vpc-1", Subnet: "subnet-a", Instance: "i-1",
			Account: "111", Type: "lambda", NitroV6: true, RequesterManaged: true, NoSourceDestCheck: true,
			Timeouts: conntrack.Timeouts{TCPEstablished: 350 * time.Second, UDP: 45 * time.Second, UDPStream: time.Minute},
		}, {ID: "eni 2"}},
	}
}

// Two groups of one id are for Compile to refuse, so they are kept.
func TestTopologyTextKeepsEverything(t *testing.T) {
	text := Format(everything())
	got, err := Parse("x", text)
	require.NoError(t, err, text)
	assert.Equal(t, everything(), got)
	assert.Equal(t, everything(), Clone(everything()))
	assert.Empty(t, Format(&sg.Topology{}))
}

func TestTopologyTextErrors(t *testing.T) {
	for text, want := range map[string]string{
		"\nnetwork x":                  `x:2: "network": not a statement about a topology, as "rule sg-web ingress tcp 443 0.0.0.0/0" is`,
		"vpc":                          "x:1: vpc without an id",
		"vpc id=1":                     "x:1: vpc without an id",
		"vpc v 10.0.0.0":               `x:1: "10.0.0.0": not a CIDR block`,
		"vpc v color=red":              `x:1: "color=red": not understood here, only account=, default`,
		"peering p a":                  "x:1: peering without two VPCs",
		"subnet v s":                   `x:1: subnet of VPC "v", which no line above declares`,
		"vpc v\nsubnet v":              "x:2: subnet without an id",
		"entry p 10.0.0.0/8":           `x:1: entry of prefix list "p", which no line above declares`,
		"prefixlist p\nentry p":        "x:2: an entry is one CIDR block",
		"prefixlist p family=5":        `x:1: "5": neither ipv4 nor ipv6`,
		"prefixlist p max=many":        `x:1: "many": not a number`,
		"rule g ingress all self":      `x:1: rule of group "g", which no line above declares`,
		"group g\nrule g in all self":  `x:2: "in": neither ingress nor egress`,
		"group g\nrule g":              "x:2: rule without a direction",
		"group g\nrule g egress":       "x:2: rule without a protocol",
		"group g\nrule g egress tcp x": `x:2: "x": neither ports nor a peer`,
		"group g x":                    `x:1: "x": not understood here: to name it, write name=x`,
		"eni e 10.0.0.300":             `x:1: "10.0.0.300": not an IP address`,
		"eni e alb":                    `x:1: "alb": not an IP address: for a group write group=alb, for a name name=alb`,
		"eni e udp=30":                 `x:1: "30": not a duration such as 350s`,
		"remove":                       "x:1: remove without an id",
		"remove group":                 "x:1: remove what? a kind and one id",
		"remove group g":               `x:1: remove group "g": there is none`,
		"remove rule g":                `x:1: remove "rule": not vpc, peering, transitgateway, prefixlist, group, acl or eni`,
		"vpc v \"":                     "x:1: column 7: quote without an end",
		"vpc a b\nvpc c d":             "x:1: \"b\": not a CIDR block\nx:2: \"d\": not a CIDR block",
	} {
		_, err := Parse("x", text)
		assert.EqualError(t, err, want, text)
	}
}

func FuzzTopologyText(f *testing.F) {
	for _, line := range strings.Split(Format(everything()), "\n") { // short seeds: long ones are slow to minimize
		f.Add("group sg-web\nvpc vpc-1\nprefixlist pl-1\n" + line)
	}
	f.Add("group g\nremove group g\neni e fe80::1%eth0 \"\" group=\"\"")
	f.Fuzz(func(t *testing.T, text string) {
		topo, err := Parse("x", text)
		if err != nil {
			return
		}
		out := Format(topo)
		again, err := Parse("x", out)
		if err != nil || Format(again) != out {
			t.Fatalf("%q\nis printed as %q\nand again %q, error %v", text, out, Format(again), err)
		}
	})
}
