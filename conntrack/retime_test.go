package conntrack_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

// A table that is retimed answers as one that had the timeouts from the start.
func TestRetime(t *testing.T) {
	table, err := conntrack.NewTable(conntrack.Config{Pickup: true})
	require.NoError(t, err)
	start := time.Unix(1e9, 0)
	send := func(z conntrack.Zone, after time.Duration, text string) conntrack.Class {
		h, err := packet.ParseHeader(text)
		require.NoError(t, err)
		r := table.Track(z, &h, start.Add(after))
		if r.Class() == conntrack.New {
			require.True(t, table.Commit(z, &h, start.Add(after), 0))
		}
		return r.Class()
	}
	for z := conntrack.Zone(1); z <= 2; z++ {
		send(z, 0, "tcp 10.0.0.1:1 > 10.0.0.2:2 S")
		send(z, 0, "tcp 10.0.0.2:2 > 10.0.0.1:1 SA")
		send(z, 0, "tcp 10.0.0.1:1 > 10.0.0.2:2 A")
		send(z, time.Second, "tcp 10.0.0.1:3 > 10.0.0.2:2 A") // picked up: 300 s
		send(z, time.Second, "tcp 10.0.0.1:5 > 10.0.0.2:2 A") // and answered once: still 300 s
		send(z, time.Second, "tcp 10.0.0.2:2 > 10.0.0.1:5 A")
		send(z, 2*time.Second, "udp 10.0.0.1:1 > 10.0.0.2:2")
	}
	left := func(after time.Duration, z conntrack.Zone) []string {
		var out []string
		for e := range table.All(start.Add(after), z) {
			out = append(out, e.Tuple.Protocol.String()+" "+e.Expires.Sub(start).String())
		}
		return out
	}
	require.NoError(t, table.Retime(conntrack.Timeouts{TCPEstablished: 350 * time.Second, UDP: time.Minute}, 1))
	assert.Equal(t, []string{"tcp 5m50s", "udp 1m2s", "tcp 5m1s", "tcp 5m1s"}, left(3*time.Second, 1))
	assert.Equal(t, []string{"tcp 120h0m2s", "udp 32s", "tcp 5m2s", "tcp 5m2s"}, left(3*time.Second, 2), "the other zone, which saw time go on first")
	assert.Equal(t, 8, table.Len())
	assert.Equal(t, 1, table.Expire(start.Add(40*time.Second), 100), "the bounds know of shorter lives")
	assert.Equal(t, conntrack.Tracked, send(1, 349*time.Second, "tcp 10.0.0.2:2 > 10.0.0.1:1 A"))
	assert.Equal(t, []string{"tcp 11m39s"}, left(349*time.Second, 1), "and so do refreshes")

	require.NoError(t, table.Retime(conntrack.Timeouts{TCPEstablished: time.Minute}, 1, 2))
	assert.Empty(t, left(700*time.Second, 1))
	assert.Error(t, table.Retime(conntrack.Timeouts{UDP: time.Second}, 1))
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
