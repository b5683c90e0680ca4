package sgtest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/nettest"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// connected returns both ends of a connection, the dialing one first. They are closed
// with the test.
func connected(t testing.TB, n *sgtest.Network, from, to string, port uint16) (c1, c2 net.Conn) {
	t.Helper()
	l := n.Listen(t, to, port)
	defer l.Close()
	c1, err := n.Dialer(t, from).Dial("tcp", net.JoinHostPort(to, fmt.Sprint(port)))
	require.NoError(t, err)
	c2, err = l.Accept()
	require.NoError(t, err)
	return c1, c2
}

// halfCloser is what a *net.TCPConn has beside a net.Conn.
type halfCloser interface {
	net.Conn
	CloseRead() error
	CloseWrite() error
	SetLinger(int) error
	SetKeepAlive(bool) error
	SetKeepAlivePeriod(time.Duration) error
	SetNoDelay(bool) error
}

// The conformance suite of package net's own connections.
func TestConn(t *testing.T) {
	nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
		n := newSite(t, nil)
		c1, c2 = connected(t, n, "web", "app", 8080)
		return c1, c2, func() { c1.Close(); c2.Close() }, nil
	})
}

func TestConnHTTP(t *testing.T) {
	n := newSite(t, nil)
	mux := http.NewServeMux()
	mux.HandleFunc("/from", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.RemoteAddr) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		io.Copy(w, r.Body)
	})
	go http.Serve(n.Listen(t, "app", 8080), mux)
	transport := &http.Transport{DialContext: n.Dialer(t, "web").DialContext}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport}

	resp, err := client.Get("http://app:8080/from")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	from, err := netip.ParseAddrPort(string(body))
	require.NoError(t, err)
	assert.Equal(t, "10.0.1.10", from.Addr().String())

	const size = 10 << 20
	resp, err = client.Post("http://10.0.2.10:8080/echo", "", io.LimitReader(zeros{}, size))
	require.NoError(t, err)
	got, err := io.Copy(io.Discard, resp.Body)
	assert.NoError(t, err)
	assert.EqualValues(t, size, got)

	_, err = client.Get("http://nobody:8080/")
	var dns *net.DNSError
	assert.True(t, errors.As(err, &dns) && dns.IsNotFound, "%v", err)
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// What package net says about errors of connections.
func TestConnErrors(t *testing.T) {
	n := newSite(t, nil)
	web := n.Dialer(t, "web")

	n.Listen(t, "db", 5432)
	_, err := web.DialContext(expired(t), "tcp", "db:5432")
	var op *net.OpError
	require.ErrorAs(t, err, &op)
	assert.True(t, op.Timeout())
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.Equal(t, "dial", op.Op)
	assert.Equal(t, "10.0.3.10:5432", op.Addr.String())
	assert.Regexp(t, `^dial tcp 10\.0\.1\.10:\d+->10\.0\.3\.10:5432: i/o timeout: `+
		`tcp 10\.0\.1\.10:\d+ > 10\.0\.3\.10:5432 S: drop, no_rule at eni-web egress, nearest sg-web egress\[0\]: port`, err.Error())
	var drop *sgtest.DropError
	require.ErrorAs(t, err, &drop)
	assert.Equal(t, sg.NoRule, drop.Explanation.Reason)

	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	_, err = web.DialContext(ctx, "tcp", "db:5432")
	assert.ErrorIs(t, err, context.Canceled)

	ctx, cancel = context.WithCancel(t.Context())
	cancel()
	_, err = web.DialContext(ctx, "tcp", "app:8081")
	assert.ErrorIs(t, err, context.Canceled, "before it has begun")
	_, err = web.Dial("tcp", "app:8081") // admitted, and nobody listens
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.Regexp(t, `^dial tcp 10\.0\.1\.10:\d+->10\.0\.2\.10:8081: connect: connection refused$`, err.Error())

	_, err = web.Dial("tcp6", "app:8080")
	assert.ErrorContains(t, err, "no address of a family that web has")
	_, err = web.Dial("unix", "app:8080")
	assert.ErrorAs(t, err, new(net.UnknownNetworkError))
	_, err = web.Dial("tcp", "app")
	assert.ErrorContains(t, err, "missing port")

	c1, c2 := connected(t, n, "web", "app", 8080)
	require.NoError(t, c1.SetReadDeadline(time.Now().Add(time.Millisecond)))
	_, err = c1.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.Regexp(t, `^read tcp 10\.0\.1\.10:\d+->10\.0\.2\.10:8080: i/o timeout$`, err.Error(), "nothing was dropped")
	require.NoError(t, c1.Close())
	for _, err := range []error{c1.Close(), c1.SetDeadline(time.Time{})} {
		assert.ErrorIs(t, err, net.ErrClosed)
	}
	_, err = c1.Write([]byte("x"))
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = c2.Read(make([]byte, 1))
	assert.Equal(t, io.EOF, err)

	said := failing(t, func(tb sgtest.TB) { n.Listen(tb, "db", 5432) })
	assert.Contains(t, said, "listen tcp 10.0.3.10:5432: listen: address already in use")
	said = failing(t, func(tb sgtest.TB) { n.Dialer(tb, "nobody") })
	assert.Contains(t, said, `"nobody" is neither`)
}

func TestConnHalfClose(t *testing.T) {
	n := newSite(t, nil)
	c1, c2 := connected(t, n, "web", "app", 8080)
	_, err := c1.Write([]byte("question"))
	require.NoError(t, err)
	require.NoError(t, c1.(halfCloser).CloseWrite())
	_, err = c1.Write([]byte("more"))
	assert.ErrorIs(t, err, syscall.EPIPE)
	got, err := io.ReadAll(c2)
	require.NoError(t, err)
	assert.Equal(t, "question", string(got))
	_, err = c2.Write([]byte("answer"))
	require.NoError(t, err)
	require.NoError(t, c2.Close())
	got, err = io.ReadAll(c1)
	require.NoError(t, err)
	assert.Equal(t, "answer", string(got))
	require.NoError(t, c1.Close())

	c1, c2 = connected(t, n, "web", "app", 8080)
	require.NoError(t, c1.(halfCloser).CloseRead())
	_, err = c2.Write([]byte("unheard"))
	require.NoError(t, err)
	_, err = c1.Read(make([]byte, 10))
	assert.Equal(t, io.EOF, err)
}

// A connection that is closed with data unread, or in a hurry, is reset.
func TestConnReset(t *testing.T) {
	for name, leave := range map[string]func(halfCloser){
		"unread": func(c halfCloser) {},
		"linger": func(c halfCloser) { c.Read(make([]byte, 10)); c.SetLinger(0) },
		"closed, and more comes": func(c halfCloser) {
			c.Read(make([]byte, 10))
			c.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			c1, c2 := connected(t, newSite(t, nil), "web", "app", 8080)
			c2.Write([]byte("data"))
			leave(c1.(halfCloser))
			c1.Close()
			c2.Write([]byte("more")) // which a connection that is closed answers with RST
			_, err := c2.Write([]byte("and more"))
			assert.ErrorIs(t, err, syscall.ECONNRESET)
		})
	}
}

// Connections that nobody accepted are reset when the listener closes.
func TestListenerClose(t *testing.T) {
	n := newSite(t, nil)
	l := n.Listen(t, "app", 8080)
	c, err := n.Dialer(t, "web").Dial("tcp", "app:8080")
	require.NoError(t, err)
	l2, done := n.Listen(t, "app", 8081), make(chan error)
	go func() {
		_, err := l2.Accept()
		done <- err
	}()
	require.NoError(t, l.Close())
	assert.ErrorIs(t, l.Close(), net.ErrClosed)
	_, err = l.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
	_, err = c.Read(make([]byte, 1))
	assert.ErrorIs(t, err, syscall.ECONNRESET)
	_, err = n.Dialer(t, "web").Dial("tcp", "app:8080")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	c, err = n.Dialer(t, "web").Dial("tcp", "app:8081")
	require.NoError(t, err)
	assert.NoError(t, <-done)
	c.Close()
}

// Rules change below a connection that is open: it is tracked, so it goes on.
func TestConnChange(t *testing.T) {
	n := newSite(t, nil)
	c1, c2 := connected(t, n, "web", "app", 8080)
	n.SetGroups(t, "app", "sg-quarantine")
	_, err := c1.Write([]byte("still here"))
	require.NoError(t, err)
	b := make([]byte, 20)
	k, err := c2.Read(b)
	require.NoError(t, err)
	assert.Equal(t, "still here", string(b[:k]))
	_, err = n.Dialer(t, "web").DialContext(expired(t), "tcp", "app:8080")
	assert.ErrorContains(t, err, "it is eni-app, which does not carry sg-app")
}

// A name with both families, one family asked for, and a host outside.
func TestConnFamilies(t *testing.T) {
	n := newSite(t, nil)
	n.Authorize(t, "sg-six", sg.Ingress, sg.HTTP.From(sg.AnyIPv4), sg.HTTP.From(sg.AnyIPv6))
	l := n.Listen(t, "six", 80)
	for network, want := range map[string]string{"tcp": "10.0.4.10:80", "tcp4": "10.0.4.10:80", "tcp6": "[2001:db8::10]:80"} {
		c, err := n.Dialer(t, "internet").Dial(network, "six:http")
		require.NoError(t, err)
		assert.Equal(t, want, c.RemoteAddr().String())
		a, err := l.Accept()
		require.NoError(t, err)
		assert.Equal(t, c.LocalAddr(), a.RemoteAddr())
		c.Close()
		a.Close()
	}
	names, err := n.LookupHost(t.Context(), "six")
	require.NoError(t, err)
	assert.Equal(t, []string{"10.0.4.10", "2001:db8::10"}, names)
	_, err = n.LookupHost(t.Context(), "seven")
	assert.ErrorContains(t, err, "no such host")
	_, err = n.Dialer(t, "six").DialContext(expired(t), "tcp", "203.0.113.1:80")
	assert.True(t, err.(net.Error).Timeout())
}

// What a machine says to itself passes no group.
func TestConnToItself(t *testing.T) {
	n := newSite(t, nil)
	n.SetGroups(t, "web", "sg-quarantine")
	c1, c2 := connected(t, n, "web", "web", 8080)
	_, err := c1.Write([]byte("me"))
	require.NoError(t, err)
	c1.Close()
	got, err := io.ReadAll(c2)
	require.NoError(t, err)
	assert.Equal(t, "me", string(got))
}

// expired returns a context whose time is over once a dial has begun: one that is over
// before, as a short one is on a busy machine, sends nothing.
func expired(t *testing.T) context.Context {
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	t.Cleanup(cancel)
	return &lateContext{Context: ctx}
}

type lateContext struct {
	context.Context
	begun bool
}

func (c *lateContext) Err() error {
	if !c.begun {
		c.begun = true
		return nil
	}
	return c.Context.Err()
}

// A test that fails tells what was dropped, though nobody looked at an error.
func TestConnReport(t *testing.T) {
	topo, err := sgtest.ParseTopology("site", site)
	require.NoError(t, err)
	tb := &endingTB{}
	n := sgtest.NewNetwork(tb, topo, nil)
	for _, to := range []string{"db:5432", "db:22", "app:22", "app:23", "app:24", "app:25"} {
		_, err = n.Dialer(tb, "web").DialContext(expired(t), "tcp", to)
		assert.Error(t, err)
	}
	l := n.Listen(tb, "app", 8080)
	tb.cleanup()
	require.Len(t, tb.said, 1)
	for _, s := range []string{
		"A connection lost 1 of its packets. The first:\n", "eni-web egress: drop, no_rule", "nearest     sg-web egress[0]: ",
		"As a scenario:\n", "@0s forward tcp 10.0.1.10:32768 > 10.0.3.10:5432 S  drop    no_rule", "1 more connections lost packets.",
	} {
		assert.Contains(t, tb.said[0], s)
	}
	_, err = l.Accept()
	assert.ErrorIs(t, err, net.ErrClosed, "what a test leaves open ends with it")
}

type endingTB struct {
	recorder
	cleanup func()
}

func (e *endingTB) Cleanup(f func())             { e.cleanup = f }
func (e *endingTB) Failed() bool                 { return true }
func (e *endingTB) Logf(format string, a ...any) { e.Errorf(format, a...) }

// The scenario of a lossy connection says what happened, though not every segment.
func TestConnReportIsScenario(t *testing.T) {
	topo, err := sgtest.ParseTopology("site", site)
	require.NoError(t, err)
	tb := &endingTB{}
	n := sgtest.NewNetwork(tb, topo, nil)
	c1, c2 := connected(t, n, "web", "app", 8080)
	for range 1000 {
		c1.Write([]byte("question"))
		c2.Write([]byte("answer"))
	}
	n.SetGroups(t, "app", "sg-quarantine")
	n.Clock.Advance(5*24*time.Hour + time.Second)
	c2.Write([]byte("too late"))
	tb.cleanup()
	require.Len(t, tb.said, 1)
	text := unindented(t, tb.said[0], "As a scenario:\n")
	s, err := sgtest.ParseScenario("report", text)
	require.NoError(t, err, text)
	again, err := s.Update()
	require.NoError(t, err)
	assert.Equal(t, text, again)
	assert.Contains(t, text, "drop    no_rule")
	assert.Less(t, len(text), 5000)
}

// Nothing is left behind: no goroutine, whatever was open.
func TestConnLeavesNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	t.Run("busy", func(t *testing.T) {
		n := newSite(t, nil)
		l := n.Listen(t, "app", 8080)
		go http.Serve(l, http.NotFoundHandler())
		client := http.Client{Transport: &http.Transport{DialContext: n.Dialer(t, "web").DialContext}}
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				resp, err := client.Get("http://app:8080/")
				if assert.NoError(t, err) {
					resp.Body.Close()
				}
			})
		}
		wg.Wait()
	})
	for range 5000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, and %d before", runtime.NumGoroutine(), before)
}

// One firewall, two users: a link that carries frames and connections of a network.
func TestNetworkFilter(t *testing.T) {
	n := newSite(t, nil)
	topo := n.Topology()
	var stats [2]uint64
	c1, _ := connected(t, n, "web", "app", 8080)
	n.Filter().Do(func(fw *sg.Firewall) { stats[0] = uint64(fw.Stats().Entries) })
	other := sgtest.NewNetworkOn(t, n.Filter(), topo, nil)
	other.Dial(t, "app", "db", sg.PostgreSQL)
	n.Filter().Do(func(fw *sg.Firewall) { stats[1] = uint64(fw.Stats().Entries) })
	assert.Equal(t, [2]uint64{2, 4}, stats, "entries, one at each end of a connection")
	assert.Same(t, n.Filter(), other.Filter())
	c1.Close()
}

// unindented returns what stands behind at, without the four blanks of each line.
func unindented(t *testing.T, s, at string) string {
	_, text, ok := strings.Cut(s, at)
	require.True(t, ok, s)
	return strings.ReplaceAll("\n"+text, "\n    ", "\n")[1:]
}
