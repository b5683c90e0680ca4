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

// Zones are any number of 32 bits, also where an int has no more.
func TestAnyZone(t *testing.T) {
	talk := newTalk(t, conntrack.Config{})
	h, err := packet.ParseHeader("udp 10.0.0.1:1 > 10.0.0.2:2")
	require.NoError(t, err)
	short := conntrack.Timeouts{UDP: 40 * time.Second}
	require.NoError(t, talk.SetTimeouts(7, short))
	require.NoError(t, talk.SetTimeouts(1<<31+7, short))
	for z, lasts := range map[conntrack.Zone]time.Duration{
		0: conntrack.DefaultUDP, 7: short.UDP, 1 << 31: conntrack.DefaultUDP, 1<<31 + 7: short.UDP, math.MaxUint32: conntrack.DefaultUDP,
	} {
		require.Equal(t, conntrack.New, talk.Track(z, &h, talk.start).Class(), z)
		require.True(t, talk.Commit(z, &h, talk.start, 0), z)
		require.Equal(t, conntrack.Tracked, talk.Track(z, &h, talk.start).Class(), z)
		for e := range talk.All(talk.start, z) {
			require.Equal(t, lasts, e.Expires.Sub(talk.start), z)
		}
	}
	require.Equal(t, 5, talk.Len())
}
