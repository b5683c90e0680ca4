package conntrack_test

import (
	"testing"
	"time"

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
