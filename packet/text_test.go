package packet

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFiveTupleText(t *testing.T) {
	for _, s := range []string{
		"-",
		"tcp 10.0.1.10:40001 > 10.0.2.20:5432",
		"udp [2001:db8::1]:53 > [2001:db8::2]:4000",
		"udp [::ffff:10.0.0.1]:53 > [::1]:4000",
		"icmp 10.0.0.1 > 10.0.0.2 8/0 id 7",
		"icmp 10.0.0.1 > 10.0.0.2 3/4",
		"icmpv6 fe80::1 > ff02::1 135/0",
		"gre 10.0.0.1 > 10.0.0.2",
		"sctp 10.0.0.1:9 > 10.0.0.2:10",
	} {
		tuple, err := ParseFiveTuple(s)
		require.NoError(t, err, s)
		assert.Equal(t, s, tuple.String())
		text, err := tuple.MarshalText()
		require.NoError(t, err)
		var back FiveTuple
		require.NoError(t, back.UnmarshalText(text))
		assert.Equal(t, tuple, back)
		assert.Equal(t, tuple, tuple.Reverse().Reverse())
	}
	mapped, err := ParseFiveTuple("udp [::ffff:10.0.0.1]:53 > [::1]:4000")
	require.NoError(t, err)
	assert.Equal(t, IPv6, mapped.Family)
}

func TestHeaderText(t *testing.T) {
	for _, s := range []string{
		"-",
		"tcp 10.0.1.10:40001 > 10.0.2.20:5432 S",
		"tcp 10.0.1.10:40001 > 10.0.2.20:5432 -",
		"tcp [2001:db8::1]:1 > [2001:db8::2]:2 FSRPAUEC seq 1 ack 2 win 3 len 4 ttl 5 ipid 6 iplen 7 captured 8",
		"tcp 10.0.0.1 > 10.0.0.2 missing ports,flags",
		"tcp 10.0.0.1:1 > 10.0.0.2:2 frag 0+ ipid 9 missing flags",
		"tcp 10.0.0.1 > 10.0.0.2 len 100 frag 8 ipid 9",
		"udp 10.0.0.1:53 > 10.0.0.2:4000 len 1472 frag 0+ ipid 77",
		"udp 10.0.0.1 > 10.0.0.2 len 100 frag 1480 ipid 77",
		"icmp 10.0.0.1 > 10.0.0.2 8/0 id 7",
		"icmp 10.0.0.1 > 10.0.0.2 missing icmp,icmpid",
		"icmp 10.0.0.9 > 10.0.0.1 3/1 len 28 about udp 10.0.0.1:9 > 10.0.0.2:10",
		"icmp 10.0.0.9 > 10.0.0.1 3/1 about part of udp 10.0.0.1 > 10.0.0.2",
		"icmpv6 2001:db8::9 > 2001:db8::1 1/4 ttl 255 about icmpv6 2001:db8::1 > 2001:db8::2 128/0 id 3",
		"gre 10.0.0.1 > 10.0.0.2 len 20 ttl 1",
	} {
		h, err := ParseHeader(s)
		require.NoError(t, err, s)
		assert.Equal(t, s, h.String())
		text, err := h.AppendText([]byte("x"))
		require.NoError(t, err)
		var back Header
		require.NoError(t, back.UnmarshalText(text[1:]))
		assert.Equal(t, h, back)
	}
}

func TestTextErrors(t *testing.T) {
	for _, c := range []struct {
		text   string
		offset int
		reason string
	}{
		{"", 0, "want tcp"},
		{"tpc 10.0.0.1:1 > 10.0.0.2:2", 0, "want tcp"},
		{"tcp 10.0.0.1:1 10.0.0.2:2 S", 15, "want >"},
		{"tcp 10.0.0.1:99999 > 10.0.0.2:2 S", 13, "want a port below 65536, got \"99999\""},
		{"tcp [::1]:http > [::2]:2 S", 10, "want a port"},
		{"tcp 10.0.0.1:1 > web:80 S", 17, "want an address"},
		{"tcp 10.0.0.1:1 > 10.0.0.300:2 S", 17, "destination: want an address"},
		{"tcp 10.0.0.1:1 > 10.0.0.2 S", 17, "one side only"},
		{"tcp 10.0.0.1:1 > [2001:db8::1]:2 S", 17, "different families"},
		{"tcp 10.0.0.1 > 10.0.0.2 S", 25, "needs ports"},
		{"tcp 10.0.0.1:1 > 10.0.0.2:2", 27, "needs flags"},
		{"tcp 10.0.0.1:1 > 10.0.0.2:2 X", 28, "unknown word"},
		{"udp 10.0.0.1:1 > 10.0.0.2:2 S", 28, "unknown word"},
		{"icmp 10.0.0.1 > 10.0.0.2", 24, "needs type/code"},
		{"icmp 10.0.0.1:1 > 10.0.0.2:1 8/0", 5, "no ports"},
		{"icmp 10.0.0.1 > 10.0.0.2 8/256", 25, "type/code"},
		{"icmp 10.0.0.1 > 10.0.0.2 8/0 id 65536", 32, "below 2^16"},
		{"udp 10.0.0.1:1 > 10.0.0.2:2 frag 3", 33, "multiple of 8"},
		{"udp 10.0.0.1:1 > 10.0.0.2:2 ttl 1 ttl 2", 34, "again"},
		{"udp 10.0.0.1:1 > 10.0.0.2:2 missing hope", 36, "want some of"},
		{"udp fe80::1%eth0 > fe80::2", 4, "zone"},
		{"icmp 10.0.0.1 > 10.0.0.2 3/1 about tcp 10.0.0.1 > 10.0.0.2", 58, "needs ports"},
		{"icmp 10.0.0.1 > 10.0.0.2 3/1 about part of tcp 10.0.0.1:1 > 10.0.0.2:2", 60, "no ports"},
		{"icmp 10.0.0.1 > 10.0.0.2 3/1 about tcp 10.0.0.1:1 > 10.0.0.2:2 ttl 5", 63, "after the quote"},
	} {
		_, err := ParseHeader(c.text)
		var te *TextError
		require.ErrorAs(t, err, &te, c.text)
		assert.Equal(t, c.offset, te.Offset, "%q: %v", c.text, err)
		assert.True(t, strings.Contains(te.Reason, c.reason), "%q: %v", c.text, err)
	}
}

func TestAppendBrief(t *testing.T) {
	for in, want := range map[string]string{
		"tcp 10.0.0.1:1 > 10.0.0.2:2 SA seq 7 ack 8 win 9 len 5 ttl 3 ipid 4 iplen 64 captured 60": "tcp 10.0.0.1:1 > 10.0.0.2:2 SA len 5",
		"udp 10.0.0.1 > 10.0.0.2 len 5 frag 8+ ipid 9":                                             "udp 10.0.0.1 > 10.0.0.2 len 5 frag 8+",
		"icmp 10.0.0.1 > 10.0.0.2 8/0 id 7":                                                        "icmp 10.0.0.1 > 10.0.0.2 8/0 id 7",
	} {
		h, err := ParseHeader(in)
		require.NoError(t, err)
		got := h.AppendBrief([]byte("x "))
		assert.Equal(t, "x "+want, string(got))
		_, err = ParseHeader(string(got[2:]))
		assert.NoError(t, err)
	}
	assert.Equal(t, "-", string(Header{}.AppendBrief(nil)))
}
