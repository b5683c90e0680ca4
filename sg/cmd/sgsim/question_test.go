package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/sgtest"
)

func TestQuestion(t *testing.T) {
	topo, err := sgtest.ParseTopology("t", `
group sg-w name=web
group sg-d name=db
group sg-p name=pool
eni eni-w 10.0.1.10 2001:db8::10 sg-w name="web one" instance=i-1
eni eni-d 10.0.2.20 2001:db8::20 sg-d sg-p
eni eni-6 2001:db8::66 sg-p name=six
`)
	require.NoError(t, err)
	r := newResolver(topo)
	for in, want := range map[string]string{
		"tcp 10.0.0.1:1 > 10.0.0.2:2":       "tcp 10.0.0.1:1 > 10.0.0.2:2 S",
		"tcp 10.0.0.1:1 > 10.0.0.2:2 len 3": "tcp 10.0.0.1:1 > 10.0.0.2:2 S len 3",
		"tcp 10.0.0.1:1 > 10.0.0.2:2 FA":    "tcp 10.0.0.1:1 > 10.0.0.2:2 FA",
		"tcp web one:1 > db:5432":           "tcp 10.0.1.10:1 > 10.0.2.20:5432 S",
		"tcp i-1:1 > eni-d:5432 A":          "tcp 10.0.1.10:1 > 10.0.2.20:5432 A",
		"tcp db > web one:443 S":            "tcp 10.0.2.20:49152 > 10.0.1.10:443 S",
		"udp web:1 > six:53 len 4":          "udp [2001:db8::10]:1 > [2001:db8::66]:53 len 4",
		"udp [2001:db8::1]:1 > db:53":       "udp [2001:db8::1]:1 > [2001:db8::20]:53",
		"icmp 192.0.2.1 > web one 8/0":      "icmp 192.0.2.1 > 10.0.1.10 8/0",
		"icmpv6 sg-w > db 128/0 id 7":       "icmpv6 2001:db8::10 > 2001:db8::20 128/0 id 7",
		"47 web > db":                       "47 10.0.1.10 > 10.0.2.20",
		"    12    0.031000  accept   tcp 10.0.0.1:1 > 10.0.0.2:2 SA len 9":                                                                                                           "tcp 10.0.0.1:1 > 10.0.0.2:2 SA len 9",
		"12 31999.799999  -  47 10.0.0.1 > 10.0.0.2\n        neither end is an ENI of the topology":                                                                                   "47 10.0.0.1 > 10.0.0.2",
		"12 0.1  unknown  icmp 10.0.0.1 > 10.0.0.2 3/4\n                                 about tcp 10.0.0.2:1 >\n                                 10.0.0.3:2\n        web ingress: x": "icmp 10.0.0.1 > 10.0.0.2 3/4 about tcp 10.0.0.2:1 > 10.0.0.3:2",
	} {
		q, err := r.question(in)
		if assert.NoError(t, err, in) {
			assert.Equal(t, want, q.header.String(), in)
			assert.Equal(t, strings.Contains(in, "12 "), q.pasted == "12", in)
		}
	}
	for in, want := range map[string]string{
		"tcp pool:1 > db:2":         `"pool": which of its 2 interfaces? eni-d, eni-6`,
		"tcp web:1 > nobody:2":      `"nobody": not an address, and no interface, instance or group`,
		"tcp 10.0.0.1:1 > six:2":    "six has no address of that IP version",
		"tcp web:1":                 `packet: "tcp web:1": byte 9: want > between source and destination, got the end`,
		"tcp web:1 db:2 S":          `packet: "tcp web:1 db:2 S": byte 10: want > between source and destination, got "db:2"`,
		"tcp web:1 > 10.0.0.300:2":  "destination: want an address",
		"tcp web:1 > db:2 whatever": "unknown word",
		"":                          "packet: ",
		" > ":                       "packet: ",
		"tcp  > ":                   "packet: ",
	} {
		_, err := r.question(in)
		assert.ErrorContains(t, err, want, in)
	}
}

// Lines fit, whatever is explained, and are not cut in words.
func TestExplainFits(t *testing.T) {
	topology := vpc(t)
	r := runSgsim(t, "explain", "-topology", topology, askDB, askMore, askSSH, "icmp 192.0.2.1 > 10.0.1.10 3/4 about tcp 10.0.1.10:443 > 198.51.100.7:50000",
		"tcp 10.0.2.20:22 > 10.0.1.10:3 SA", "tcp 10.0.1.10:22 > 10.0.1.10:3 S")
	for line := range strings.Lines(r.stdout) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
	assert.NotRegexp(t, `[A-Z]+-[0-9]+\)`, r.stdout, "numbers of statements")
	assert.Contains(t, flat(runSgsim(t, "explain", "-v", "-topology", topology, askMore).stdout), "(CT-41)")
}

func TestExplainMore(t *testing.T) {
	topology := vpc(t)
	text := func(args ...string) string {
		r := runSgsim(t, append([]string{"explain", "-topology", topology}, args...)...)
		assert.Empty(t, r.stderr)
		return flat(r.stdout)
	}
	// What the second end would have said.
	far := text("tcp db:1 > web:443")
	assert.Contains(t, far, "db (eni-db) egress: drop, no_rule connection none")
	assert.Contains(t, far, "web (eni-web) ingress: drop, no_rule, had it come that far")
	assert.NotContains(t, text(askDB), "had it come that far")
	// Answers to a SYN that was dropped.
	said := text("tcp 192.0.2.1:1 > web:9", "tcp web:9 > 192.0.2.1:1 SA", "tcp 192.0.2.1:1 > web:9 A")
	assert.Contains(t, said, "note it answers a SYN that is dropped at web (eni-web) ingress, no_rule: no host sends it")
	assert.Contains(t, said, "note the SYN of its connection was dropped: packet 1")
	// To itself, through a balancer.
	assert.Contains(t, text("tcp web:1 > web:2"), "(hairpin)")
	// Captured packets meet the connections before them, pasted ones do not.
	file := pcapFile(t, askWeb, webSays, askSSH, strings.Replace(askSSH, " S", " A", 1))
	assert.Contains(t, text("-packet", "2", file), "this is a reply admitted by web (sg-web) ingress[0]")
	assert.Contains(t, text("-packet", "4", file), "note the SYN of its connection was dropped")
	assert.Contains(t, text("2 0.001 accept "+webSays), "note without the connections of the packets before it: -packet 2 and the capture")
	assert.Contains(t, text("-tap", "db:ingress", "-packet", "2", file), "db (eni-db) ingress: drop, no_rule")

	for args, want := range map[string]string{
		"-packet 9 " + file:    "-packet 9: the captures hold 4\n",
		"-packet 1 none.pcap":  "none.pcap: no such file or directory\n",
		"-packet 1":            "sgsim explain: -packet: no capture (sgsim explain -h shows the flags)\n",
		"-through far " + file: `sgsim explain: -through far: no ENI "far" in the topology (sgsim explain -h shows the flags)` + "\n",
		"-format xml x":        "sgsim explain: -format xml: not one of text, json (sgsim explain -h shows the flags)\n",
	} {
		r := runSgsim(t, append([]string{"explain", "-topology", topology}, strings.Fields(args)...)...)
		assert.Equal(t, want, r.stderr, args)
		assert.NotZero(t, r.status)
	}
}

// A load balancer that keeps its clients' addresses makes them members of its groups.
func TestThrough(t *testing.T) {
	topology := vpc(t)
	client := "tcp 203.0.113.5:4000 > 10.0.2.20:5432 S"
	nlb := []string{"-topology", topology, "-eni", "id=nlb,addr=10.0.9.10,group=sg-web", "-fail-on", "drop"}
	file := pcapFile(t, client)
	for _, sub := range [][]string{{"explain", client}, {"replay", file}, {"replay", "-tap", "db:ingress", file}, {"explain", "-packet", "1", file}} {
		with := append(append([]string{sub[0]}, nlb...), append([]string{"-through", "nlb"}, sub[1:]...)...)
		assert.Equal(t, exitOK, runSgsim(t, with...).status, sub)
		assert.Equal(t, exitNo, runSgsim(t, append(append([]string{sub[0]}, nlb...), sub[1:]...)...).status, sub)
	}
	cut := "tcp 198.51.100.7 > 10.0.1.10 missing ports,flags"
	assert.Equal(t, exitOK, runSgsim(t, "explain", "-topology", topology, "-fail-on", "drop", cut).status)
	assert.Equal(t, exitNo, runSgsim(t, "explain", "-topology", topology, "-fail-on", "drop,unknown", cut).status)
}
