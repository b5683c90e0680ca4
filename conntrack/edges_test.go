package conntrack_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// A talk is a table that is told of packets in their text form.
type talk struct {
	*testing.T
	*conntrack.Table
	start time.Time
}

func newTalk(t *testing.T, c conntrack.Config) talk {
	table, err := conntrack.NewTable(c)
	require.NoError(t, err)
	return talk{t, table, time.Unix(1_800_000_000, 0)}
}

// track tells the table of a packet and opens its connection if admit.
func (t talk) track(after time.Duration, text string, admit bool) conntrack.Result {
	t.Helper()
	h, err := packet.ParseHeader(text)
	require.NoError(t, err)
	r := t.Track(1, &h, t.start.Add(after))
	if r.Class() == conntrack.New && admit {
		require.True(t, t.Commit(1, &h, t.start.Add(after), 0))
	}
	return r
}

// A SYN on a closed connection that the rules do not admit: Linux has forgotten the
// connection by then; AWS is taken to leave it alone (CTS-19).
func TestReopenRefused(t *testing.T) {
	for _, c := range []struct {
		profile conntrack.Profile
		want    conntrack.Class
	}{{conntrack.Linux, conntrack.Invalid}, {conntrack.AWS, conntrack.Tracked}} {
		talk := newTalk(t, conntrack.Config{Profile: c.profile})
		talk.track(0, "tcp 10.0.0.1:1 > 10.0.0.2:2 S", true)
		talk.track(0, "tcp 10.0.0.2:2 > 10.0.0.1:1 SA", true)
		talk.track(0, "tcp 10.0.0.1:1 > 10.0.0.2:2 A", true)
		talk.track(0, "tcp 10.0.0.1:1 > 10.0.0.2:2 R", true)
		assert.Equal(t, conntrack.New, talk.track(1, "tcp 10.0.0.1:1 > 10.0.0.2:2 S", false).Class())
		assert.Equal(t, c.want, talk.track(2, "tcp 10.0.0.2:2 > 10.0.0.1:1 FA", true).Class(), c.profile)
	}
}

// Retime neither wakes the dead nor takes a connection that has long been answered
// for one that was just picked up.
func TestRetimeEdges(t *testing.T) {
	talk := newTalk(t, conntrack.Config{Pickup: true})
	talk.track(0, "udp 10.0.0.1:1 > 10.0.0.2:2", true)
	for _, text := range []string{"tcp 10.0.0.1:1 > 10.0.0.2:2 A", "tcp 10.0.0.2:2 > 10.0.0.1:1 A", "tcp 10.0.0.1:1 > 10.0.0.2:2 A"} {
		talk.track(0, text, true)
	}
	late := conntrack.DefaultTCPEstablished - 200*time.Second
	talk.track(late, "udp 10.0.0.9:1 > 10.0.0.8:2", false) // time goes on
	require.NoError(t, talk.Retime(conntrack.Timeouts{UDP: time.Minute, TCPEstablished: 350 * time.Second}, 1))
	for e := range talk.All(talk.start.Add(late)) {
		t.Error("alive:", e)
	}
}

// A picked-up connection whose only answer changed nothing has no more time than it
// was given.
func TestRetimePickedUp(t *testing.T) {
	talk := newTalk(t, conntrack.Config{Pickup: true})
	talk.track(0, "tcp 10.0.0.1:1 > 10.0.0.2:2 A", true)
	require.Equal(t, conntrack.WhyIgnored, talk.track(0, "tcp 10.0.0.2:2 > 10.0.0.1:1 SA", true).Why())
	require.NoError(t, talk.Retime(conntrack.Timeouts{TCPEstablished: 350 * time.Second}, 1))
	var left []time.Duration
	for e := range talk.All(talk.start) {
		left = append(left, e.Expires.Sub(talk.start))
	}
	require.Equal(t, []time.Duration{5 * time.Minute}, left)
}

// Nothing dies because its timeout cannot be added to the time.
func TestEndOfTime(t *testing.T) {
	for _, p := range []conntrack.Profile{conntrack.AWS, conntrack.Linux} {
		talk := newTalk(t, conntrack.Config{Profile: p})
		talk.start = time.Unix(0, math.MaxInt64-1)
		talk.track(0, "tcp 10.0.0.1:1 > 10.0.0.2:2 S", true)
		require.Equal(t, conntrack.Reply, talk.track(0, "tcp 10.0.0.2:2 > 10.0.0.1:1 SA", false).Dir())
		require.Equal(t, conntrack.Established, talk.track(0, "tcp 10.0.0.1:1 > 10.0.0.2:2 A", false).State())
	}
}

// Where zones share a maximum, the dead of one do not wait for it to open another
// connection.
func TestDeadOfOtherZones(t *testing.T) {
	talk := newTalk(t, conntrack.Config{})
	talk.Limit(1000, 2)
	h, err := packet.ParseHeader("udp 10.0.0.1:1 > 10.0.0.2:2")
	require.NoError(t, err)
	for i := range 10_000 {
		h.SrcPort = uint16(i)
		require.True(t, talk.Commit(1, &h, talk.start, 0))
	}
	for i := range 200 {
		h.SrcPort = uint16(i)
		require.True(t, talk.Commit(2, &h, talk.start.Add(time.Minute), 0))
	}
	require.Equal(t, 200, talk.Len())
}

func TestBadConfig(t *testing.T) {
	_, err := conntrack.NewTable(conntrack.Config{Profile: conntrack.Linux + 1})
	require.ErrorIs(t, err, conntrack.ErrProfile)
	_, err = conntrack.NewTable(conntrack.Config{Profile: conntrack.Linux, Timeouts: conntrack.Timeouts{UDP: math.MaxInt64}})
	var e *conntrack.TimeoutError
	require.ErrorAs(t, err, &e)
}

// Time never runs backwards.
func TestNow(t *testing.T) {
	talk := newTalk(t, conntrack.Config{})
	require.True(t, talk.Now().IsZero())
	talk.track(time.Minute, "udp 10.0.0.1:1 > 10.0.0.2:2", true)
	talk.track(time.Second, "udp 10.0.0.1:1 > 10.0.0.2:2", true)
	require.Equal(t, talk.start.Add(time.Minute).UTC(), talk.Now())
}

func TestExpireNothing(t *testing.T) {
	talk := newTalk(t, conntrack.Config{})
	talk.track(0, "udp 10.0.0.1:1 > 10.0.0.2:2", true)
	for _, budget := range []int{-1, 0} {
		require.Zero(t, talk.Expire(talk.start.Add(time.Hour), budget))
	}
	require.Equal(t, 1, talk.Expire(talk.start.Add(time.Hour), 1))
}

// The later fragments of an IPv6 datagram do not say what it carries behind the
// extension headers that went with the first.
func TestFragmentsBehindExtensionHeaders(t *testing.T) {
	talk := newTalk(t, conntrack.Config{})
	first, err := packet.ParseHeader("udp [2001:db8::1]:1 > [2001:db8::2]:2")
	require.NoError(t, err)
	first.MoreFrags, first.FragID = true, 7
	later := first
	later.FragOffset, later.Protocol, later.SrcPort, later.DstPort = 16, 60, 0, 0
	talk.CommitFragment(1, &first, talk.start, true)
	r := talk.Track(1, &later, talk.start)
	require.True(t, r.Known() && r.Accepted(), r)
}

// TestDeadMakeRoom opens connections that die, at a steady pace, beside others that
// somebody uses. What they take has to stay where it was.
func TestDeadMakeRoom(t *testing.T) {
	for _, text := range [][2]string{
		{"udp 10.0.0.1:1 > 10.0.0.2:2", "udp 10.1.0.1:1 > 10.1.0.2:2"},
		{"udp [2001:db8::1]:1 > [2001:db8::2]:2", "udp [2001:db8:1::1]:1 > [2001:db8:1::2]:2"},
	} {
		talk := newTalk(t, conntrack.Config{})
		at := func(h *packet.Header, n int) *packet.Header {
			h.SrcPort, h.DstPort = uint16(n), uint16(n>>16)
			return h
		}
		user, err := packet.ParseHeader(text[0])
		require.NoError(t, err)
		other, err := packet.ParseHeader(text[1])
		require.NoError(t, err)
		const users, each = 2000, 2 * time.Second // a user is heard of every 20 s
		for n := range 20_000 {
			now := talk.start.Add(time.Duration(n) * each)
			require.True(t, talk.Commit(1, at(&other, n), now, 0))
			if n%10 != 0 {
				continue
			}
			for i := range users {
				if talk.Track(1, at(&user, i), now).Class() == conntrack.New {
					require.True(t, talk.Commit(1, &user, now, 0))
				}
			}
		}
		require.Less(t, talk.Len(), 2*users, text[0])
	}
}
