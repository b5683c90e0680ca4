package packetlog_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/packetlog"
)

// Flow logs that are written are read back: every line is a record, and writing that
// record gives the line.
func TestFlowLogReadsBack(t *testing.T) {
	traffic := script{
		"0 tcp 198.51.100.1:40001 > 10.0.1.10:443 S",
		"0 tcp 10.0.1.10:443 > 198.51.100.1:40001 SA",
		"1 tcp [2001:db8:1::1]:1 > [2001:db8::a]:443 S",
		"2 icmp 10.0.2.20 > 10.0.1.10 8/0",
		"3 udp 10.0.2.20:1 > 192.0.2.1:1",
		"700 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
	}
	odd, err := flowlog.ParseFormat("${end} ${action} ${pkt-dstaddr} ${interface-id} ${tcp-flags} ${flow-direction}")
	require.NoError(t, err)
	for _, f := range []flowlog.Format{flowlog.DefaultFormat, flowlog.AllFields(5), flowlog.AllFields(11), odd} {
		text := flowLog(t, site(), packetlog.FlowLogOptions{Format: f}, traffic)
		r := flowlog.NewReader("log", strings.NewReader(text), &flowlog.Options{Formats: []flowlog.Format{f}})
		var again []byte
		for rec, err := range r.Records() {
			require.NoError(t, err)
			again = append(f.AppendRecord(again, rec), '\n')
		}
		assert.Equal(t, text, string(again))
		assert.NotZero(t, r.Stats().Records)
		assert.Zero(t, r.Stats().Damaged)
	}
}
