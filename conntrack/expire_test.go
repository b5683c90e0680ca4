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

// A commit at a shared maximum frees each of the dead once, those of other zones among
// them, and none that Expire has freed before.
func TestCommitBehindTheDead(t *testing.T) {
	const dead, most = 50_000, 1000
	for _, text := range []string{"udp 10.0.0.1:1 > 10.0.0.2:2", "udp [2001:db8::1]:1 > [2001:db8::2]:2"} {
		for _, expire := range []bool{false, true} {
			talk := newTalk(t, conntrack.Config{})
			talk.Limit(most, 2)
			h, err := packet.ParseHeader(text)
			require.NoError(t, err)
			open := func(z conntrack.Zone, n int, at time.Duration) bool {
				h.SrcPort, h.DstPort = uint16(n), uint16(n>>16)
				return talk.Commit(z, &h, talk.start.Add(at), 0)
			}
			for n := range dead {
				require.True(t, open(1, n, 0))
			}
			for n := range most {
				require.True(t, open(2, n, 20*time.Second))
			}
			if expire {
				require.Equal(t, dead, talk.Expire(talk.start.Add(40*time.Second), 2*dead)) // blocks without dead count as well
			}
			require.False(t, open(2, most, 40*time.Second), "nobody of the zone is dead")
			require.EqualValues(t, dead, talk.Stats().Expired)
			require.False(t, open(2, most, 40*time.Second))
			require.EqualValues(t, dead, talk.Stats().Expired)
			require.True(t, open(2, most, 50*time.Second))
			freed := talk.Stats().Expired - dead
			require.True(t, 0 < freed && freed <= 6*64, "%d freed for one", freed)
		}
	}
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
