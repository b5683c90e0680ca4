package examples

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
)

var update = flag.Bool("update", false, "write the captures of the examples anew")

// TestCaptures makes the captures that examples read from the text beside them,
// and fails where they differ: go test ./examples -run Captures -update.
func TestCaptures(t *testing.T) {
	const txt, pcap = "replay/site.txt", "replay/site.pcap"
	text, err := os.ReadFile(txt)
	require.NoError(t, err)
	var want bytes.Buffer
	w := capture.NewWriter(&want, capture.Pcap, nil)
	for _, line := range strings.Split(string(text), "\n") {
		at, header, ok := strings.Cut(line, " ")
		if !ok || at == "#" {
			continue
		}
		after, err := time.ParseDuration(at)
		require.NoError(t, err)
		data := packettest.ARP(t)
		if header = strings.TrimSpace(header); header != "arp" {
			data = packettest.Ethernet(t, header)
		}
		require.NoError(t, w.WriteFrame(&capture.Frame{
			Time:     time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(after),
			LinkType: packet.LinkEthernet,
			Length:   len(data),
			Data:     data,
		}))
	}
	require.NoError(t, w.Flush())
	if *update {
		require.NoError(t, os.WriteFile(pcap, want.Bytes(), 0o644))
	}
	have, err := os.ReadFile(pcap)
	require.NoError(t, err)
	assert.True(t, bytes.Equal(want.Bytes(), have), "%s is not what %s says; run with -update", pcap, txt)
}
