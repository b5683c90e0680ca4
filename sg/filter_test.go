package sg_test

import (
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg"
)

var fromApp = sg.PostgreSQL.From(sg.FromGroup("sg-app"))

func filterPolicy(t testing.TB, db ...sg.Rule) *sg.Policy {
	t.Helper()
	policy, err := sg.Compile(&sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-app", Egress: []sg.Rule{sg.AllTraffic.To(sg.AnyIPv4)}},
			{ID: "sg-db", Ingress: db},
		},
		ENIs: []sg.ENI{
			{ID: "eni-app", Addrs: []netip.Addr{netip.MustParseAddr("10.0.1.10")}, Groups: []sg.GroupID{"sg-app"}},
			{ID: "eni-db", Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.20")}, Groups: []sg.GroupID{"sg-db"}},
		},
	})
	require.NoError(t, err)
	return policy
}

func newFilter(t testing.TB) *sg.Filter {
	return sg.NewFilter(sg.NewFirewall(filterPolicy(t, fromApp), nil))
}

const (
	asks    = "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"
	answers = "tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA"
	calls   = "tcp 10.0.2.20:40002 > 10.0.1.10:5432 S"
)

func TestFilter(t *testing.T) {
	x, now := newFilter(t), time.Unix(0, 0)
	for _, c := range []struct {
		eni     sg.ENIID
		dir     sg.Direction
		link    packet.LinkType
		frame   []byte
		verdict sg.Verdict
		reason  sg.Reason
	}{
		{"eni-app", sg.Egress, packet.LinkRaw, packettest.IP(t, asks), sg.Accept, sg.ByRule},
		{"eni-db", sg.Ingress, packet.LinkEthernet, packettest.Ethernet(t, asks, 7), sg.Accept, sg.ByRule},
		{"eni-db", sg.Egress, packet.LinkEthernet, packettest.Ethernet(t, answers), sg.Accept, sg.Tracked},
		{"eni-db", sg.Egress, packet.LinkRaw, packettest.IP(t, calls), sg.Drop, sg.NoRule},
		{"eni-db", sg.Ingress, packet.LinkEthernet, packettest.ARP(t), sg.NotApplicable, sg.NotIP},
		{"eni-db", sg.Ingress, packet.LinkRaw, packettest.IP(t, asks)[:15], sg.Drop, sg.Malformed},
		{"eni-db", sg.Ingress, packet.LinkRaw, nil, sg.Drop, sg.Malformed},
		{"eni-db", 0, packet.LinkRaw, packettest.IP(t, asks), sg.Drop, sg.BadDirection},
	} {
		d := x.Frame(c.eni, c.dir, c.link, c.frame, now)
		assert.Equal(t, c.verdict, d.Verdict, "%s %s % x", c.eni, c.dir, c.frame)
		assert.Equal(t, c.reason, d.Reason, "%s %s % x", c.eni, c.dir, c.frame)
	}
	d := x.Frame("eni-typo", sg.Ingress, packet.LinkRaw, packettest.IP(t, asks), now)
	assert.NotEqual(t, sg.Accept, d.Verdict, "an ENI that is not there lets nothing in")

	h, err := packet.ParseHeader(answers)
	require.NoError(t, err)
	assert.Equal(t, sg.Tracked, x.Evaluate("eni-app", sg.Ingress, sent(&h, now)).Reason)
	assert.Equal(t, sg.NoRule, x.Forward(packet.LinkRaw, packettest.IP(t, calls), now).Reason)

	x.Do(func(f *sg.Firewall) { require.NoError(t, f.Revoke("sg-db", sg.Ingress, fromApp, now)) })
	other := packettest.IP(t, "tcp 10.0.1.10:40009 > 10.0.2.20:5432 S")
	assert.Equal(t, sg.NoRule, x.Forward(packet.LinkRaw, other, now).Reason)
}

func TestFilterDoesNotAllocate(t *testing.T) {
	x, now := newFilter(t), time.Unix(0, 0)
	for name, frame := range map[string][]byte{
		"tracked": packettest.Ethernet(t, asks),
		"dropped": packettest.Ethernet(t, calls),
		"arp":     packettest.ARP(t),
		"damaged": packettest.Ethernet(t, asks)[:20],
	} {
		assert.Zero(t, testing.AllocsPerRun(100, func() {
			x.Frame("eni-db", sg.Ingress, packet.LinkEthernet, frame, now)
			x.Forward(packet.LinkEthernet, frame, now)
		}), name)
	}
}

// Links run a goroutine per direction, while tests change rules: run with -race.
func TestFilterFromSeveralGoroutines(t *testing.T) {
	x, now := newFilter(t), time.Unix(0, 0)
	open, closed := filterPolicy(t, fromApp), filterPolicy(t)
	forward := [][]byte{packettest.IP(t, asks), packettest.IP(t, answers)}
	require.Equal(t, sg.Accept, x.Forward(packet.LinkRaw, forward[0], now).Verdict)
	var wg sync.WaitGroup
	for _, ip := range forward {
		wg.Go(func() {
			for range 1000 {
				out := x.Forward(packet.LinkRaw, ip, now)
				assert.Equal(t, sg.Accept, out.Verdict, "a tracked connection outlives its rule")
			}
		})
	}
	wg.Go(func() {
		for i := range 100 {
			x.Do(func(f *sg.Firewall) { f.Swap([]*sg.Policy{closed, open}[i%2], now) })
		}
	})
	wg.Wait()
}
