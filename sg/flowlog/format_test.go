package flowlog_test

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/flowlog"
)

// FL-01, FL-02: the fields of each version, as AWS lists them.
func TestFields(t *testing.T) {
	assert.Equal(t, "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status",
		flowlog.DefaultFormat.Header())
	for version, n := range map[int]int{2: 14, 3: 21, 4: 25, 5: 29, 6: 29, 7: 39, 8: 40, 9: 41, 10: 42, 11: 54, 12: 54} {
		f := flowlog.AllFields(version)
		assert.Equal(t, n, f.Len(), "version %d", version)
		assert.Equal(t, n, f.Fields().Len(), "version %d", version)
		if version != 6 && version != 12 {
			assert.Equal(t, version, f.Version())
		}
	}
	for _, name := range strings.Fields(flowlog.AllFields(11).Header()) {
		f, err := flowlog.ParseFormat(name)
		require.NoError(t, err, name)
		assert.Empty(t, f.Unknown(), name)
	}
	for f := flowlog.FieldVersion; f <= flowlog.FieldNextHopInterfaceType; f++ {
		one, err := flowlog.ParseFormat(f.String())
		require.NoError(t, err)
		assert.Equal(t, flowlog.Fields(f), one.Fields())
	}
	assert.Equal(t, "field 0", flowlog.Field(0).String())
	assert.Zero(t, flowlog.Field(200).Version())
}

func TestParseFormat(t *testing.T) {
	for text, want := range map[string]string{
		"${srcaddr} ${action}":     "srcaddr action",
		" srcaddr\taction ":        "srcaddr action",
		"${tcp-flags}":             "tcp-flags",
		"${srcaddr} ${new-2} type": "srcaddr new-2 type",
	} {
		f, err := flowlog.ParseFormat(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, f.Header())
		again, err := flowlog.ParseFormat(f.String())
		require.NoError(t, err)
		assert.Equal(t, f, again)
	}
	for text, want := range map[string]string{
		"":                       `no field in ""`,
		"${srcaddr":              `field 1: "${srcaddr" lacks the closing brace`,
		"action $srcaddr":        `field 2: "$srcaddr" is neither`,
		"${}":                    `field 1: "${}" is neither`,
		"srcaddr,dstaddr":        `field 1: "srcaddr,dstaddr" is neither`,
		"action ${action} bytes": `field 2: action stands there twice`,
	} {
		_, err := flowlog.ParseFormat(text)
		assert.ErrorContains(t, err, want, text)
	}
	f, err := flowlog.ParseFormat("${bytes} ${later} ${next-hop-vpc-id} ${latest}")
	require.NoError(t, err)
	assert.Equal(t, []string{"later", "latest"}, f.Unknown())
	assert.Equal(t, 11, f.Version())
	assert.Equal(t, flowlog.Fields(flowlog.FieldBytes, flowlog.FieldNextHopVPCID), f.Fields())
}

// A name that is none of AWS's is told with its place and the one that it resembles.
func TestCheckKnown(t *testing.T) {
	for text, want := range map[string]string{
		"version action":              "",
		"${acton}":                    `field 1: "acton" is no field of a flow log: is action meant?`,
		"srcaddr ${dst-addr} foo":     `field 2: "dst-addr" is no field of a flow log: is dstaddr meant?`,
		"version tcpflags":            `field 2: "tcpflags" is no field of a flow log: is tcp-flags meant?`,
		"pkt-src-address":             `field 1: "pkt-src-address" is no field of a flow log: is pkt-srcaddr meant?`,
		"version next-hop-subnets-id": `field 2: "next-hop-subnets-id" is no field of a flow log: is next-hop-subnet-id meant?`,
		"colour":                      `field 1: "colour" is no field of a flow log`,
		"x":                           `field 1: "x" is no field of a flow log`,
		"version tgw-id":              `field 2: tgw-id is one of transit gateways, not of interfaces`,
	} {
		f, err := flowlog.ParseFormat(text)
		require.NoError(t, err)
		if err := f.CheckKnown(); want == "" {
			assert.NoError(t, err)
		} else {
			assert.EqualError(t, err, "flow log format: "+want)
		}
	}
	for version := 2; version <= 11; version++ {
		assert.NoError(t, flowlog.AllFields(version).CheckKnown())
	}
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, format, line, err string }{
		{"default", "", "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 1418530010 1418530070 ACCEPT OK", ""},
		{"IPv6", "", "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100::1 2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 REJECT OK", ""},
		{"nothing", "", "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA", ""},
		{"left out", "", "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA", ""},
		{"unknown account", "account-id instance-id", "unknown -", ""},
		{"before 1970", "start end", "-60 -1", ""},
		{"many blanks", "start end", "  1   2  ", ""},
		{"short", "", "2 123456789010 eni-1", "3 fields, want the 14 of ${version} ${account-id}"},
		{"long", "start end", "1 2 3", "3 fields, want the 2 of ${start} ${end}"},
		{"empty", "start end", "", "0 fields"},
		{"number of fields before their values", "start action end", "1 2", "2 fields"},
		{"address", "srcaddr", "10.0.0.256", `srcaddr: "10.0.0.256": not an IP address`},
		{"zone", "srcaddr", "fe80::1%eth0", `srcaddr: "fe80::1%eth0": not an IP address`},
		{"escape", "vpc-id", "vpc\x1b[2J", `vpc-id: "vpc\x1b[2J" has control characters`},
		{"port", "dstport", "65536", `dstport: "65536" is no number of 16 bits`},
		{"sign", "srcport", "-1", `srcport: "-1" is no number of 16 bits`},
		{"protocol", "protocol", "256", `protocol: "256" is no number of 8 bits`},
		{"packets", "packets", "18446744073709551616", "is no number of 64 bits"},
		{"time", "start", "1e9", `start: "1e9" is no time in seconds`},
		{"action", "action", "accept", `action: "accept" is none of ["ACCEPT" "REJECT"]`},
		{"status", "log-status", "NO", `log-status: "NO" is none of`},
		{"direction", "flow-direction", "in", `flow-direction: "in" is none of`},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := flowlog.DefaultFormat
			if c.format != "" {
				var err error
				f, err = flowlog.ParseFormat(c.format)
				require.NoError(t, err)
			}
			r := flowlog.Record{Region: "left over"}
			err := f.Parse(c.line, &r)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			assert.Empty(t, r.Region)
			assert.Equal(t, strings.Join(strings.Fields(c.line), " "), string(f.AppendRecord(nil, &r)))
		})
	}
}

// Of a record the pkt- addresses are the packets' own (FL-06).
func TestRecordAddresses(t *testing.T) {
	f, err := flowlog.ParseFormat("srcaddr dstaddr pkt-srcaddr pkt-dstaddr srcport dstport protocol")
	require.NoError(t, err)
	for line, want := range map[string]string{
		"10.0.1.5 10.0.0.220 10.0.1.6 203.0.113.5 1 2 6": "tcp 10.0.1.6:1 > 203.0.113.5:2",
		"10.0.1.5 10.0.0.220 - - 1 2 17":                 "udp 10.0.1.5:1 > 10.0.0.220:2",
		"10.0.1.5 10.0.0.220 - 10.0.3.1 0 0 47":          "gre 10.0.1.5 > 10.0.3.1",
		"::ffff:10.0.1.5 10.0.0.220 - - 1 2 6":           "tcp 10.0.1.5:1 > 10.0.0.220:2",
		"10.0.1.5 2001:db8::1 - - 1 2 6":                 "-",
		"10.0.1.5 10.0.0.220 - - 1 2 -":                  "-",
		"- - - - - - -":                                  "-",
	} {
		var r flowlog.Record
		require.NoError(t, f.Parse(line, &r), line)
		assert.Equal(t, want, r.Tuple().String(), line)
	}
}

// What is written reads back equal, in any format, and what the format has no
// column for is zero.
func TestRoundTrip(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	names := strings.Fields(flowlog.AllFields(11).Header())
	for range 2000 {
		rnd.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
		f, err := flowlog.ParseFormat(strings.Join(names[:1+rnd.IntN(len(names))], " "))
		require.NoError(t, err)
		line := make([]string, f.Len())
		for i := range line {
			line[i] = "-"
			if rnd.IntN(4) > 0 {
				line[i] = value(rnd, names[i])
			}
		}
		var r, again flowlog.Record
		require.NoError(t, f.Parse(strings.Join(line, " "), &r))
		text := string(f.AppendRecord(nil, &r))
		require.Equal(t, strings.Join(line, " "), text)
		require.NoError(t, f.Parse(text, &again))
		require.Equal(t, r, again)

		// All fields hold what these do, in AWS's order.
		all := flowlog.AllFields(11)
		require.NoError(t, all.Parse(string(all.AppendRecord(nil, &r)), &again))
		require.Equal(t, r, again)
	}
}

// value draws a value of the field as AWS writes it.
func value(rnd *rand.Rand, name string) string {
	var r flowlog.Record
	one, err := flowlog.ParseFormat(name)
	if err != nil {
		panic(err)
	}
	r.Fields = one.Fields()
	r.Version = uint8(rnd.IntN(256))
	r.SrcAddr = netip.AddrFrom4([4]byte{10, byte(rnd.IntN(256)), 0, 1})
	r.DstAddr = netip.AddrFrom16([16]byte{0: 0x20, 15: byte(rnd.IntN(256))})
	r.PktSrcAddr, r.PktDstAddr = r.DstAddr, r.SrcAddr
	r.SrcPort, r.DstPort = uint16(rnd.IntN(1<<16)), uint16(rnd.IntN(3))
	r.Protocol, r.TCPFlags = packet.Protocol(rnd.IntN(256)), packet.TCPFlags(rnd.IntN(20))
	r.Packets, r.Bytes = rnd.Uint64(), rnd.Uint64N(100)
	r.Start, r.End = int64(rnd.Uint64()), 1_700_000_000
	r.Action = flowlog.Action(1 + rnd.IntN(2))
	r.Status = flowlog.Status(1 + rnd.IntN(3))
	r.Direction = flowlog.Direction(1 + rnd.IntN(2))
	r.TrafficPath, r.EncryptionStatus = uint8(rnd.IntN(9)), uint8(rnd.IntN(4))
	if s := string(one.AppendRecord(nil, &r)); s != "-" {
		return s
	}
	return name + "%20" + string(rune('a'+rnd.IntN(26))) // text
}

func TestWords(t *testing.T) {
	assert.Equal(t, "REJECT", flowlog.Reject.String())
	assert.Equal(t, "-", flowlog.Action(0).String())
	assert.Equal(t, "-", flowlog.Status(77).String())
	assert.Equal(t, "egress", flowlog.Egress.String())
	r := flowlog.Record{Fields: flowlog.Fields(flowlog.FieldAction), Action: 9}
	f, err := flowlog.ParseFormat("action")
	require.NoError(t, err)
	assert.Equal(t, "-", string(f.AppendRecord(nil, &r)))
}

// Whatever a string holds, a line has as many fields as its format.
func TestAppendStrings(t *testing.T) {
	f, err := flowlog.ParseFormat("interface-id vpc-id region az-id type")
	require.NoError(t, err)
	r := flowlog.Record{Fields: f.Fields(), InterfaceID: "my web\nserver", VPCID: "-", AZID: "50%20é", Type: "a\x7f"}
	line := string(f.AppendRecord(nil, &r))
	assert.Equal(t, "my%20web%0Aserver %2D - 50%20é a%7F", line)
	require.NoError(t, f.Parse(line, &r))
	assert.Equal(t, line, string(f.AppendRecord(nil, &r)))
}
