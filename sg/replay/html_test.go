package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/replay"
)

func pageOf(t testing.TB, topo *sg.Topology, workers int, s script) []byte {
	p := policy(t, topo)
	r, err := replay.Run(context.Background(), p, &replay.Options{Workers: workers}, s)
	require.NoError(t, err)
	r.Blame(lint.Check(topo))
	var b bytes.Buffer
	require.NoError(t, replay.WriteHTML(&b, r, &replay.PageOptions{Topology: topo, Policy: p, Inputs: []string{"dir/web<b>.pcap"}}))
	return b.Bytes()
}

var visitors = script{
	"0 tcp 198.51.100.1:40001 > 10.0.1.10:443 S",
	"0.1 tcp 10.0.1.10:443 > 198.51.100.1:40001 SA",
	"1 tcp 203.0.113.9:40001 > 10.0.1.10:22 S",
	"2 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
	"3 udp 192.0.2.1:1 > 192.0.2.2:2",
	"4 tcp 10.0.2.20:4000 > 203.0.113.80:443 S",
}

func TestHTML(t *testing.T) {
	page := pageOf(t, site(), 1, visitors)
	d := pagetest.Read(page)
	assert.Empty(t, d.Problems)
	for _, want := range []string{
		"web<b>.pcap", "6 packets, 600 B, in 4 s",
		"sg-web ingress[0]: port 443, packet had 22",             // what explain says of the one that was dropped
		"With them: sgsim explain -packet 3, and the captures",   // and where it says more
		"tcp 443: 2 packets", "tcp 22: unused", "packet dropped", // the map
		"sg-web ingress[1]", "no packet here was one that this rule admits first",
		"can never match:", "Network ACLs were not judged",
		"1 TCP connection", // no note without one
	} {
		if want == "1 TCP connection" {
			assert.NotContains(t, d.Text, want)
			continue
		}
		assert.Contains(t, d.Text, want)
	}
	for _, workers := range []int{2, 7} {
		assert.True(t, bytes.Equal(page, pageOf(t, site(), workers, visitors)), "%d workers", workers)
	}

	// The data is that of -format json.
	p := policy(t, site())
	r, err := replay.Run(context.Background(), p, nil, visitors)
	require.NoError(t, err)
	r.Blame(lint.Check(site()))
	var doc bytes.Buffer
	require.NoError(t, r.WriteJSON(&doc, replay.TextOptions{}))
	assert.JSONEq(t, doc.String(), string(d.JSON))
	var b bytes.Buffer
	require.NoError(t, replay.WriteHTML(&b, r, nil))
	assert.Contains(t, pagetest.Read(b.Bytes()).Text, "sg-web ingress[1]")
}

// Text from files stays text.
func TestHTMLOfStrangeNames(t *testing.T) {
	page := pageOf(t, strange(), 1, visitors)
	d := pagetest.Read(page)
	assert.Empty(t, d.Problems)
	assert.Contains(t, d.Text, `</script><script>alert(1)</script>\u202e`)
	assert.Equal(t, pagetest.Read(pageOf(t, site(), 1, visitors)).Skeleton[:400], d.Skeleton[:400])
	var data map[string]any
	require.NoError(t, json.Unmarshal(d.JSON, &data))
}

// However many rules there are, the page is bounded, and what it leaves out is said.
func TestHTMLOfManyRules(t *testing.T) {
	topo := site()
	for i := range 50 {
		g := sg.Group{ID: sg.GroupID(fmt.Sprintf("sg-%d", i))}
		for j := range 60 {
			g.Ingress = append(g.Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(1 + j), Peer: sg.AnyIPv4})
		}
		topo.Groups = append(topo.Groups, g)
	}
	page := pageOf(t, topo, 1, visitors)
	d := pagetest.Read(page)
	assert.Empty(t, d.Problems)
	assert.Contains(t, d.Text, "1,000 of 3,002 rules are shown")
	assert.Less(t, len(page), 2<<20)
}

// The packet of a talker is explained where it was dropped, and a rule's where it was
// admitted, though addresses tell another place.
func TestHTMLOfPlacedPackets(t *testing.T) {
	topo := site()
	p := policy(t, topo)
	o := &replay.Options{Place: func(int, *capture.Frame) replay.Place { return replay.Place{ENI: "eni-db", Direction: sg.Ingress} }}
	r, err := replay.Run(context.Background(), p, o, script{"0 tcp 192.0.2.9:1 > 192.0.2.8:5432 S", "1 tcp 10.0.1.10:1 > 192.0.2.8:5432 S"})
	require.NoError(t, err)
	require.EqualValues(t, 2, r.Rules[3].Number)
	assert.Equal(t, packet.TCP, r.Rules[3].First.Protocol)
	var b bytes.Buffer
	require.NoError(t, replay.WriteHTML(&b, r, &replay.PageOptions{Topology: topo, Policy: p}))
	d := pagetest.Read(b.Bytes())
	assert.Contains(t, d.Text, "eni-db ingress: drop, no_rule")
	assert.Contains(t, d.Text, "eni-db ingress: accept, rule")
}
