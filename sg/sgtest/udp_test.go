package sgtest_test

import (
	"bytes"
	"context"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// dnsSite is the site with a rule that makes the address six a name server.
func dnsSite(t *testing.T) (n *sgtest.Network, server net.PacketConn) {
	n = newSite(t, nil)
	n.Authorize(t, "sg-six", sg.Ingress, sg.MustTraffic("DNS (UDP)").From(sg.MustCIDR("10.0.0.0/8")))
	n.Authorize(t, "sg-app", sg.Egress, sg.MustTraffic("DNS (UDP)").To(sg.AnyIPv4))
	server = n.ListenPacket(t, "six", 53)
	go func() {
		b := make([]byte, 1<<16)
		for {
			k, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			server.WriteTo(b[:k], from)
		}
	}()
	return n, server
}

func TestPacketConn(t *testing.T) {
	n, server := dnsSite(t)
	c, err := n.Dialer(t, "app").Dial("udp", "six:53")
	require.NoError(t, err)
	assert.Equal(t, "10.0.4.10:53", c.RemoteAddr().String())
	b := make([]byte, 1<<16)
	for _, size := range []int{0, 1, 512, 8973, 8974, 30000, 65507} { // from 8974 on in fragments
		sent := bytes.Repeat([]byte{byte(size)}, size)
		k, err := c.Write(sent)
		require.NoError(t, err)
		assert.Equal(t, size, k)
		k, err = c.Read(b)
		require.NoError(t, err)
		assert.Equal(t, sent, b[:k])
	}
	_, err = c.Write(make([]byte, 65508))
	assert.ErrorIs(t, err, syscall.EMSGSIZE)
	_, err = c.(net.PacketConn).WriteTo(b[:1], server.LocalAddr())
	assert.ErrorIs(t, err, net.ErrWriteToConnected)

	c.Write([]byte("a long datagram, and what b has no room for is lost"))
	k, err := c.Read(b[:6])
	require.NoError(t, err)
	assert.Equal(t, "a long", string(b[:k]))

	client := n.ListenPacket(t, "app", 0)
	_, err = client.WriteTo([]byte("hello"), server.LocalAddr())
	require.NoError(t, err)
	k, from, err := client.ReadFrom(b)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(b[:k]))
	assert.Equal(t, server.LocalAddr(), from)
	_, err = client.WriteTo([]byte("hello"), &net.UDPAddr{IP: net.ParseIP("2001:db8::10"), Port: 53})
	assert.ErrorContains(t, err, "no address of its family")
	_, err = client.WriteTo([]byte("hello"), &net.TCPAddr{})
	assert.ErrorContains(t, err, "no *net.UDPAddr")

	require.NoError(t, client.Close())
	assert.ErrorIs(t, client.Close(), net.ErrClosed)
	_, _, err = client.ReadFrom(b)
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = client.WriteTo([]byte("hello"), server.LocalAddr())
	assert.ErrorIs(t, err, net.ErrClosed)
}

// Datagrams that are dropped are gone without an error, and a read that waits says so.
func TestPacketConnDrops(t *testing.T) {
	n, server := dnsSite(t)
	c, err := n.Dialer(t, "web").Dial("udp", "six:53")
	require.NoError(t, err)
	_, err = c.Write([]byte("hello"))
	require.NoError(t, err)
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err = c.Read(make([]byte, 10))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.ErrorContains(t, err, "udp 10.0.1.10:32768 > 10.0.4.10:53 len 5: drop, no_rule at eni-web egress")

	// One fragment without its rule takes the datagram with it.
	n.Revoke(t, "sg-app", sg.Egress, sg.MustTraffic("DNS (UDP)").To(sg.AnyIPv4))
	c, err = n.Dialer(t, "app").Dial("udp", "six:53")
	require.NoError(t, err)
	_, err = c.Write(make([]byte, 20000))
	require.NoError(t, err)
	c.SetReadDeadline(time.Now().Add(time.Millisecond))
	_, err = c.Read(make([]byte, 10))
	assert.ErrorContains(t, err, "at eni-app egress")

	assert.Contains(t, failing(t, func(tb sgtest.TB) { n.ListenPacket(tb, "six", 53) }), "address already in use")
	server.Close()
}

// The answer to a question that is older than UDP's timeout is dropped.
func TestPacketConnTimeout(t *testing.T) {
	for _, c := range []struct {
		wait time.Duration
		lost bool
	}{{29 * time.Second, false}, {30 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			n, server := dnsSite(t)
			server.Close()
			server = n.ListenPacket(t, "six", 53)
			app, err := n.Dialer(t, "app").Dial("udp", "six:53")
			require.NoError(t, err)
			app.Write([]byte("?"))
			_, from, err := server.ReadFrom(make([]byte, 10))
			require.NoError(t, err)
			time.Sleep(c.wait)
			server.WriteTo([]byte("!"), from)
			app.SetReadDeadline(time.Now().Add(time.Second))
			_, err = app.Read(make([]byte, 10))
			assert.Equal(t, c.lost, err != nil, "%v", err)
		})
	}
}

// package net's own resolver asks a server of the network.
func TestPacketConnResolver(t *testing.T) {
	n, server := dnsSite(t)
	server.Close()
	server = n.ListenPacket(t, "six", 53)
	go func() {
		b := make([]byte, 1<<16)
		for {
			k, from, err := server.ReadFrom(b)
			if err != nil {
				return
			}
			b[2] |= 0x80 // the question, as a response without any address
			server.WriteTo(b[:k], from)
		}
	}()
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return n.Dialer(t, "app").DialContext(ctx, network, "six:53")
	}}
	_, err := r.LookupHost(t.Context(), "example.com.")
	assert.ErrorContains(t, err, "no such host")
}

// What of nettest.TestConn applies to datagrams: deadlines, closing, and any methods at
// once.
func TestPacketConnConformance(t *testing.T) {
	past := time.Unix(233431200, 0)
	buf := func() []byte { return make([]byte, 1024) }
	timeout := func(t *testing.T, err error) {
		t.Helper()
		e, ok := err.(net.Error)
		assert.True(t, ok && e.Timeout(), "%v", err)
	}
	roundtrip := func(t *testing.T, c net.Conn) {
		t.Helper()
		require.NoError(t, c.SetDeadline(time.Time{}))
		_, err := c.Write([]byte("round"))
		require.NoError(t, err)
		for { // what other writes left behind comes first
			b := buf()
			k, err := c.Read(b)
			require.NoError(t, err)
			if string(b[:k]) == "round" {
				return
			}
		}
	}
	for name, test := range map[string]func(t *testing.T, c net.Conn){
		"PingPong": func(t *testing.T, c net.Conn) {
			for range 1000 {
				roundtrip(t, c)
			}
		},
		"RacyRead": func(t *testing.T, c net.Conn) {
			var wg sync.WaitGroup
			c.SetReadDeadline(time.Now().Add(time.Millisecond))
			for range 10 {
				wg.Go(func() {
					for range 10 {
						if _, err := c.Read(buf()); err != nil {
							timeout(t, err)
							c.SetReadDeadline(time.Now().Add(time.Millisecond))
						}
					}
				})
			}
			wg.Wait()
		},
		"ReadTimeout": func(t *testing.T, c net.Conn) {
			c.SetReadDeadline(past)
			_, err := c.Read(buf())
			timeout(t, err)
			_, err = c.Write(buf())
			assert.NoError(t, err)
		},
		"PastTimeout": func(t *testing.T, c net.Conn) {
			roundtrip(t, c)
			c.SetDeadline(past)
			_, err := c.Write(buf())
			timeout(t, err)
			_, err = c.Read(buf())
			timeout(t, err)
			roundtrip(t, c)
		},
		"PresentTimeout": func(t *testing.T, c net.Conn) {
			time.AfterFunc(10*time.Millisecond, func() { c.SetReadDeadline(past) })
			_, err := c.Read(buf())
			timeout(t, err)
		},
		"FutureTimeout": func(t *testing.T, c net.Conn) {
			c.SetDeadline(time.Now().Add(10 * time.Millisecond))
			_, err := c.Read(buf())
			timeout(t, err)
			roundtrip(t, c)
		},
		"CloseTimeout": func(t *testing.T, c net.Conn) {
			c.SetDeadline(time.Now().Add(time.Hour))
			time.AfterFunc(10*time.Millisecond, func() { c.Close() })
			_, err := c.Read(buf())
			assert.ErrorIs(t, err, net.ErrClosed)
			_, err = c.Write(buf())
			assert.ErrorIs(t, err, net.ErrClosed)
		},
		"ConcurrentMethods": func(t *testing.T, c net.Conn) {
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() { c.Read(buf()) })
				wg.Go(func() { c.Write(buf()) })
				wg.Go(func() { c.SetDeadline(time.Now().Add(10 * time.Millisecond)) })
				wg.Go(func() { c.SetReadDeadline(past) })
				wg.Go(func() { c.SetWriteDeadline(past) })
				wg.Go(func() { c.LocalAddr() })
				wg.Go(func() { c.RemoteAddr() })
			}
			wg.Wait()
			roundtrip(t, c)
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, server := dnsSite(t)
			c, err := n.Dialer(t, "app").Dial("udp", "six:53")
			require.NoError(t, err)
			test(t, c)
			c.Close()
			server.Close()
		})
	}
}
