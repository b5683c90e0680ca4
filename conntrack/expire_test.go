package conntrack_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
)

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

func TestExpireNothing(t *testing.T) {
	talk := newTalk(t, conntrack.Config{})
	talk.track(0, "udp 10.0.0.1:1 > 10.0.0.2:2", true)
	for _, budget := range []int{-1, 0} {
		require.Zero(t, talk.Expire(talk.start.Add(time.Hour), budget))
	}
	require.Equal(t, 1, talk.Expire(talk.start.Add(time.Hour), 1))
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
