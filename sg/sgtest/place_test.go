package sgtest_test

import (
	"context"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// twins are two VPCs with the same addresses, of which one lets its client reach its
// server. A third is peered with the first.
const twins = `
vpc one 10.0.0.0/16
vpc two 10.0.0.0/16
vpc three 10.3.0.0/16
peering pcx one three status=active
group sg-one vpc=one
rule sg-one egress all 0.0.0.0/0
rule sg-one ingress all 10.0.0.0/8
group sg-two vpc=two
rule sg-two egress udp 53 0.0.0.0/0
rule sg-two ingress udp 53 0.0.0.0/0
group sg-three vpc=three
rule sg-three egress tcp 443 10.0.0.0/8
rule sg-three ingress udp 443 10.0.0.0/8
eni client1 10.0.1.10 sg-one vpc=one
eni server1 10.0.2.20 sg-one vpc=one
eni client2 10.0.1.10 sg-two vpc=two
eni server2 10.0.2.20 sg-two vpc=two
eni lone2 10.0.2.30 sg-two vpc=two
eni peer 10.3.0.1 sg-three vpc=three
`

func newTwins(t *testing.T) *sgtest.Network {
	topo, err := sgtest.ParseTopology("twins", twins)
	require.NoError(t, err)
	return sgtest.NewNetwork(t, topo, nil)
}

// Where VPCs have the same addresses, the ends that are named say which is meant.
func TestSameAddresses(t *testing.T) {
	n := newTwins(t)
	n.Matrix(t, `
		from\to  server1:https  server2:https  server2:udp/53  10.0.2.20:https
		client1  yes            -              -               yes
		client2  -              no             yes             no
		lone2    -              no             yes             no
		peer     yes            -              -               -`)
	n.Dial(t, "client1", "server1", sg.HTTPS).Alive(t)
	n.Dial(t, "peer", "server1", sg.HTTPS).Alive(t)
	n.Host("internet", "198.51.100.7")
	n.Allows(t, "client1", "internet", sg.HTTPS)
	n.Denies(t, "client2", "internet", sg.HTTPS)

	said := failing(t, func(tb sgtest.TB) { n.Denies(tb, "client1", "server1", sg.HTTPS) })
	assert.Contains(t, said, "forward via vpc=one tcp 10.0.1.10:")
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Allows(tb, "client1", "server2", sg.HTTPS) }), "client1 is in one, server2 in two, whose addresses overlap")
	// Nor is the other interface judged that has the address of one of them alone.
	for _, ends := range [][2]string{{"client1", "lone2"}, {"lone2", "client1"}} {
		for _, claim := range []func(sgtest.TB, string, string, sg.Traffic) bool{n.Allows, n.Denies} {
			assert.Contains(t, failing(t, func(tb sgtest.TB) { claim(tb, ends[0], ends[1], sg.HTTPS) }), "whose addresses overlap")
		}
		assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Dial(tb, ends[0], ends[1], sg.HTTPS) }), "whose addresses overlap")
	}
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.SetGroups(tb, "10.0.1.10", "sg-one") }), "address of several")
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Listen(tb, "10.0.2.20", 443) }), "address of several interfaces")
}

// Connections of such VPCs do not meet, though their ports are the same.
func TestSameAddressesAtOnce(t *testing.T) {
	n := newTwins(t)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	n.Listen(t, "server2", 443)
	_, err := n.Dialer(t, "client1").DialContext(ctx, "tcp", "server1:443")
	assert.ErrorContains(t, err, "connection refused", "it is the other VPC's server that listens")
	l := n.Listen(t, "server1", 443)
	c, err := n.Dialer(t, "client1").DialContext(ctx, "tcp", "server1:443")
	require.NoError(t, err)
	s, err := l.Accept()
	require.NoError(t, err)
	assert.Equal(t, c.LocalAddr(), s.RemoteAddr())

	listen := func(end string) net.PacketConn { return n.ListenPacket(t, end, 53) }
	clients, servers := []net.PacketConn{listen("client1"), listen("client2"), listen("lone2")}, []net.PacketConn{listen("server1"), listen("server2")}
	for i, c := range clients {
		_, err := c.WriteTo([]byte{byte(i)}, servers[0].LocalAddr()) // the same address as servers[1]
		require.NoError(t, err)
		var b [10]byte
		size, from, err := servers[min(i, 1)].ReadFrom(b[:])
		require.NoError(t, err)
		assert.Equal(t, []byte{byte(i)}, b[:size])
		assert.Equal(t, c.LocalAddr(), from)
	}
}

// An end in another VPC answers whoever asked, while others change the network.
func TestSameAddressesAnswered(t *testing.T) {
	n := newTwins(t)
	n.Host("internet", "198.51.100.7")
	done, changed := make(chan struct{}, 1), sync.WaitGroup{}
	changed.Go(func() {
		for len(done) == 0 {
			n.Change(t, func(topo *sg.Topology) { topo.Groups[0].Name = "x" })
		}
	})
	for _, end := range []string{"peer", "internet"} {
		server := n.ListenPacket(t, end, 443)
		c, err := n.Dialer(t, "client1").Dial("udp", end+":443")
		require.NoError(t, err)
		_, err = c.Write([]byte("question"))
		require.NoError(t, err)
		var b [10]byte
		_, from, err := server.ReadFrom(b[:])
		require.NoError(t, err)
		for range 100 {
			_, err = server.WriteTo([]byte("answer"), from)
			require.NoError(t, err)
		}
		require.NoError(t, c.SetReadDeadline(time.Now().Add(10*time.Second)))
		size, err := c.Read(b[:])
		require.NoError(t, err, end)
		assert.Equal(t, "answer", string(b[:size]))
	}
	done <- struct{}{}
	changed.Wait()
}

// An interface alone cannot tell that a packet arrives at an address of several others.
func TestAmbiguousClaims(t *testing.T) {
	topo, err := sgtest.ParseTopology("twins", strings.Replace(twins, "status=active", "status=deleted", 1))
	require.NoError(t, err)
	n := sgtest.NewNetwork(t, topo, nil)
	for _, claim := range []func(sgtest.TB, string, string, sg.Traffic) bool{n.Allows, n.Denies} {
		said := failing(t, func(tb sgtest.TB) { claim(tb, "peer", "10.0.2.20", sg.HTTPS) })
		assert.Contains(t, said, "it is not known whether peer reaches 10.0.2.20")
		assert.Contains(t, said, "an address belongs to interfaces of several VPCs")
	}
	n.Denies(t, "peer", "10.0.2.20", sg.SSH)
	n.Allows(t, "peer", "server1", sg.HTTPS)
}

// A packet of which nobody knows between which interfaces it is does not arrive.
func TestAmbiguousEnds(t *testing.T) {
	n := newTwins(t)
	c, err := n.Dialer(t, "client1").Dial("udp", "server2:53")
	require.NoError(t, err)
	server := n.ListenPacket(t, "server2", 53)
	_, err = c.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, server.SetReadDeadline(n.Clock.Now().Add(time.Second)))
	n.Clock.Advance(2 * time.Second)
	_, _, err = server.ReadFrom(make([]byte, 10))
	assert.ErrorContains(t, err, "ambiguous_interface")
}

// A program may write while the test changes the network: run with -race.
func TestSameAddressesWhileChanging(t *testing.T) {
	n := newTwins(t)
	c := n.ListenPacket(t, "client2", 53)
	wrote := make(chan error)
	go func() {
		_, err := c.WriteTo([]byte("x"), &net.UDPAddr{IP: net.IPv4(10, 0, 2, 20), Port: 53})
		wrote <- err
	}()
	n.Change(t, func(*sg.Topology) {})
	assert.NoError(t, <-wrote)
}

// Delegated prefixes may be those of several VPCs too.
func TestSamePrefixes(t *testing.T) {
	topo, err := sgtest.ParseTopology("twins", strings.NewReplacer("server1 10.0.2.20", "server1 10.0.2.20 10.0.3.0/28",
		"server2 10.0.2.20", "server2 10.0.2.20 10.0.3.0/28").Replace(twins))
	require.NoError(t, err)
	n := sgtest.NewNetwork(t, topo, nil)
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Listen(tb, "10.0.3.5", 443) }), "address of several interfaces")
	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.Denies(tb, "client1", "10.0.3.5", sg.HTTPS) }), "forward via vpc=one tcp")
	n.Host("mapped", "::ffff:198.51.100.7")
	n.Allows(t, "client1", "mapped", sg.HTTPS)
}
