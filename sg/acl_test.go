package sg_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// aclFirewall is two hosts in subnets of their own, a third beside the first, and an ACL
// of the second's subnet that keeps answers in.
func aclFirewall(t *testing.T, more string) *sg.Firewall {
	t.Helper()
	topo, err := topotext.Parse("topology", `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/24
group sg-1
rule sg-1 ingress tcp 443 10.0.0.0/8
rule sg-1 egress tcp 443 10.0.0.0/8
eni eni-a 10.0.1.10 sg-1 vpc=vpc-1 subnet=subnet-a
eni eni-b 10.0.2.20 sg-1 vpc=vpc-1 subnet=subnet-b
acl acl-b vpc=vpc-1 subnet=subnet-b
aclentry acl-b ingress 100 allow tcp 443 10.0.1.0/24
aclentry acl-b egress 100 allow tcp 443 0.0.0.0/0
`+more)
	require.NoError(t, err)
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	return sg.NewFirewall(policy, nil)
}

func aclPacket(t *testing.T, text string) sg.Packet {
	t.Helper()
	h, err := packet.ParseHeader(text)
	require.NoError(t, err)
	return sg.Packet{Header: &h, Time: time.Unix(0, 0)}
}

// At one ENI, Evaluate asks the groups alone; Forward asks the ACL of the ENI's subnet
// too, but not about what stays within, nor about what is exempt.
func TestACLAtOneENI(t *testing.T) {
	f := aclFirewall(t, "")
	b := f.ENI("eni-b")
	for _, tt := range []struct {
		dir          sg.Direction
		packet, want string
	}{
		{sg.Ingress, "tcp 10.0.1.10:1 > 10.0.2.20:443 S", "accept rule (acl-b ingress: accept acl_allow acl-b ingress 100; eni-b ingress: accept rule sg-1 ingress[0])"},
		{sg.Ingress, "tcp 10.9.1.10:1 > 10.0.2.20:443 S", "drop acl_deny (acl-b ingress: drop acl_deny acl-b ingress *)"},
		{sg.Ingress, "tcp 10.0.2.99:1 > 10.0.2.20:443 S", "accept rule (eni-b ingress: accept rule sg-1 ingress[0])"},
		{sg.Egress, "tcp 10.0.2.20:443 > 10.0.1.10:1 SA", "drop acl_deny (eni-b egress: accept tracked sg-1 ingress[0]; acl-b egress: drop acl_deny acl-b egress *)"},
		{sg.Egress, "udp 10.0.2.20:53 > 10.0.0.2:53", "accept exempt (eni-b egress: accept exempt)"},
		{sg.Egress, "udp 10.0.2.20:53 > 10.0.1.10:53", "drop no_rule (eni-b egress: drop no_rule)"},
	} {
		assert.Equal(t, tt.want, b.Forward(tt.dir, aclPacket(t, tt.packet)).String(), tt.packet)
	}
	assert.Equal(t, sg.Accept, b.Evaluate(sg.Egress, aclPacket(t, "tcp 10.0.2.20:443 > 10.0.1.10:1 SA")).Verdict)
}

// A hop of an ACL says where and why; what one denies is explained with what would have
// to change.
func TestACLHop(t *testing.T) {
	f := aclFirewall(t, "aclentry acl-b ingress 90 deny all 10.0.1.10/32\n")
	p := aclPacket(t, "tcp 10.0.1.10:1 > 10.0.2.20:443 S")
	x := f.Explain(p)
	o := f.Forward(p)
	hops := o.Hops()
	require.Len(t, hops, 2)
	entry := hops[1].Decision.Rule
	assert.Equal(t, sg.NetworkACLID("acl-b"), entry.ACL())
	assert.Equal(t, "90 deny all 10.0.1.10/32", entry.Entry().String())
	assert.Equal(t, "ingress 90", entry.Name())
	assert.Equal(t, sg.GroupID(""), entry.Group())
	assert.Equal(t, sg.ENIID("eni-b"), hops[1].Enforcer.ID())
	same := o
	assert.True(t, same == o, "outcomes are comparable")

	require.Len(t, x.Hops, 2)
	assert.Equal(t, sg.NetworkACLID("acl-b"), x.Hops[1].Decision.Rule.ACL())
	assert.Empty(t, x.Hops[1].Passed)
	require.Len(t, x.Hops[1].Near, 1)
	assert.Equal(t, "acl-b ingress 100", x.Hops[1].Near[0].Rule.String())
	require.NotNil(t, x.Beyond)
	assert.Equal(t, sg.Accept, x.Beyond.Decision.Verdict)
	assert.Equal(t, 0, countEntries(f.Clone(), "acl-c"))
	assert.Equal(t, 3+2+2, countEntries(f, "acl-b")) // two of AWS's own in each direction
}

func countEntries(f *sg.Firewall, id sg.NetworkACLID) (n int) {
	for r := range f.Policy().ACLEntries() {
		if r.ACL() == id {
			n++
		}
	}
	return n
}

// Changes are the firewall's own: neither the policy nor a clone sees them.
func TestACLChangesAreOwn(t *testing.T) {
	f := aclFirewall(t, "")
	before, clone := f.Policy(), f.Clone()
	p := aclPacket(t, "tcp 10.0.1.10:1 > 10.0.2.20:443 S")
	require.NoError(t, f.RemoveACLEntry("acl-b", sg.Ingress, 100))
	assert.Equal(t, sg.ACLDeny, f.Forward(p).Reason)
	assert.Equal(t, sg.ByRule, clone.Forward(p).Reason)
	assert.Equal(t, sg.ByRule, sg.NewFirewall(before, nil).Forward(p).Reason)
	require.NoError(t, clone.AssociateACL("subnet-b", ""))
	assert.Len(t, hops(clone.Forward(p)), 2, "no ACL is known any more")
	assert.ErrorContains(t, clone.AddACLEntry("acl-b", 0, sg.ACLEntry{}), "neither ingress nor egress")
	assert.ErrorContains(t, clone.AddACLEntry("acl-b", sg.Ingress, sg.ACLEntry{}), "number outside 1-32766")
	none := sg.NewFirewall(nil, nil)
	assert.Equal(t, "InvalidNetworkAclID.NotFound", sg.ErrorCode(none.RemoveACLEntry("acl-b", sg.Ingress, 1)))
	assert.Equal(t, "InvalidSubnetID.NotFound", sg.ErrorCode(none.AssociateACL("subnet-b", "acl-b")))
}

// Without ports, an entry that would decide otherwise for some leaves the verdict open.
func TestACLCut(t *testing.T) {
	f := aclFirewall(t, "aclentry acl-b ingress 110 allow udp 0-65535 10.0.1.0/24\nrule sg-1 ingress udp 0-65535 10.0.1.0/24\n")
	p := aclPacket(t, "tcp 10.0.1.99:1 > 10.0.2.20:443 S")
	p.Header.DstPort, p.Header.SrcPort, p.Header.TCPFlags = 0, 0, 0
	p.Header.Missing = packet.MissingPorts | packet.MissingTCPFlags
	o := f.Forward(p)
	assert.Equal(t, sg.Unknown, o.Verdict)
	assert.Equal(t, "acl-b ingress: unknown cut acl-b ingress *", o.Hops()[0].String())
	p = aclPacket(t, "udp 10.0.1.99:1 > 10.0.2.20:443")
	p.Header.DstPort, p.Header.SrcPort, p.Header.Missing = 0, 0, packet.MissingPorts
	o = f.Forward(p)
	assert.Equal(t, "acl-b ingress: accept acl_allow acl-b ingress 110", o.Hops()[0].String())
}

func TestParseACLEntry(t *testing.T) {
	for _, s := range []string{"100 allow tcp 443 0.0.0.0/0", "90 deny all 198.51.100.0/24", "1 allow icmp 3/4 0.0.0.0/0", "2 allow icmpv6 128/0 ::/0", "3 deny gre 10.0.0.0/8"} {
		e, err := sg.ParseACLEntry(s)
		require.NoError(t, err, s)
		assert.Equal(t, s, e.String())
	}
	for s, want := range map[string]string{
		"":                           "want a number",
		"100 permit all 0.0.0.0/0":   "neither allow nor deny",
		"x allow all 0.0.0.0/0":      "not the number of an entry",
		"100 allow all sg-1":         "a CIDR block and nothing else",
		"100 allow all pl-1":         "a CIDR block and nothing else",
		"100 allow tcp 1 2 ::/0":     "a second one",
		"100 allow all ::/0 id=sg-1": "a CIDR block and nothing else",
	} {
		_, err := sg.ParseACLEntry(s)
		assert.ErrorContains(t, err, want, s)
	}
}
