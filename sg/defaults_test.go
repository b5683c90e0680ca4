package sg

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDefaults(t *testing.T) {
	texts := func(rs []Rule) (s []string) {
		for _, r := range rs {
			s = append(s, r.String())
		}
		return s
	}
	four := &VPC{ID: "vpc-4", CIDRs: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/16")}}
	six := &VPC{ID: "vpc-6", CIDRs: append(four.CIDRs, netip.MustParsePrefix("2001:db8::/56"), netip.MustParsePrefix("2001:db8:1::/56"))}

	g := NewGroup("sg-1", nil)
	assert.Equal(t, GroupID("sg-1"), g.ID)
	assert.Empty(t, g.Ingress)
	assert.Equal(t, []string{"all 0.0.0.0/0"}, texts(g.Egress))
	assert.Equal(t, []string{"all 0.0.0.0/0"}, texts(NewGroup("sg-1", four).Egress))

	d := DefaultGroup("sg-d", six)
	assert.Equal(t, "default", d.Name)
	assert.Equal(t, VPCID("vpc-6"), d.VPC)
	assert.Equal(t, []string{"all self"}, texts(d.Ingress))
	assert.Equal(t, []string{"all 0.0.0.0/0", "all ::/0"}, texts(d.Egress))
}
