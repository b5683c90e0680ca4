package bench

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/bench/corpus"
	"github.com/sgsim/sgsim/bench/measure"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/replay"
)

// changedRules returns a world in which n rules of another have a port of their own. All
// groups have their share.
func changedRules(t *sg.Topology, n int) *sg.Topology {
	c := *t
	c.Groups = slices.Clone(t.Groups)
	for i := range n {
		g := &c.Groups[i*7919%len(c.Groups)]
		if at := i / len(c.Groups); at == 0 {
			g.Ingress = slices.Clone(g.Ingress)
			g.Ingress[at].Ports = sg.Port(60001)
		} else {
			g.Ingress[at].Ports = sg.Port(60002)
		}
	}
	return &c
}

// BenchmarkDiff compares two policies of a large account, of which one has rules with
// other ports.
func BenchmarkDiff(b *testing.B) {
	changes := []int{1, 10_000}
	if testing.Short() {
		changes = []int{1, 100}
	}
	for _, changed := range changes {
		b.Run(fmt.Sprintf("enis=%d/changed=%d", len(large(b).ENIs), changed), func(b *testing.B) {
			benchDiff(b, large(b), changedRules(large(b), changed))
		})
	}
}

// benchDiff compares the policies of two topologies. heap-B is what is alive behind it,
// beside the two policies; policies-B is what these take.
func benchDiff(b *testing.B, first, second *sg.Topology) {
	empty := heap()
	before, err := sg.Compile(first)
	require.NoError(b, err)
	after, err := sg.Compile(second)
	require.NoError(b, err)
	policies := heap()
	var d *diff.Diff
	for b.Loop() {
		d = diff.Policies(before, after)
	}
	require.NotEmpty(b, d.Changes)
	b.ReportMetric(float64(heap()-policies), "heap-B")
	b.ReportMetric(float64(policies-empty), "policies-B")
	b.ReportMetric(float64(len(d.Changes)), "changes")
	runtime.KeepAlive(before)
	runtime.KeepAlive(after)
	runtime.KeepAlive(d)
}

// walled returns a topology whose interfaces are in 400 subnets, each with an ACL of 20
// entries a direction, and that topology with another entry in n of them.
func walled(t *sg.Topology, n int) (before, after *sg.Topology) {
	const subnets = 400
	c := *t
	c.ENIs = slices.Clone(t.ENIs)
	for i := range c.ENIs {
		c.ENIs[i].Subnet = sg.SubnetID(fmt.Sprintf("subnet-%d", i*subnets/len(c.ENIs)))
	}
	for i := range subnets {
		a := sg.NetworkACL{ID: sg.NetworkACLID(fmt.Sprintf("acl-%d", i)), Subnets: []sg.SubnetID{sg.SubnetID(fmt.Sprintf("subnet-%d", i))}}
		for e := range 19 {
			a.Ingress = append(a.Ingress, sg.ACLEntry{Number: 10 + e, Protocol: sg.TCP, Ports: sg.Port(3000 + e), CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18, byte(e)}), 24)})
		}
		a.Egress = append(slices.Clone(a.Ingress), sg.ACLEntry{Number: 100, Allow: true, Protocol: sg.AllProtocols, CIDR: netip.PrefixFrom(netip.IPv4Unspecified(), 0)})
		a.Ingress = slices.Clone(a.Egress)
		c.NetworkACLs = append(c.NetworkACLs, a)
	}
	d := c
	d.NetworkACLs = slices.Clone(c.NetworkACLs)
	for i := range n {
		a := &d.NetworkACLs[i]
		a.Ingress = append(slices.Clone(a.Ingress), sg.ACLEntry{Number: 5, Protocol: sg.AllProtocols, CIDR: netip.PrefixFrom(netip.AddrFrom4([4]byte{10}), 16)})
	}
	return &c, &d
}

// BenchmarkDiffACLs is BenchmarkDiff for policies with network ACLs, of which one or ten
// have an entry more, or rules of groups have other ports.
func BenchmarkDiffACLs(b *testing.B) {
	for _, bm := range []struct{ acls, rules int }{{1, 0}, {10, 0}, {0, 1}} {
		b.Run(fmt.Sprintf("enis=%d/acls=%d/changed=%d", len(large(b).ENIs), bm.acls, bm.rules), func(b *testing.B) {
			first, second := walled(large(b), bm.acls)
			benchDiff(b, first, changedRules(second, bm.rules))
		})
	}
}

// BenchmarkDiffReplay takes a capture through one policy and through two, a round of each
// in turn, and reports how much longer the second takes.
func BenchmarkDiffReplay(b *testing.B) {
	for _, flows := range measure.Flows()[:1] {
		b.Run(fmt.Sprintf("size=%d/flows=%d", corpus.IMIX.Mean(), flows), func(b *testing.B) {
			path := measure.CaptureFile(b, corpus.IMIX, flows)
			p, err := sg.Compile(corpus.Server(300, corpus.Open))
			require.NoError(b, err)
			timed := func(do func(*capture.File) error) time.Duration {
				f, err := capture.Open(path)
				require.NoError(b, err)
				defer f.Close()
				began := time.Now()
				require.NoError(b, do(f))
				return time.Since(began)
			}
			var one, two time.Duration
			for b.Loop() {
				one += timed(func(f *capture.File) error {
					_, err := replay.Run(context.Background(), p, nil, f)
					return err
				})
				two += timed(func(f *capture.File) error {
					_, err := diff.Replay(context.Background(), p, p, nil, f)
					return err
				})
			}
			b.ReportMetric(float64(two)/float64(one), "two/one")
		})
	}
}

var largeTopology *sg.Topology

func large(tb testing.TB) *sg.Topology {
	if largeTopology == nil {
		n := 100_000
		if testing.Short() {
			n = 200
		}
		largeTopology = corpus.NewWorld(worldSpec(n)).Topology
	}
	return largeTopology
}
