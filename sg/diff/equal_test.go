package diff_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/internal/mustip"
)

// world is one interface whose group has the rules, beside members of sg-peer.
func world(rules ...string) *sg.Topology {
	g := sg.Group{ID: "sg-db"}
	for _, s := range rules {
		r, err := sg.ParseRule(s)
		if err != nil {
			panic(err)
		}
		g.Ingress = append(g.Ingress, r)
	}
	return &sg.Topology{
		Groups:      []sg.Group{g, {ID: "sg-peer"}, {ID: "sg-none"}},
		PrefixLists: []sg.PrefixList{{ID: "pl-1", Entries: []sg.PrefixListEntry{{CIDR: mustip.Prefixes("10.0.0.0/9")[0]}, {CIDR: mustip.Prefixes("10.128.0.0/9")[0]}}}},
		ENIs: []sg.ENI{
			{ID: "eni-db", Addrs: mustip.Addrs("10.0.2.20"), Groups: []sg.GroupID{"sg-db"}},
			{ID: "eni-a", Addrs: mustip.Addrs("10.0.1.10"), Groups: []sg.GroupID{"sg-peer"}},
			{ID: "eni-b", Addrs: mustip.Addrs("10.0.1.11"), Groups: []sg.GroupID{"sg-peer"}},
		},
	}
}

func lines(t *testing.T, before, after *sg.Topology) []string {
	all := []string{}
	d := diff.Policies(compile(t, before), compile(t, after))
	for i := range d.Changes {
		all = append(all, d.Changes[i].String())
	}
	return all
}

// Worlds that admit the same differ in nothing, however they are written.
func TestEqualWorlds(t *testing.T) {
	for name, w := range map[string][2]*sg.Topology{
		"halves":          {world("tcp 443 0.0.0.0/0"), world("tcp 443 0.0.0.0/1", "tcp 443 128.0.0.0/1")},
		"ports":           {world("tcp 0-65535 10.0.0.0/8"), world("tcp 0-99 10.0.0.0/8", "tcp 100-65535 10.0.0.0/8")},
		"list":            {world("tcp 22 pl-1"), world("tcp 22 10.0.0.0/8")},
		"within":          {world("tcp 22 10.0.0.0/8"), world("tcp 22 10.0.0.0/8", "tcp 22 10.1.0.0/16")},
		"order":           {world("tcp 22 10.0.0.0/8", "udp 53 ::/0"), world("udp 53 ::/0", "tcp 22 10.0.0.0/8")},
		"protocols":       {world("all 10.0.0.0/8"), world("all 10.0.0.0/8", "47 10.0.0.0/8", "icmp 8/-1 10.0.0.0/8")},
		"icmp of no use":  {world("icmp -1/-1 ::/0"), world()}, // groups see no ICMP in IPv6
		"no such group":   {world("tcp 22 sg-gone"), world()},
		"host bits":       {world("tcp 22 10.0.0.9/8"), world("tcp 22 10.0.0.0/8")},
		"member and all":  {world("tcp 22 0.0.0.0/0"), world("tcp 22 0.0.0.0/0", "tcp 22 sg-peer")},
		"codes of a type": {world("icmp 3/-1 10.0.0.0/8"), world("icmp 3/-1 10.0.0.0/8", "icmp 3/4 10.0.0.0/8")},
	} {
		assert.Empty(t, lines(t, w[0], w[1]), name)
		assert.Empty(t, lines(t, w[1], w[0]), name)
	}
}

func TestChanges(t *testing.T) {
	for name, tt := range map[string]struct {
		before, after *sg.Topology
		want          []string
	}{
		"narrower": {world("tcp 22 0.0.0.0/0"), world("tcp 22 0.0.0.0/2"), []string{
			"broken: ingress of eni-db: tcp 22 from 64.0.0.0/2, 128.0.0.0/1"}},
		"a hole": {world("tcp 22 10.0.0.0/8"), world("tcp 22 10.1.2.3/32"), []string{
			"broken: ingress of eni-db: tcp 22 from 10.0.0.0/8 but 10.1.2.3/32"}},
		"a group in place of its addresses": {world("tcp 22 10.0.1.10/31"), world("tcp 22 sg-peer"), []string{
			"opened: ingress of eni-db: tcp 22 from future IPv4 members of sg-peer"}},
		"a group": {world(), world("tcp 22 sg-peer", "tcp 80 sg-peer"), []string{
			"opened: ingress of eni-db: tcp 22, tcp 80 from members of sg-peer (10.0.1.10/31)"}},
		"a group with no other member": {world("tcp 22 self"), world(), []string{
			"broken: ingress of eni-db: tcp 22 from future IPv4 members of sg-db"}},
		"a group without members": {world("tcp 22 sg-none"), world(), []string{
			"broken: ingress of eni-db: tcp 22 from future IPv4 members of sg-none"}},
		"one box of two rules": {world("tcp 22 10.0.0.0/9", "tcp 22 10.128.0.0/9"), world(), []string{
			"broken: ingress of eni-db: tcp 22 from 10.0.0.0/8"}},
		"what is left": {world("all 10.0.0.0/8", "udp 53 10.0.0.0/8"), world("udp 53 10.0.0.0/8"), []string{
			"broken: ingress of eni-db: all but udp 53 from 10.0.0.0/8"}},
		"ping": {world("icmp 8/-1 10.0.0.0/8"), world("icmp 8/0 10.0.0.0/8"), []string{
			"broken: ingress of eni-db: icmp 8/1-8/255 from 10.0.0.0/8"}},
		"few boxes": {world("tcp 22 10.0.0.0/8", "tcp 1-1000 11.0.0.0/8"), world(), []string{
			"broken: ingress of eni-db: tcp 1-1000 from 11.0.0.0/8", "broken: ingress of eni-db: tcp 22 from 10.0.0.0/8"}},
	} {
		assert.Equal(t, tt.want, lines(t, tt.before, tt.after), name)
	}
}

// Changes name what people know, and the packet to try is one that they would try.
func TestKnownServices(t *testing.T) {
	for _, tt := range []struct {
		left       []string // of a rule for everything
		what, want string
	}{
		{nil, "all", "tcp 10.0.0.4:40001 > 10.0.2.20:443 S"},
		{[]string{"tcp 443"}, "all but tcp 443", "tcp 10.0.0.4:40001 > 10.0.2.20:80 S"},
		{[]string{"tcp 0-65535"}, "all but tcp", "udp 10.0.0.4:40001 > 10.0.2.20:53"},
		{[]string{"tcp 0-65535", "udp 0-65535", "icmp 0/-1"}, "all but icmp 0, tcp, udp", "icmp 10.0.0.4 > 10.0.2.20 8/0 id 1"},
		{[]string{"tcp 1", "tcp 3", "tcp 5", "gre"}, "protocols 0-5 with icmp, tcp 0, tcp 2, tcp 4, and 3 more services", "tcp 10.0.0.4:40001 > 10.0.2.20:0 S"},
		{[]string{"0"}, "protocols 1-255 with icmp, tcp, udp and icmpv6", "tcp 10.0.0.4:40001 > 10.0.2.20:443 S"},
	} {
		var left []string
		for _, s := range tt.left {
			left = append(left, s+" 10.0.0.0/29")
		}
		c := diff.Policies(compile(t, world(append(left, "all 10.0.0.0/29")...)), compile(t, world(left...))).Changes
		require.Len(t, c, 1, tt.what)
		assert.Equal(t, "broken: ingress of eni-db: "+tt.what+" from 10.0.0.0/29", c[0].String())
		h, _ := c[0].Witness(0)
		assert.Equal(t, tt.want, h.String(), tt.what)
	}
}

// The order of what the topologies hold changes nothing.
func TestPermuted(t *testing.T) {
	for seed := range seeds(100) {
		r := rand.New(rand.NewPCG(seed, 3))
		t0 := drawTopology(r)
		t1 := drawChange(r, t0)
		assert.Equal(t, written(t, t0, t1), written(t, shuffled(r, t0), shuffled(r, t1)), "seed %d", seed)
		assert.Empty(t, lines(t, t0, shuffled(r, t0)), "seed %d", seed)
	}
}

// written is all that is written about two worlds.
func written(t *testing.T, before, after *sg.Topology) string {
	var b bytes.Buffer
	d := diff.Policies(compile(t, before), compile(t, after))
	require.NoError(t, d.WriteText(&b, diff.TextOptions{Most: 1000}))
	require.NoError(t, diff.WriteJSON(&b, d, nil))
	require.NoError(t, diff.WriteMarkdown(&b, d, nil, diff.TextOptions{Most: 1000}))
	return b.String()
}

// The packet to try comes from another interface, if one is there.
func TestWitnessOfMembers(t *testing.T) {
	both := func(rules ...string) *sg.Topology {
		topo := world(rules...)
		topo.ENIs = append(topo.ENIs, sg.ENI{ID: "eni-db-2", Addrs: mustip.Addrs("10.0.2.21"), Groups: []sg.GroupID{"sg-db"}})
		return topo
	}
	d := diff.Policies(compile(t, both("tcp 22 self")), compile(t, both()))
	for i, id := range d.Changes[0].ENIs {
		h, ok := d.Changes[0].Witness(i)
		assert.True(t, ok)
		assert.NotEqual(t, h.SrcAddr(), h.DstAddr(), id)
	}
}
