package sgtest

import (
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// ParseTopology reads a topology in its text form, one statement per line. The
// order is free, except that parts follow what they belong to. name is for
// errors.
//
//	vpc vpc-1 10.0.0.0/16 2001:db8::/56
//	subnet vpc-1 subnet-a 10.0.1.0/24
//	peering pcx-1 vpc-1 vpc-2 status=active requester-region=eu-west-1
//	transitgateway tgw-1 vpc-1 vpc-3 disabled=vpc-4 unknown=vpc-5 referencing=enable
//	prefixlist pl-corp family=ipv4 max=10 owner=AWS incomplete
//	entry pl-corp 198.51.100.0/24 desc="the office"
//	group sg-web vpc=vpc-1 name="web servers" associated=vpc-2 incomplete
//	rule sg-web ingress tcp 443 0.0.0.0/0 id=sgr-1
//	acl acl-1 vpc=vpc-1 subnet=subnet-a default
//	aclentry acl-1 ingress 100 allow tcp 443 0.0.0.0/0
//	eni eni-web 10.0.1.10 2001:db8::10 sg-web public=203.0.113.5 vpc=vpc-1
//
// Rules are in the form of [sg.ParseRule], network ACL entries in that of
// [sg.ParseACLEntry], and the words after eni in that of [load.ParseENI].
//
// ParseTopology does not check what sg.Compile checks.
func ParseTopology(name, text string) (*sg.Topology, error) { return topotext.Parse(name, text) }

// FormatTopology writes t in the form that [ParseTopology] reads back. Invalid
// addresses and prefixes are left out, since they have no text.
func FormatTopology(t *sg.Topology) string { return topotext.Format(t) }
