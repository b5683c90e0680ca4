package replay_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/replay"
)

// Talkers that differ in the sender alone are one where there are three or more. A drawing
// still tells each from the others: one has other ports.
func TestManySenders(t *testing.T) {
	var s script
	for i := range 250 {
		s = append(s, fmt.Sprintf("%d tcp 203.0.113.%d:5 > 10.0.1.10:22 S", i, i), fmt.Sprintf("%d tcp 203.0.113.%d:5 > 10.0.1.10:22 S", i, i))
	}
	s = append(s,
		"251 tcp 203.0.113.3:5 > 10.0.1.10:8080 S", "252 tcp 203.0.113.3:5 > 10.0.1.10:8081 S", // other ports
		"260 tcp 203.0.113.251:5 > 10.0.1.10:23 S", "261 tcp 203.0.113.252:5 > 10.0.1.10:23 S", // two only
		"270 tcp 10.0.2.20:5 > 203.0.113.1:443 S", "271 tcp 10.0.2.20:5 > 203.0.113.2:443 S", "272 tcp 10.0.2.20:5 > 203.0.113.3:443 S", // receivers
		"280 icmp 203.0.113.1 > 10.0.1.10 8/0", "281 icmp 203.0.113.2 > 10.0.1.10 13/0", "282 icmp 203.0.113.4 > 10.0.1.10 17/0") // types
	for i := range 10 { // several ports each, and first ports of their own
		s = append(s, fmt.Sprintf([]string{"%d tcp 192.0.3.%d:5 > 10.0.1.10:%d S", "%d udp 192.0.3.%d:5 > 10.0.1.10:%d"}[i/6], 290+i, i/2, 3000+i))
	}
	r, _ := run(t, replay.Options{}, s)
	var got []string
	for _, k := range r.Talkers {
		got = append(got, fmt.Sprintf("%d %d of %d, first %d %v several %t", k.Packets, k.Bytes, k.Senders, k.Number, k.First.Tuple(), k.SeveralPorts))
	}
	require.NotEmpty(t, got)
	assert.Equal(t, []string{
		"502 50200 of 250, first 1 tcp 203.0.113.0:5 > 10.0.1.10:22 several true",
		"6 600 of 3, first 511 tcp 192.0.3.0:5 > 10.0.1.10:3000 several true",
		"2 200 of 1, first 517 udp 192.0.3.3:5 > 10.0.1.10:3006 several true",
		"2 200 of 1, first 519 udp 192.0.3.4:5 > 10.0.1.10:3008 several true",
		"1 100 of 1, first 503 tcp 203.0.113.251:5 > 10.0.1.10:23 several false",
	}, got[:5])
	assert.Len(t, got, 12)
	assert.Zero(t, r.OtherDrops)

	var text, doc, html, drawn bytes.Buffer
	require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
	assert.Contains(t, text.String(), "tcp 203.0.113.0:5 > 10.0.1.10:22 S and other ports\n                       and 249 other senders\n                       eni-web ingress")
	assert.Contains(t, text.String(), "tcp 192.0.3.0:5 > 10.0.1.10:3000 S and other ports\n                       and 2 other senders\n")
	assert.Equal(t, 2, strings.Count(text.String(), "other sender"))
	require.NoError(t, r.WriteJSON(&doc, replay.TextOptions{}))
	assert.Contains(t, doc.String(), `"senders": 250`)
	require.NoError(t, replay.WriteHTML(&html, r, &replay.PageOptions{Topology: site()}))
	assert.Contains(t, pagetest.Read(html.Bytes()).Text, "S and other ports, and 249 other senders")
	require.NoError(t, r.Draw(site(), nil).WriteMermaid(&drawn))
	assert.Contains(t, drawn.String(), "tcp 22: 498 packets dropped")
	assert.Contains(t, drawn.String(), "tcp, several ports: 10 packets dropped", "of those that sent to other ports")
}

// One sender may have several talkers, of errors about connections of different parts. It
// counts once.
func TestManySendersOfOne(t *testing.T) {
	var want string
	for _, workers := range []int{1, 7} {
		r, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Workers: workers}, replaytest.Numbered(100, func(i int, h *packet.Header) time.Duration {
			*h = replaytest.Header("icmp 203.0.113.1 > 10.0.1.10 11/0")
			sent := replaytest.Header(fmt.Sprintf("tcp 10.0.1.10:9 > 198.51.100.%d:5 S", i))
			h.Quoted = packet.Quote{Tuple: sent.Tuple(), Part: packet.QuoteTuple}
			return time.Microsecond
		}))
		require.NoError(t, err)
		require.Len(t, r.Talkers, 1)
		assert.Equal(t, 1, r.Talkers[0].Senders)
		assert.EqualValues(t, 100, r.Talkers[0].Packets)
		var text strings.Builder
		require.NoError(t, r.WriteText(&text, replay.TextOptions{}))
		assert.NotContains(t, text.String(), "other sender")
		if want == "" {
			want = text.String()
		}
		assert.Equal(t, want, text.String())
	}
}
