package main

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The report of captures and of flow logs is one JSON object, all of whose keys JSON.md
// has, with the numbers that people read.
func TestReportJSON(t *testing.T) {
	doc, err := os.ReadFile("JSON.md")
	require.NoError(t, err)
	report := func(input string) map[string]any {
		r := runSgsim(t, "replay", "-topology", vpc(t), "-format", "json", input)
		require.Zero(t, r.status, r.stderr)
		var all map[string]any
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &all))
		assert.Greater(t, documented(t, string(doc), all), 40)
		return all
	}
	all := report(write(t, "some.pcap", pcap(t, askWeb, askSSH)))
	assert.Equal(t, "packets", all["kind"])
	assert.EqualValues(t, 2, all["packets"])
	talker := all["talkers"].([]any)[0].(map[string]any)
	assert.Equal(t, "no_rule", talker["reason"])
	assert.NotEmpty(t, talker["nearest"])

	all = report(write(t, "flow.log", []byte("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"+
		"2 123456789012 eni-web 203.0.113.9 10.0.1.10 40000 22 6 1 40 1767225600 1767225660 ACCEPT OK\n")))
	assert.Equal(t, "records", all["kind"])
	wrong := all["disagreements"].([]any)[0].(map[string]any)
	assert.Equal(t, "rule_not_given", wrong["cause"])
}
