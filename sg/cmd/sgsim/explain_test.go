package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
		"-packet 9 " + file:    "-packet 9: the captures hold only 4\n",
		"-packet 1 none.pcap":  "none.pcap: no such file or directory\n",
		"-packet 1":            "sgsim explain: -packet: no capture (sgsim explain -h shows the flags)\n",
		"-through far " + file: `sgsim explain: -through far: "far": no interface, instance or group of the topology (sgsim explain -h shows the flags)` + "\n",
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
	assert.Contains(t, runSgsim(t, append(append([]string{"explain"}, nlb...), "-format", "json", "-through", "nlb", client)...).stdout, `"through": true`)
	r := runSgsim(t, "explain", "-topology", topology, "-eni", "id=eni-nlb,name=front,addr=10.0.9.10,group=sg-web,type=network_load_balancer", client)
	assert.Contains(t, flat(r.stdout), "came through front (eni-nlb) with its client's address kept: say -through eni-nlb")
	// It goes by what the ends of packets go by.
	assert.Equal(t, exitOK, runSgsim(t, "explain", "-topology", topology, "-through", "sg-db", client).status)
	r = runSgsim(t, append(append([]string{"explain"}, nlb...), "-through", "sg-web", client)...)
	assert.Contains(t, r.stderr, `-through sg-web: "sg-web": which of its 2 interfaces? eni-web (10.0.1.10), nlb (10.0.9.10)`)
	cut := "tcp 198.51.100.7 > 10.0.1.10 missing ports,flags"
	assert.Equal(t, exitOK, runSgsim(t, "explain", "-topology", topology, "-fail-on", "drop", cut).status)
	assert.Equal(t, exitNo, runSgsim(t, "explain", "-topology", topology, "-fail-on", "drop,unknown", cut).status)
	strangers := runSgsim(t, "explain", "-topology", topology, "-fail-on", "drop", "tcp 192.0.2.1:1 > 192.0.2.2:2 S")
	assert.Equal(t, exitInput, strangers.status)
	assert.Contains(t, strangers.stderr, "no packet was judged, so nothing passed")
}

// A packet may be one argument, or its words may be.
func TestUnquotedPacket(t *testing.T) {
	topology := vpc(t)
	explain := func(args ...string) result {
		return runSgsim(t, append([]string{"explain", "-topology", topology}, args...)...)
	}
	want := explain("tcp 198.51.100.7:40000 > web:443 S")
	require.Zero(t, want.status, "%s", want.stderr)
	assert.Equal(t, want, explain("tcp", "198.51.100.7:40000", ">", "web:443"))
	assert.Equal(t, want, explain("tcp", "198.51.100.7:40000", "to", "web:https", "S"))
	both := explain("tcp 198.51.100.7:40000 > web:443", "tcp", "web", "to", "db:postgresql")
	assert.Equal(t, both, explain("tcp", "198.51.100.7:40000", "to", "web:443", "tcp web > db:5432"))
	assert.Equal(t, 2, strings.Count(both.stdout, "S: accept, rule\n"), "%s", both.stdout)

	for _, c := range []struct {
		says string
		args []string
	}{
		{`want > between source and destination, got the end; without quotes the shell takes > for itself: write "to"`, []string{"tcp", "web"}},
		{`got "99999" (sgsim explain -h`, []string{"tcp", "web", "to", "db:99999"}},
		{`unknown word "syn" (sgsim explain -h`, []string{"tcp", "web", ">", "db:5432", "syn"}},
		{`unknown word "tcp"; where there are several packets, each needs quotes (`, strings.Fields("tcp web to db:5432 tcp web to db:443")},
		{`want a port below 65536, got "x" (`, strings.Fields("icmp web to db 3/4 about tcp 10.0.0.1:1 > 10.0.0.2:x")},
		{"is not a packet but a file", []string{pcapFile(t, askWeb), pcapFile(t, askDB)}},
		{`want a port below 65536, got "htps" (`, []string{"tcp web > db:htps"}},
	} {
		r := explain(c.args...)
		assert.Equal(t, exitUsage, r.status)
		assert.Contains(t, r.stderr, c.says)
	}
	assert.NotContains(t, explain("tcp", "web", "to", "db:99999").stderr, "the shell")
	assert.NotContains(t, explain("tcp", "web>db:443").stderr, "the shell")
}

// Interfaces whose address AWS has yet to choose go by their names.
func TestUnchosenAddresses(t *testing.T) {
	const base = "vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-1 10.0.1.0/24\ngroup sg-app vpc=vpc-1\ngroup sg-db vpc=vpc-1\nrule sg-app egress all 0.0.0.0/0\nrule sg-db ingress tcp 5432 sg-app\n" +
		"rule sg-db ingress tcp 22 10.0.1.16/28\neni db 10.0.2.20 sg-db vpc=vpc-1\n"
	before, after := write(t, "before.topo", []byte(base)), write(t, "after.topo", []byte(base+"eni app sg-app vpc=vpc-1 subnet=subnet-1\n"))
	r := runSgsim(t, "explain", "-topology", after, "-fail-on", "drop,unknown", "tcp app to db:5432")
	assert.Equal(t, exitOK, r.status, r.stderr)
	assert.Contains(t, flat(r.stdout), "note not known yet: the address of app; whichever AWS chooses, the verdict is the same app egress: accept, rule")
	r = runSgsim(t, "explain", "-topology", after, "-format", "json", "-fail-on", "unknown", "tcp app to db:5432", "tcp app to db:22")
	assert.Equal(t, exitNo, r.status, r.stderr)
	assert.Contains(t, r.stdout, `"unknown_address"`)

	diff := []string{"diff", "-before", before, "-after", after, "-fail-on", "opened"}
	r = runSgsim(t, diff...)
	assert.Equal(t, exitNo, r.status)
	assert.Contains(t, r.stdout, "between interfaces:\n  opened  app > db: tcp 5432\n")
	assert.Contains(t, flat(r.stdout), "made-up addresses stand in for those that AWS has yet to choose: 10.0.1.4 for app")
	// A made-up address is never shown as if it were one.
	const from, try = "tcp 5432 from app (address not known yet)", "tcp 10.0.1.4:40001 > 10.0.2.20:5432 S"
	assert.Contains(t, r.stdout, "  packets  "+from+"\n")
	assert.Contains(t, r.stdout, "  try      "+try+" (10.0.1.4 stands for app)\n")
	page := filepath.Join(t.TempDir(), "page.html")
	assert.Contains(t, runSgsim(t, append(diff, "-format", "markdown", "-html", page)...).stdout, "| "+from+" | + sg-db: tcp 5432 from sg-app | `"+try+"` (10.0.1.4 stands for app) |")
	html, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(html), from)
	assert.Contains(t, string(html), "(10.0.1.4 stands for app)")
	var all struct {
		StandIns []map[string]string `json:"stand_ins"`
		Notes    []string
	}
	require.NoError(t, json.Unmarshal([]byte(runSgsim(t, append(diff, "-format", "json")...).stdout), &all))
	assert.Equal(t, []map[string]string{{"eni": "app", "address": "10.0.1.4"}}, all.StandIns)
	assert.Equal(t, []string{"made-up addresses stand in for those that AWS has yet to choose: 10.0.1.4 for app"}, all.Notes)
	r = runSgsim(t, append(diff, "-eni", "app 10.0.1.44")...)
	assert.Contains(t, r.stdout, "tcp 5432 from 10.0.1.44/32", "of an interface that is only there afterwards")
	assert.Empty(t, r.stderr)
	assert.Contains(t, runSgsim(t, append(diff, "-eni", "nobody 10.0.1.44")...).stderr, "has no group")
	assert.Contains(t, flat(runSgsim(t, "explain", "-topology", after, "tcp 10.0.1.9 to db:5432").stdout), "not a private address of its members (1, of which app has no address yet)")
	// What is not compared passes no gate.
	halves := base + "rule sg-db ingress tcp 5432 10.0.1.0/25\nrule sg-db ingress tcp 5432 10.0.1.128/25\n"
	r = runSgsim(t, "diff", "-before", write(t, "h.topo", []byte(halves)), "-after", write(t, "i.topo", []byte(halves+"group sg-none vpc=vpc-1\neni app sg-none vpc=vpc-1 subnet=subnet-1\n")), "-fail-on", "opened")
	assert.Equal(t, exitNo, r.status)
	assert.Contains(t, flat(r.stdout), "AWS has yet to choose the address of app, and rules single out all that it may choose")
	// Nor does what depends on the subnet, if that is not in the input.
	nowhere := strings.Replace(base, "subnet vpc-1 subnet-1 10.0.1.0/24\n", "", 1)
	diff = []string{"diff", "-before", write(t, "n.topo", []byte(nowhere)), "-after", write(t, "o.topo", []byte(nowhere+"eni app sg-app vpc=vpc-1 subnet=subnet-1\n")), "-fail-on", "broken"}
	r = runSgsim(t, diff...)
	assert.Equal(t, exitNo, r.status)
	assert.Contains(t, flat(r.stdout), "no input has the subnet of app, and rules tell apart the addresses that AWS may choose there: what these rules let pass is not decided; add describe-subnets")
	assert.Zero(t, runSgsim(t, append(diff, "-eni", "app 10.0.1.44")...).status)
	diff = []string{"diff", "-before", before, "-after", after, "-fail-on", "opened"}
	// Packets of a capture belong to hosts that have an address.
	r = runSgsim(t, append(diff, pcapFile(t, "tcp 10.0.1.4:1 > 10.0.2.20:5432 S"))...)
	assert.Contains(t, r.stdout, "opened  app > db: tcp 5432")
	assert.Contains(t, r.stdout, "in 1 captured packet: 0 connections broken, 0 connections opened")
}

// What a plan makes is written as everywhere: its name, and its address in Terraform.
func TestNamesOfPlan(t *testing.T) {
	plan := write(t, "plan.topo", []byte("vpc vpc-1 10.0.0.0/16\ngroup aws_security_group.alb name=alb vpc=vpc-1\ngroup aws_security_group.app name=app vpc=vpc-1\n"+
		"rule aws_security_group.alb egress tcp 8080 group=aws_security_group.app\nrule aws_security_group.app ingress tcp 8080 group=aws_security_group.alb\n"+
		"eni lb 10.0.1.5 aws_security_group.alb vpc=vpc-1\neni aws_instance.app aws_security_group.app name=app-1 vpc=vpc-1\neni old 10.0.1.6 aws_security_group.app vpc=vpc-1\n"))
	said := flat(runSgsim(t, "explain", "-topology", plan, "tcp lb > app-1:8080").stdout)
	assert.Contains(t, said, "not known yet: the address of app-1 (aws_instance.app);")
	assert.Contains(t, said, "rule alb (aws_security_group.alb) egress[0]: tcp 8080 app (aws_security_group.app)")
	assert.Contains(t, said, "app-1 (aws_instance.app) ingress: accept, rule")
	r := runSgsim(t, "replay", "-topology", plan, pcapFile(t, "tcp 10.0.1.9:1 > 10.0.1.6:8080 S"))
	assert.Contains(t, flat(r.stdout), "nearest: app ingress[0]: source alb, packet had 10.0.1.9: it is not a private address")
}

// What Terraform manages goes by its address there too, though it has an id.
func TestTerraformAddresses(t *testing.T) {
	const resource = `{"address": "%[1]s.%[2]s", "mode": "managed", "type": "%[1]s", "name": "%[2]s", "values": {"id": "%[3]s", %[4]s}}`
	state := write(t, "state.json", []byte(`{"format_version": "1.0", "values": {"root_module": {"resources": [`+strings.Join([]string{
		fmt.Sprintf(resource, "aws_security_group", "db", "sg-1", `"vpc_id": "vpc-1", "ingress": [{"protocol": "tcp", "from_port": 5432, "to_port": 5432, "cidr_blocks": ["10.0.0.0/8"]}]`),
		fmt.Sprintf(resource, "aws_network_interface", "db", "eni-1", `"private_ips": ["10.0.2.20"], "security_groups": ["sg-1"], "tags": {"Name": "postgres"}`),
	}, ",")+`]}}}`))
	for _, name := range []string{"aws_network_interface.db", "aws_security_group.db", "postgres", "eni-1"} {
		r := runSgsim(t, "explain", "-topology", state, "10.0.1.9 to "+name+":5432")
		assert.Contains(t, r.stdout, "tcp 10.0.1.9:49152 > 10.0.2.20:5432 S: accept, rule", name)
	}
	r := runSgsim(t, "explain", "-topology", state, "-eni", "new 10.0.2.30 aws_security_group.db", "10.0.1.9 to new:5432")
	assert.Contains(t, r.stdout, "tcp 10.0.1.9:49152 > 10.0.2.30:5432 S: accept, rule", r.stderr)
	assert.Contains(t, runSgsim(t, "explain", "-topology", state, "10.0.1.9 to aws_network_interface.none:5432").stderr, "no interface, instance or group")
}
