package packetlog_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

func TestText(t *testing.T) {
	var b bytes.Buffer
	x := packetlog.NewText(&b, replay.TextOptions{Color: true, ENIs: map[sg.ENIID]string{"eni-web": "web"}, Groups: map[sg.GroupID]string{"sg-web": "Web"}})
	_, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: x}, script{
		"0 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
		"0.5 tcp 10.0.2.20:5432 > 10.0.1.10:4000 SA",
		"1 udp 10.0.2.20:53 > 10.0.1.10:4000 len 40",
		"1 bad",
		"2 icmp 192.0.2.1 > 10.0.1.10 8/0 id 4",
		"3 udp 192.0.2.1:1 > 192.0.2.2:1",
		"3 tcp 198.51.100.1:1 > 10.0.1.10:443 A",
	})
	require.NoError(t, err)
	require.NoError(t, x.Flush())
	assert.Equal(t, strings.Join([]string{
		"packet     seconds  verdict  from > to",
		"     1    0.000000  \x1b[32maccept\x1b[0m   tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
		"        web egress: Web egress[0] (tcp 5432 to sg-db)",
		"        eni-db ingress: sg-db ingress[0] (tcp 5432 from Web)",
		"     2    0.500000  \x1b[32maccept\x1b[0m   tcp 10.0.2.20:5432 > 10.0.1.10:4000 SA",
		"        eni-db egress: reply, opened by sg-db ingress[0]",
		"        web ingress: reply, opened by Web egress[0]",
		"     3    1.000000  \x1b[31mdrop\x1b[0m     udp 10.0.2.20:53 > 10.0.1.10:4000 len 40",
		"        eni-db egress: no egress rule admits it",
		"     4    1.000000  \x1b[90m-\x1b[0m        -",
		"        malformed: " + packet.ErrIPVersion.Error(),
		"     5    2.000000  \x1b[31mdrop\x1b[0m     icmp 192.0.2.1 > 10.0.1.10 8/0 id 4",
		"        web ingress: no ingress rule admits it",
		"     6    3.000000  \x1b[90m-\x1b[0m        udp 192.0.2.1:1 > 192.0.2.2:1",
		"        neither end is an ENI of the topology",
		"     7    3.000000  \x1b[31mdrop\x1b[0m     tcp 198.51.100.1:1 > 10.0.1.10:443 A",
		"        web ingress: midstream, its connection is not open, though Web",
		"          ingress[0] admits it",
		"",
	}, "\n"), b.String())
}

// A frame that nobody can read may hold an IP packet.
func TestTextLinkType(t *testing.T) {
	var b bytes.Buffer
	x := packetlog.NewText(&b, replay.TextOptions{})
	_, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: x}, script{"0 link", "0 not ip"})
	require.ErrorIs(t, err, packet.ErrLinkType)
	require.NoError(t, x.Flush())
	assert.Contains(t, b.String(), "-\n        unsupported link type: user0\n")
	assert.Contains(t, b.String(), "-\n        not an IP packet\n")
}

// Lines break between words, columns stand apart however large their numbers are, and
// the reply to a dropped SYN says so.
func TestTextFits(t *testing.T) {
	var b bytes.Buffer
	x := packetlog.NewText(&b, replay.TextOptions{ENIs: map[sg.ENIID]string{"eni-web": "a web server whose name is long"}})
	r, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: x}, script{
		"0 tcp [2001:db8:1111:2222:3333:4444:5555:6666]:40000 > [2001:db8:1111:2222:3333:4444:5555:7777]:443 SA len 1400",
		"1 tcp 203.0.113.9:1 > 10.0.1.10:443 S",
		"2 tcp 10.0.1.10:443 > 203.0.113.9:1 SA",
		"123456789 tcp 198.51.100.1:9 > 10.0.1.10:443 S",
		"123456790 tcp 198.51.100.2:9 > 10.0.1.10:443 A",
	})
	require.NoError(t, err)
	require.NoError(t, x.Flush())
	assert.Equal(t, `packet     seconds  verdict  from > to
     1    0.000000  -        tcp [2001:db8:1111:2222:3333:4444:5555:6666]:40000
                             > [2001:db8:1111:2222:3333:4444:5555:7777]:443 SA
                             len 1400
        neither end is an ENI of the topology
     2    1.000000  drop     tcp 203.0.113.9:1 > 10.0.1.10:443 S
        a web server whose name is long ingress: no ingress rule admits it
     3    2.000000  drop     tcp 10.0.1.10:443 > 203.0.113.9:1 SA
        a web server whose name is long egress: the SYN of its connection was
          dropped
     4 123456789.000000  accept   tcp 198.51.100.1:9 > 10.0.1.10:443 S
        a web server whose name is long ingress: sg-web ingress[0] (tcp 443 from
          198.51.100.0/24)
     5 123456790.000000  drop     tcp 198.51.100.2:9 > 10.0.1.10:443 A
        a web server whose name is long ingress: midstream, its connection is
          not open, though sg-web ingress[0] admits it
`, b.String())

	b.Reset()
	require.NoError(t, r.WriteText(&b, replay.TextOptions{Groups: map[sg.GroupID]string{"sg-web": "web"}}))
	assert.Equal(t, `5 packets in 3 y 334 d, 500 bytes
                packets          bytes  why
  accepted            1            100  a rule admits it
  dropped             2            200  no rule admits it
  dropped             1            100  midstream, its connection is not open
  not judged          1            100  neither end is an ENI of the topology
1 connection opened
  at most 1 entry at a time
1 TCP connection was open already when the capture began: 1 packet dropped
  -midstream pickup takes up such connections where a rule admits a packet of
    theirs
1 packet dropped because the SYN of the connection was
rules, with packets admitted, and packets carried on connections they opened
                                                            admitted     carried
  web (sg-web) ingress
    ingress[0]  tcp 443 from 198.51.100.0/24                       1           0
    ingress[1]  tcp 22 from 192.0.2.0/24                           0           0
  web (sg-web) egress
    egress[0]  tcp 5432 to sg-db                                   0           0
  sg-db ingress
    ingress[0]  tcp 5432 from web                                  0           0
    ingress[1]  tcp 5432 from sg-none                              0           0
network ACLs were not judged: the topology holds none
dropped most
    packets     first
          1         2  tcp 203.0.113.9:1 > 10.0.1.10:443 S
                       eni-web ingress: no rule admits it
                       nearest: web ingress[0]: source 198.51.100.0/24, packet
                         had 203.0.113.9
          1         3  tcp 10.0.1.10:443 > 203.0.113.9:1 SA
                       eni-web egress: the SYN of its connection was dropped
          1         5  tcp 198.51.100.2:9 > 10.0.1.10:443 A
                       eni-web ingress: midstream, its connection is not open
`, b.String())
}

// Lines go out as they come.
func TestTextStreams(t *testing.T) {
	var b bytes.Buffer
	x := packetlog.NewText(&b, replay.TextOptions{})
	_, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: x}, replaytest.Loop(conversations(1), 5000))
	require.NoError(t, err)
	assert.Greater(t, b.Len(), 64<<10)
	require.NoError(t, x.Flush())
	assert.Equal(t, 3*5000+1, strings.Count(b.String(), "\n"))
}

// A stray timestamp is shown as it is, and widens the column of no line but its own.
func TestStrayColumn(t *testing.T) {
	var out bytes.Buffer
	x := packetlog.NewText(&out, replay.TextOptions{})
	_, err := replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: x}, script{
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"900000 udp 198.51.100.9:1 > 10.0.1.10:443",
		"1 tcp 198.51.100.1:1 > 10.0.1.10:443 A",
		"100000 udp 198.51.100.9:1 > 10.0.1.10:443",
		"100001 udp 198.51.100.9:1 > 10.0.1.10:443",
	})
	require.NoError(t, err)
	require.NoError(t, x.Flush())
	var lines []string
	for line := range strings.Lines(out.String()) {
		if at := strings.Index(line, "  accept"); at >= 0 || strings.Contains(line, "  drop  ") {
			lines = append(lines, line[:strings.Index(line, ".000000")])
		}
	}
	assert.Equal(t, []string{"     1    0", "     2 900000", "     3    1", "     4 100000", "     5 100001"}, lines)
}

// Lines of text cost no memory each.
func TestTextDoesNotAllocate(t *testing.T) {
	allocs := func(packets int) float64 {
		return testing.AllocsPerRun(2, func() {
			o := &replay.Options{Observer: packetlog.NewText(io.Discard, replay.TextOptions{})}
			_, err := replay.Run(context.Background(), policy(t, site()), o, replaytest.Loop(conversations(10), packets))
			require.NoError(t, err)
		})
	}
	// 76 to 78 were seen; one a packet would be ten thousand.
	assert.Less(t, allocs(20_000)-allocs(10_000), 1000.0)
}
