package packetlog_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

const short = "${interface-id} ${srcaddr} ${dstaddr} ${dstport} ${packets} ${action} ${log-status}"

// FL-03, FL-05: accepted and rejected packets of one flow are two records, and
// what the first ENI drops the second has not seen.
func TestFlowLogActions(t *testing.T) {
	got := flowLog(t, site(), packetlog.FlowLogOptions{Format: format(t, short)}, script{
		"0 tcp 10.0.1.10:4000 > 10.0.2.20:5432 A",
		"1 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
		"2 tcp 10.0.2.20:5432 > 10.0.1.10:4000 SA",
		"3 tcp 10.0.1.10:4000 > 10.0.2.20:5432 A",
		"4 icmp 10.0.2.20 > 10.0.1.10 8/0",
	})
	assert.Equal(t, ""+
		"eni-web 10.0.1.10 10.0.2.20 5432 1 REJECT OK\n"+
		"eni-web 10.0.1.10 10.0.2.20 5432 2 ACCEPT OK\n"+
		"eni-db 10.0.1.10 10.0.2.20 5432 2 ACCEPT OK\n"+
		"eni-db 10.0.2.20 10.0.1.10 4000 1 ACCEPT OK\n"+
		"eni-web 10.0.2.20 10.0.1.10 4000 1 ACCEPT OK\n"+
		"eni-db 10.0.2.20 10.0.1.10 0 1 REJECT OK\n", got)
}

// FL-06: the ENI's primary address stands for its others; pkt- fields do not lie.
func TestFlowLogPrimaryAddress(t *testing.T) {
	topo := site()
	topo.ENIs[0].Addrs = append(topo.ENIs[0].Addrs, netip.MustParseAddr("10.0.1.11"), netip.MustParseAddr("2001:db8::a"))
	topo.ENIs[0].Prefixes = []netip.Prefix{netip.MustParsePrefix("10.0.1.64/28")}
	got := flowLog(t, topo, packetlog.FlowLogOptions{Format: format(t, "${version} ${srcaddr} ${dstaddr} ${pkt-srcaddr} ${pkt-dstaddr} ${type}")}, script{
		"0 tcp 198.51.100.1:1 > 10.0.1.11:443 S",
		"0 tcp 10.0.1.11:443 > 198.51.100.1:1 SA",
		"0 tcp 198.51.100.1:1 > 10.0.1.70:443 S",
		"0 tcp [2001:db8:1::1]:1 > [2001:db8::a]:443 S",
		"0 udp 10.0.2.20:1 > 192.0.2.1:1",
	})
	assert.Equal(t, ""+
		"3 198.51.100.1 10.0.1.10 198.51.100.1 10.0.1.11 IPv4\n"+
		"3 10.0.1.10 198.51.100.1 10.0.1.11 198.51.100.1 IPv4\n"+
		"3 198.51.100.1 10.0.1.10 198.51.100.1 10.0.1.70 IPv4\n"+
		"3 2001:db8:1::1 2001:db8::a 2001:db8:1::1 2001:db8::a IPv6\n"+
		"3 10.0.2.20 192.0.2.1 10.0.2.20 192.0.2.1 IPv4\n", got)
}

// FL-07: SYN 2, SYN-ACK 18, FIN 1, RST 4, ORed; ACK and PSH count nothing.
func TestFlowLogFlags(t *testing.T) {
	got := flowLog(t, site(), packetlog.FlowLogOptions{Format: format(t, "${srcport} ${tcp-flags}")}, script{
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"1 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
		"2 tcp 198.51.100.1:1 > 10.0.1.10:443 PA",
		"3 tcp 10.0.1.10:443 > 198.51.100.1:1 FA",
		"4 tcp 198.51.100.1:1 > 10.0.1.10:443 RA",
		"70 tcp 198.51.100.2:2 > 10.0.1.10:443 A",
	})
	assert.Equal(t, "1 6\n443 19\n2 0\n- -\n", got)
}

// FL-08: what groups do not filter is not logged; FL-04: an ENI without traffic
// has a record that says so; FL-09: one window in one or ten minutes.
func TestFlowLogWindows(t *testing.T) {
	s := script{
		"10 udp 10.0.2.20:1 > 169.254.169.253:53",
		"50 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"59.9 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
		"60 tcp 10.0.1.10:443 > 198.51.100.1:1 A",
		"59 tcp 10.0.1.10:443 > 198.51.100.1:1 A", // late: it counts as 60
		"3600 udp 10.0.2.20:1 > 192.0.2.1:1",
	}
	at := func(second int64) int64 { return began.Unix() + second }
	fields := format(t, "${interface-id} ${packets} ${start} ${end} ${log-status}")
	assert.Equal(t, fmt.Sprintf(`eni-web 1 %d %d OK
eni-web 1 %d %d OK
eni-db - %d %d NODATA
eni-web 2 %d %d OK
eni-db - %d %d NODATA
eni-db 1 %d %d OK
eni-web - %d %d NODATA
`, at(50), at(50), at(59), at(59), at(0), at(59), at(60), at(60), at(60), at(119), at(3600), at(3600), at(3600), at(3659)),
		flowLog(t, site(), packetlog.FlowLogOptions{Format: fields, Interval: time.Minute}, s))
	assert.Equal(t, fmt.Sprintf(`eni-web 1 %d %d OK
eni-web 3 %d %d OK
eni-db - %d %d NODATA
eni-db 1 %d %d OK
eni-web - %d %d NODATA
`, at(50), at(50), at(59), at(60), at(0), at(599), at(3600), at(3600), at(3600), at(4199)),
		flowLog(t, site(), packetlog.FlowLogOptions{Format: fields}, s))
}

// A window holds no more than so many flows: records are written before its end, and none
// is lost.
func TestFlowLogOfManyFlows(t *testing.T) {
	const flows = 1<<18 + 1
	first := replaytest.Header("udp 198.0.0.0:1 > 10.0.1.10:7")
	var b bytes.Buffer
	w, err := packetlog.NewFlowLog(&b, site(), packetlog.FlowLogOptions{Format: format(t, "${interface-id} ${srcaddr} ${packets} ${log-status}")})
	require.NoError(t, err)
	_, err = replay.Run(t.Context(), policy(t, site()), &replay.Options{Observer: w}, replaytest.Numbered(flows+1, func(i int, h *packet.Header) time.Duration {
		*h = first
		binary.BigEndian.PutUint32(h.Src[12:], 198<<24+uint32(i%flows))
		return 0
	}))
	require.NoError(t, err)
	assert.NotZero(t, b.Len(), "nothing was written before the end")
	require.NoError(t, w.Flush())
	assert.Equal(t, flows+1+1, strings.Count(b.String(), "\n"))
	assert.Equal(t, 2, strings.Count(b.String(), "eni-web 198.0.0.0 1 OK\n"))
	assert.True(t, strings.HasSuffix(b.String(), "eni-web 198.4.0.0 1 OK\neni-web 198.0.0.0 1 OK\neni-db - - NODATA\n"))
}

// FL-01, FL-02: every field of versions 2 to 5, as names and as they parse back.
func TestFlowLogFields(t *testing.T) {
	v2 := strings.Fields(flowlog.DefaultFormat.String())
	v3 := []string{"${vpc-id}", "${subnet-id}", "${instance-id}", "${tcp-flags}", "${type}", "${pkt-srcaddr}", "${pkt-dstaddr}"}
	v4 := []string{"${region}", "${az-id}", "${sublocation-type}", "${sublocation-id}"}
	v5 := []string{"${pkt-src-aws-service}", "${pkt-dst-aws-service}", "${flow-direction}", "${traffic-path}"}
	var fields []string
	for i, more := range [][]string{v2, v3, v4, v5} {
		fields = append(fields, more...)
		topo := site()
		topo.ENIs[1].VPC, topo.ENIs[1].Subnet, topo.ENIs[1].Instance = "vpc-1", "subnet-1", "i-1"
		topo.ENIs[0].VPC = "vpc-1"
		got := flowLog(t, topo, packetlog.FlowLogOptions{Format: format(t, strings.Join(fields, " "))}, script{"7 tcp 10.0.2.20:9 > 192.0.2.1:80 S"})
		record := parseRecord(t, fields, strings.Split(got, "\n")[0])
		want := map[string]string{
			"version": fmt.Sprint(i + 2), "account-id": "111122223333", "interface-id": "eni-db",
			"srcaddr": "10.0.2.20", "dstaddr": "192.0.2.1", "srcport": "9", "dstport": "80", "protocol": "6",
			"packets": "1", "bytes": "40", "start": fmt.Sprint(began.Unix() + 7), "end": fmt.Sprint(began.Unix() + 7),
			"action": "REJECT", "log-status": "OK",
			"vpc-id": "vpc-1", "subnet-id": "subnet-1", "instance-id": "i-1", "tcp-flags": "2", "type": "IPv4",
			"pkt-srcaddr": "10.0.2.20", "pkt-dstaddr": "192.0.2.1", "flow-direction": "egress",
		}
		for name, value := range record {
			if expected, ok := want[name]; ok {
				assert.Equal(t, expected, value, name)
			} else {
				assert.Equal(t, "-", value, name)
			}
		}
	}
}

// parseRecord reads a record back by its format.
func parseRecord(t testing.TB, format []string, line string) map[string]string {
	values := strings.Fields(line)
	require.Len(t, values, len(format), line)
	out := map[string]string{}
	for i, field := range format {
		out[strings.Trim(field, "${}")] = values[i]
	}
	return out
}

func TestFlowLogErrors(t *testing.T) {
	_, err := packetlog.NewFlowLog(nil, site(), packetlog.FlowLogOptions{Format: format(t, "${action} ${src-addr}")})
	assert.ErrorContains(t, err, `"src-addr" is no field of a flow log`)
	_, err = packetlog.NewFlowLog(nil, site(), packetlog.FlowLogOptions{Interval: 2 * time.Minute})
	assert.ErrorContains(t, err, "AWS offers 1m and 10m")
}

// The packets and bytes of a flow log are those of the decisions.
func TestFlowLogsOfSharedCaptures(t *testing.T) {
	for name := range replaytest.Captures(t, *long) {
		topo := topologyOf(t, name)
		got := replayFile(t, name, topo, replay.Options{})
		format := strings.Fields(flowlog.DefaultFormat.String())
		packets := map[string]int{}
		for line := range strings.Lines(got.flowlog) {
			r := parseRecord(t, format, line)
			if r["log-status"] != "OK" {
				continue
			}
			var n, bytes int
			_, err := fmt.Sscan(r["packets"]+" "+r["bytes"], &n, &bytes)
			require.NoError(t, err)
			assert.GreaterOrEqual(t, bytes, 20*n)
			_, err = netip.ParseAddr(r["srcaddr"])
			require.NoError(t, err)
			packets[r["action"]] += n
		}
		accepts := strings.Count(got.jsonl, `gress","verdict":"accept"`) - strings.Count(got.jsonl, `gress","verdict":"accept","reason":"exempt"`)
		assert.Equal(t, accepts, packets["ACCEPT"], name)
		assert.Equal(t, strings.Count(got.jsonl, `gress","verdict":"drop"`), packets["REJECT"], name)
	}
}
