package sgtest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

// nitroSite is the site with a database on Nitro v6.
func nitroSite(t *testing.T) *sgtest.Network {
	n := newSite(t, nil)
	n.Change(t, func(topo *sg.Topology) {
		for i := range topo.ENIs {
			topo.ENIs[i].NitroV6 = topo.ENIs[i].Name == "db"
		}
	})
	return n
}

// A dial into a group that does not admit it takes as long as on Linux, and fails as
// there.
func TestDialTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSite(t, nil)
		n.Authorize(t, "sg-web", sg.Egress, sg.PostgreSQL.To(sg.AnyIPv4))
		n.Listen(t, "db", 5432)
		start := time.Now()
		_, err := n.Dialer(t, "web").Dial("tcp", "db:5432")
		assert.Equal(t, 127*time.Second, time.Since(start))
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		var timeout net.Error
		assert.True(t, errors.As(err, &timeout) && timeout.Timeout())
		assert.ErrorContains(t, err, "connect: connection timed out: tcp 10.0.1.10:32768 > 10.0.3.10:5432 S: drop, no_rule at eni-db ingress, nearest sg-db ingress[0]: source sg-app")

		start = time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err = n.Dialer(t, "web").DialContext(ctx, "tcp", "db:5432")
		assert.Equal(t, 5*time.Second, time.Since(start))
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A rule that comes while a dial waits lets the next SYN through.
func TestDialRetransmits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSite(t, nil)
		n.Revoke(t, "sg-db", sg.Ingress, sg.PostgreSQL.From(sg.FromGroup("sg-app")))
		n.Listen(t, "db", 5432)
		start := time.Now()
		time.AfterFunc(10*time.Second, func() {
			n.Authorize(t, "sg-db", sg.Ingress, sg.PostgreSQL.From(sg.FromGroup("sg-app")))
		})
		c, err := n.Dialer(t, "app").Dial("tcp", "db:5432")
		require.NoError(t, err)
		assert.Equal(t, 15*time.Second, time.Since(start), "the fifth SYN")
		c.Close()
	})
}

// A pool that idles past the timeout of Nitro v6 writes into nothing: the write
// succeeds, no answer comes, and TCP gives up after a quarter of an hour.
func TestIdlePool(t *testing.T) {
	for name, c := range map[string]struct {
		nitro     bool
		idle      time.Duration
		keepAlive time.Duration
		alive     bool
	}{
		"in time":           {true, 349 * time.Second, 0, true},
		"too long":          {true, 350 * time.Second, 0, false},
		"before Nitro v6":   {false, 350 * time.Second, 0, true},
		"five days":         {false, 5 * 24 * time.Hour, 0, false},
		"keepalives":        {true, 5 * 24 * time.Hour, time.Minute, true},
		"keepalives, rarer": {true, time.Hour, 349 * time.Second, true},
		"keepalives, rare":  {true, time.Hour, 350 * time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := newSite(t, nil)
				if c.nitro {
					n = nitroSite(t)
				}
				l := n.Listen(t, "db", 5432)
				go func() {
					if c, err := l.Accept(); err == nil {
						io.Copy(c, c)
						c.Close()
					}
				}()
				app := n.Dialer(t, "app")
				app.KeepAlive = c.keepAlive
				conn, err := app.Dial("tcp", "db:5432")
				require.NoError(t, err)
				defer conn.Close()
				time.Sleep(c.idle)
				_, err = conn.Write([]byte("select 1"))
				if c.alive {
					require.NoError(t, err)
					_, err = io.ReadFull(conn, make([]byte, 8))
					assert.NoError(t, err)
					return
				}
				if c.keepAlive > 0 {
					assert.ErrorIs(t, err, syscall.ETIMEDOUT, "the keepalives found out")
					return
				}
				require.NoError(t, err, "it is the kernel that has it")
				conn.SetReadDeadline(time.Now().Add(time.Minute))
				_, err = conn.Read(make([]byte, 8))
				assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
				assert.ErrorContains(t, err, "midstream at eni-")
				start := time.Now()
				conn.SetReadDeadline(time.Time{})
				_, err = conn.Read(make([]byte, 8))
				assert.ErrorIs(t, err, syscall.ETIMEDOUT)
				assert.Equal(t, 864600*time.Millisecond, time.Since(start), "924.6 s after the write")
			})
		})
	}
}

// Data that is lost is sent again, and in order, once a rule lets it through.
func TestRetransmission(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSite(t, nil)
		open := sg.HTTP.From(sg.AnyIPv4)
		n.Authorize(t, "sg-web", sg.Ingress, open)
		n.Authorize(t, "sg-web", sg.Egress, sg.AllTraffic.To(sg.AnyIPv4)) // so that the flow is untracked
		c1, c2 := connected(t, n, "internet", "web", 80)
		n.Revoke(t, "sg-web", sg.Ingress, open)
		var sent []byte
		for i := range 100 {
			sent = append(sent, byte(i))
			_, err := c1.Write(sent[i:])
			require.NoError(t, err)
		}
		require.NoError(t, c1.(halfCloser).CloseWrite())
		c2.SetReadDeadline(time.Now().Add(10 * time.Second))
		_, err := c2.Read(make([]byte, 1))
		assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
		assert.ErrorContains(t, err, "no_rule at eni-web ingress", "though it was the other end that lost it")
		c2.SetReadDeadline(time.Time{})
		n.Authorize(t, "sg-web", sg.Ingress, open)
		got, err := io.ReadAll(c2)
		require.NoError(t, err)
		assert.Equal(t, sent, got)
		_, err = c2.Write([]byte("answer"))
		require.NoError(t, err)
		c2.Close()
		got, err = io.ReadAll(c1)
		require.NoError(t, err)
		assert.Equal(t, "answer", string(got))
	})
}

// A window that is closed opens again though the packet that said so was lost.
func TestClosedWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSite(t, nil)
		open := sg.HTTP.From(sg.AnyIPv4)
		n.Authorize(t, "sg-web", sg.Ingress, open)
		n.Authorize(t, "sg-web", sg.Egress, sg.AllTraffic.To(sg.AnyIPv4))
		c1, c2 := connected(t, n, "internet", "web", 80)
		const size = 1 << 20
		go func() {
			c1.Write(make([]byte, size))
			c1.Close()
		}()
		time.Sleep(24 * time.Hour) // probes do not tire of a peer that answers
		n.SetGroups(t, "web")
		got, err := io.CopyN(io.Discard, c2, 200<<10)
		require.NoError(t, err)
		synctest.Wait()
		n.SetGroups(t, "web", "sg-web")
		rest, err := io.Copy(io.Discard, c2)
		require.NoError(t, err)
		assert.EqualValues(t, size, got+rest)
	})
}

// A standing clock begins to run with the first connection; Advance goes on top, and
// what connections do meanwhile happens.
func TestConnClock(t *testing.T) {
	n := nitroSite(t)
	n.Clock.Advance(time.Hour)
	n.Dial(t, "app", "db", sg.PostgreSQL)
	assert.Equal(t, sgtest.Epoch.Add(time.Hour), n.Clock.Now(), "it stands still")
	l := n.Listen(t, "db", 5432)
	shown := n.Clock.Now()
	time.Sleep(time.Millisecond)
	assert.GreaterOrEqual(t, n.Clock.Now().Sub(shown), time.Millisecond)

	for keepAlive, dead := range map[time.Duration]bool{0: true, time.Minute: false} {
		app := n.Dialer(t, "app")
		app.KeepAlive = keepAlive
		c1, err := app.Dial("tcp", "db:5432")
		require.NoError(t, err)
		c2, err := l.Accept()
		require.NoError(t, err)
		n.Clock.Advance(time.Hour)
		c1.Write([]byte("?"))
		if dead { // a read that gets something waits for it as long as it takes
			c2.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
		}
		_, err = c2.Read(make([]byte, 1))
		assert.Equal(t, dead, errors.Is(err, os.ErrDeadlineExceeded), "%v", err)
		if dead {
			n.Clock.Advance(time.Hour)
			_, err = c1.Read(make([]byte, 1))
			assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		}
	}
}

// A connection that was closed waits a minute for the other end to close it too.
func TestOrphans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSite(t, nil)
		n.Authorize(t, "sg-web", sg.Ingress, sg.AllTraffic.From(sg.AnyIPv4)) // untracked, so that groups
		n.Authorize(t, "sg-web", sg.Egress, sg.AllTraffic.To(sg.AnyIPv4))    // do not forget it first
		c1, c2 := connected(t, n, "internet", "web", 8080)
		c1.Close()
		_, err := c2.Read(make([]byte, 1))
		assert.Equal(t, io.EOF, err)
		time.Sleep(time.Minute)
		_, err = c2.Write([]byte("x")) // c1 no longer waits for anything
		require.NoError(t, err)
		_, err = c2.Write([]byte("x"))
		assert.ErrorIs(t, err, syscall.ECONNRESET)
	})
}

// A thousand connections at once, and a bubble that ends: nothing is left in it.
func TestManyConns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSite(t, nil)
		go http.Serve(n.Listen(t, "app", 8080), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(time.Minute) // so that all are open
			io.WriteString(w, r.RemoteAddr)
		}))
		client := http.Client{Transport: &http.Transport{DialContext: n.Dialer(t, "web").DialContext}}
		var mu sync.Mutex
		seen := map[string]bool{}
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				resp, err := client.Get("http://app:8080/")
				if !assert.NoError(t, err) {
					return
				}
				defer resp.Body.Close()
				from, err := io.ReadAll(resp.Body)
				assert.NoError(t, err)
				mu.Lock()
				defer mu.Unlock()
				seen[string(from)] = true
			})
		}
		wg.Wait()
		assert.Len(t, seen, 1000)
	})
}

// A clock that follows one that stands still keeps to it: connections wait for Advance.
func TestConnFollowsClock(t *testing.T) {
	n := newSite(t, nil)
	n.Clock.Follow(func() time.Time { return sgtest.Epoch })
	web, done := n.Dialer(t, "web"), make(chan time.Duration, 1)
	go func() {
		start := n.Clock.Now()
		_, err := web.Dial("tcp", "db:5432")
		assert.ErrorIs(t, err, syscall.ETIMEDOUT)
		done <- n.Clock.Now().Sub(start)
	}()
	for {
		select {
		case took := <-done:
			assert.GreaterOrEqual(t, took, 127*time.Second)
			return
		case <-time.After(time.Millisecond):
			n.Clock.Advance(time.Second)
		}
	}
}

// TLS and HTTP/2 go over a connection as over any other.
func TestConnTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := newSite(t, nil)
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.Proto)
		}))
		server.Listener.Close() // of the machine
		server.Listener = n.Listen(t, "web", 443)
		server.EnableHTTP2 = true
		server.StartTLS()
		defer server.Close()
		client := server.Client()
		transport := client.Transport.(*http.Transport)
		transport.DialContext = n.Dialer(t, "internet").DialContext
		transport.TLSClientConfig.ServerName = "example.com"
		resp, err := client.Get("https://web/")
		require.NoError(t, err)
		defer resp.Body.Close()
		got, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		assert.Equal(t, "HTTP/2.0", string(got))
	})
}
