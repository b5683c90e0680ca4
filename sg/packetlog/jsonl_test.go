package packetlog_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// The JSON holds what the topology does, and everything in it prints.
func TestJSONL(t *testing.T) {
	topo := site()
	topo.Groups[0].ID, topo.ENIs[0].Groups[0] = "sg-\"é\n\x7f\\", "sg-\"é\n\x7f\\"
	topo.Groups[1].Ingress = nil
	topo.ENIs[0].ID = "eni\t<1>"
	var b bytes.Buffer
	j := packetlog.NewJSONL(&b)
	_, err := replay.Run(t.Context(), policy(t, topo), &replay.Options{Observer: j}, script{
		"0.000000001 tcp 198.51.100.1:65535 > 10.0.1.10:443 S",
		"1 icmp 198.51.100.1 > 10.0.1.10 3/4",
		"59.999999999 47 198.51.100.1 > 10.0.1.10",
		"60 udp 198.51.100.1:53 > 10.0.1.10:1 frag 8+",
		"61 tcp [2001:db8::1]:1 > [2001:db8::2]:2 S",
		"62 not ip",
	})
	require.NoError(t, err)
	require.NoError(t, j.Flush())
	lines := strings.Split(b.String(), "\n")
	assert.Equal(t, `{"packet":1,"time":"2026-06-01T12:00:00.000000001Z","src":"198.51.100.1","dst":"10.0.1.10","protocol":"tcp","src_port":65535,"dst_port":443,"verdict":"accept","reason":"rule","hops":[{"eni":"eni\u0009<1>","direction":"ingress","verdict":"accept","reason":"rule","group":"sg-\"é\u000a\u007f\\","rule":"ingress[0]"}]}`, lines[0])
	assert.Contains(t, lines[1], `"protocol":"icmp","icmp_type":3,"icmp_code":4,"verdict":"drop","reason":"no_rule"`)
	assert.Contains(t, lines[2], `12:00:59.999999999Z","src":"198.51.100.1","dst":"10.0.1.10","protocol":"47","verdict":"drop"`)
	assert.Contains(t, lines[3], `"protocol":"udp","verdict":"drop","reason":"fragment"`)
	assert.Contains(t, lines[4], `"src":"2001:db8::1","dst":"2001:db8::2","protocol":"tcp","src_port":1,"dst_port":2,"verdict":"not_applicable","reason":"no_interface","hops":[]}`)
	assert.Equal(t, `{"packet":6,"time":"2026-06-01T12:01:02.000000000Z","verdict":"not_applicable","reason":"not_ip","hops":[]}`, lines[5])
	for _, l := range lines[:6] {
		var v any
		assert.NoError(t, json.Unmarshal([]byte(l), &v), l)
	}
}
