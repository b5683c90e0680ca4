package capture

import (
	"flag"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var casesDir = flag.String("cases", "../../../shared/cases", "folder of captures that were read wrongly once")

func openCase(t *testing.T, name string) *File {
	t.Helper()
	f, err := Open(filepath.Join(*casesDir, name))
	if err != nil {
		t.Skip("no cases: ", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// A log of netfilter holds packets, and a short snap length cuts them.
func TestLinkCases(t *testing.T) {
	for name, want := range map[string][]string{
		"captures/nflog.pcap": {
			"tcp 198.51.100.7:50000 > 10.0.1.10:8080 S seq 1 win 8192",
			"tcp 10.0.1.10:8080 > 198.51.100.7:50000 SA seq 9 ack 2 win 8192",
			"tcp 198.51.100.7:50000 > 10.0.1.10:8080 A seq 2 ack 10 win 8192",
		},
		"captures/snap34.pcap": {
			"tcp 198.51.100.7 > 10.0.1.10 captured 20 missing ports,flags",
			"tcp 10.0.1.10 > 198.51.100.7 captured 20 missing ports,flags",
			"tcp 198.51.100.7 > 10.0.1.10 captured 20 missing ports,flags",
			"tcp 10.0.1.10 > 198.51.100.7 iplen 1440 captured 20 missing ports,flags",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for fr, err := range openCase(t, name).Frames() {
				require.NoError(t, err)
				require.NoError(t, fr.Err)
				assert.Equal(t, fr.Header.Missing != 0, fr.Header.Cut())
				h := fr.Header
				h.FragID = 0
				got = append(got, h.String())
			}
			assert.Equal(t, want, got)
		})
	}
}
