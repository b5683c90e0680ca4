package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
)

// changed is vpcJSON with another rule at the database, and with SSH to the web server.
func changed(t *testing.T) string {
	s := strings.Replace(vpcJSON, `"FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "sg-web"}]`, `"FromPort": 5433, "ToPort": 5433, "UserIdGroupPairs": [{"GroupId": "sg-web"}]`, 1)
	s = strings.Replace(s, `{"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,`, `{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "203.0.113.0/24"}]},
       {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80,`, 1)
	return write(t, "after.json", []byte(s))
}

func TestDiff(t *testing.T) {
	before, after := vpc(t), changed(t)
	r := runSgsim(t, "diff", "-before", before, "-after", after)
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, "1 broken, 2 opened at 2 interfaces\n")
	assert.Contains(t, r.stdout, `
opened: ingress of web (eni-web)
  packets  tcp 22 from 203.0.113.0/24
  before   drop
  after    accept, web (sg-web): tcp 22 from 203.0.113.0/24
  try      tcp 203.0.113.7:40001 > 10.0.1.10:22 S
`)
	assert.Contains(t, r.stdout, "between interfaces:\n  broken  web (eni-web) > db (eni-db): tcp 5432\n")

	// The smallest change breaks something, and comes first, even where only one is shown.
	assert.Less(t, strings.Index(r.stdout, "\nbroken: "), strings.Index(r.stdout, "\nopened: "))
	r = runSgsim(t, "diff", "-before", before, "-after", after, "-format", "markdown", "-most", "1")
	assert.Contains(t, r.stdout, "| --- |\n| broken |")
	assert.Contains(t, r.stdout, "\nand 2 more changes\n")

	r = runSgsim(t, "diff", "-before", before, "-after", before, "-fail-on", "any")
	assert.Equal(t, result{stdout: "the rules do not differ: the same connections open as before\n"}, r)
}

// A plan alone is a change: it opens what it makes from nothing.
func TestDiffPlan(t *testing.T) {
	r := runSgsim(t, "diff", "-plan", filepath.Join(root, "examples/terraform/testdata/plan.json"), "-fail-on", "broken")
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, "0 broken, 2 opened at 2 interfaces\nnew: ")
	assert.NotContains(t, r.stderr, "empty")
}

// What was not compared passes no gate.
func TestDiffUnfinished(t *testing.T) {
	var f diffFlags
	for _, d := range []*diff.Diff{{Unfinished: []sg.ENIID{"eni-1"}}, {Unshared: []sg.GroupID{"sg-1"}}, {Pending: &diff.Pending{Unplaced: []sg.ENIID{"eni-1"}}}} {
		for _, f.failOn = range []string{"opened", "broken", "any"} {
			assert.True(t, f.fails(d, nil), f.failOn)
		}
	}
	for _, d := range []*diff.Diff{{Uncarried: []sg.GroupID{"sg-1"}}, {Timeouts: []diff.Timeout{{ENI: "eni-1"}}}} {
		f.failOn = "any"
		assert.True(t, f.fails(d, nil))
		f.failOn = "opened"
		assert.False(t, f.fails(d, nil))
	}
}

// What is no plan holds no change, and is refused.
func TestDiffNoPlan(t *testing.T) {
	for _, name := range []string{vpc(t), write(t, "state.json", []byte(`{"format_version": "1.0", "values": {"root_module": {}}}`))} {
		r := runSgsim(t, "diff", "-plan", name, "-fail-on", "any")
		assert.Equal(t, exitInput, r.status)
		assert.Contains(t, r.stderr, name+": is not a plan: save one with terraform plan -out")
	}
}

// Groups without interfaces are no comparison that a gate may pass.
func TestDiffNoInterfaces(t *testing.T) {
	groups := write(t, "groups.json", []byte(`{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "one"}]}`))
	r := runSgsim(t, "diff", "-before", groups, "-after", groups)
	assert.Zero(t, r.status, r.stderr)
	r = runSgsim(t, "diff", "-before", groups, "-after", groups, "-fail-on", "opened")
	assert.Equal(t, exitInput, r.status)
	assert.Contains(t, r.stderr, "neither side has an interface, so nothing was compared")
}

func TestDiffGate(t *testing.T) {
	before, after := vpc(t), changed(t)
	member := write(t, "member.json", []byte(strings.Replace(vpcJSON, `"UserIdGroupPairs": [{"GroupId": "sg-web"}]`, `"IpRanges": [{"CidrIp": "10.0.1.10/32"}]`, 1)))
	for _, tt := range []struct {
		after, failOn string
		want          int
	}{
		{after, "broken", exitNo}, {after, "opened", exitNo}, {after, "any", exitNo},
		{member, "broken", exitOK}, {member, "opened", exitOK}, {member, "any", exitNo}, // future members alone
		{before, "any", exitOK},
	} {
		assert.Equal(t, tt.want, runSgsim(t, "diff", "-before", before, "-after", tt.after, "-fail-on", tt.failOn).status, tt)
	}
	for _, args := range [][]string{
		{"-before", before}, {"-before", before, "-after", after, "-fail-on", "drop"}, {"-before", before, "-after", after, "-format", "xml"},
		{"-before", before, "-after", after, "-at", "noon", "x.pcap"}, {"-before", before, "-after", after, "-at", "2026-03-01T12:00:00Z"},
	} {
		assert.Equal(t, exitUsage, runSgsim(t, append([]string{"diff"}, args...)...).status, args)
	}
	assert.Equal(t, exitInput, runSgsim(t, "diff", "-before", before, "-after", "no such file").status)
}

func TestDiffTraffic(t *testing.T) {
	before, after, capture := vpc(t), changed(t), pcapFile(t, askDB, dbSays, askSSH, "tcp 10.0.1.10:40009 > 10.0.2.20:5432 S")
	r := runSgsim(t, "diff", "-before", before, "-after", after, "-at", "2026-05-04T08:00:02Z", "-fail-on", "broken", capture)
	assert.Equal(t, exitNo, r.status, r.stderr)
	assert.Contains(t, r.stdout, "in 4 captured packets: 1 connection broken, 1 connection opened\n")
	assert.Contains(t, r.stdout, "passing only because they are tracked: 1 connection\n")

	r = runSgsim(t, "diff", "-before", before, "-after", after, "-format", "markdown", capture)
	assert.Contains(t, r.stdout, "| broken | ingress of db (eni-db) | tcp 5432 from members of web (sg-web) (10.0.1.10/32) |")
	assert.Contains(t, r.stdout, "**Traffic:** 4 captured packets;")
}

// Where VPCs overlap, -vpc says whose packets were captured.
func TestDiffVPC(t *testing.T) {
	side := func(port string) string {
		return write(t, "side.topo", []byte("group sg-a vpc=vpc-1\nrule sg-a ingress tcp "+port+" 0.0.0.0/0\neni a 10.0.0.1 sg-a vpc=vpc-1\n"+
			"group sg-b vpc=vpc-2\neni b 10.0.0.1 sg-b vpc=vpc-2\n"))
	}
	args := []string{"diff", "-before", side("80"), "-after", side("81"), "-fail-on", "broken", pcapFile(t, "tcp 192.0.2.1:40001 > 10.0.0.1:80 S")}
	assert.Contains(t, runSgsim(t, args...).stdout, "1 not judged: its address belongs to several ENIs\n")
	of := func(vpc string) result { return runSgsim(t, append([]string{"diff", "-vpc", vpc}, args[1:]...)...) }
	assert.Contains(t, of("vpc-1").stdout, "in 1 captured packet: 1 connection broken, 0 connections opened\n")
	assert.Contains(t, of("vpc-2").stdout, "in 1 captured packet: 0 connections broken, 0 connections opened\n")
	assert.Equal(t, exitUsage, of("vpc-3").status)
	assert.Equal(t, exitUsage, runSgsim(t, "diff", "-before", vpc(t), "-after", vpc(t), "-vpc", "vpc-1").status)
}

// What nothing judges passes no gate, and is counted.
func TestDiffUnjudged(t *testing.T) {
	before, strangers := vpc(t), "tcp 192.0.2.1:40001 > 198.51.100.1:80 S"
	r := runSgsim(t, "diff", "-before", before, "-after", before, "-fail-on", "broken", pcapFile(t, strangers, strangers))
	assert.Equal(t, exitInput, r.status)
	assert.Contains(t, r.stdout, "0 connections opened\n2 not judged: neither end is an ENI of the topology\n")
	assert.Contains(t, r.stderr, "-fail-on broken: nothing of what was read was judged, so nothing passed")

	page := filepath.Join(t.TempDir(), "page.html")
	r = runSgsim(t, "diff", "-before", before, "-after", before, "-fail-on", "any", "-format", "markdown", "-html", page, pcapFile(t, strangers, askDB))
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, "\n1 not judged: neither end is an ENI of the topology\n")
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(text), "1 not judged: neither end")

	log := write(t, "flow.log", []byte("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"+
		"2 1 eni-web 10.0.1.10 10.0.2.20 40001 5432 6 3 180 1777881601 1777881602 ACCEPT OK\n"+
		"2 1 eni-far 10.0.1.10 10.9.2.20 40001 5432 6 3 180 1777881601 1777881602 ACCEPT OK\n"+
		"2 1 eni-web 198.51.100.1 10.0.1.10 2000 80 6 1 40 1777881601 1777881602 REJECT OK\n"))
	r = runSgsim(t, "diff", "-before", before, "-after", before, "-format", "json", log)
	assert.Zero(t, r.status, r.stderr)
	var all struct {
		Traffic struct {
			Judged    int
			NotJudged []map[string]any `json:"not_judged"`
		}
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &all))
	assert.Equal(t, 1, all.Traffic.Judged)
	assert.Equal(t, []map[string]any{
		{"verdict": "not_applicable", "reason": "", "number": 1.0}, {"verdict": "unknown", "reason": "", "cause": "no_flags", "number": 1.0},
	}, all.Traffic.NotJudged)
	r = runSgsim(t, "diff", "-before", before, "-after", before, log)
	assert.Contains(t, flat(r.stdout), "2 not judged: the topology lacks the interface (1), no_flags (1)")
}

// Flow logs go where captures go; what they do not tell is unknown.
func TestDiffFlowLog(t *testing.T) {
	log := write(t, "flow.log", []byte("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status tcp-flags flow-direction\n"+
		"5 1 eni-db 10.0.1.10 10.0.2.20 40001 5432 6 3 180 1777881601 1777881602 ACCEPT OK 2 ingress\n"+
		"5 1 eni-db 10.0.2.20 10.0.1.10 5432 40001 6 2 120 1777881601 1777881602 ACCEPT OK 18 egress\n"))
	args := []string{"diff", "-before", vpc(t), "-after", changed(t), "-fail-on", "broken"}
	r := runSgsim(t, append(args, log)...)
	assert.Equal(t, exitNo, r.status, r.stderr)
	assert.Contains(t, r.stdout, "in 2 records of flow logs: 1 connection broken, 0 connections opened\n")
	assert.Contains(t, strings.Join(strings.Fields(r.stdout), " "), "first "+log+":2: tcp 10.0.1.10:40001 > 10.0.2.20:5432 S before accept")

	r = runSgsim(t, append(args, "-format", "json", log)...)
	doc, err := os.ReadFile("JSON.md")
	require.NoError(t, err)
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &all))
	assert.Greater(t, documented(t, string(doc), all), 60)
	assert.EqualValues(t, 2, all["traffic"].(map[string]any)["records"])
}

// Options take the place of a second topology.
func TestDiffOptions(t *testing.T) {
	before, file := vpc(t), pcapFile(t, "tcp 10.0.1.10:40001 > 10.0.2.20:5432 A len 10")
	r := runSgsim(t, "diff", "-before", before, "-option", "midstream=pass", "-fail-on", "opened", file)
	assert.Equal(t, exitNo, r.status, r.stderr)
	assert.Contains(t, r.stdout, "the rules do not differ")
	assert.Contains(t, r.stdout, "in 1 captured packet: 0 connections broken, 1 connection opened\n")
	assert.Contains(t, r.stdout, "before   drop, midstream at ")

	// The option of both sides is that of each until -option says otherwise.
	r = runSgsim(t, "diff", "-before", before, "-midstream", "pass", "-option", "nitro-v6", file)
	assert.Contains(t, r.stdout, "in 1 captured packet: 0 connections broken, 0 connections opened\n")

	var b bytes.Buffer
	w := capture.NewWriter(&b, capture.Pcap, nil)
	for i, p := range []string{askDB, dbSays, "tcp 10.0.1.10:40000 > 10.0.2.20:5432 A", "tcp 10.0.1.10:40000 > 10.0.2.20:5432 A len 10"} {
		require.NoError(t, w.WriteFrame(frameOf(t, p, i*200*(i/3)))) // 600 s of silence
	}
	require.NoError(t, w.Flush())
	late := write(t, "late.pcap", b.Bytes())
	for _, option := range []string{"nitro-v6", "tcp-established=60s"} {
		r = runSgsim(t, "diff", "-before", before, "-option", option, late)
		assert.Contains(t, r.stdout, "1 connection broken, 0 connections opened\n", option)
	}
	for _, option := range []string{"midstream=no", "speed=9", "udp=fast", "profile"} {
		assert.Equal(t, exitUsage, runSgsim(t, "diff", "-before", before, "-option", option, file).status, option)
	}
	assert.Equal(t, exitUsage, runSgsim(t, "diff", "-before", before, "-option", "nitro-v6").status)
	r = runSgsim(t, "diff", "-before", before, "-option", "udp=31s", "-option", "tcp-established=10s", file)
	assert.Equal(t, result{status: exitUsage, stderr: r.stderr}, r)
	assert.Contains(t, r.stderr, "-option tcp-established=10s: from 1m0s to 120h0m0s (")
	assert.NotContains(t, r.stderr, "eni-web")
}

// Worlds follow on each other.
func TestDiffThen(t *testing.T) {
	before, after, capture := vpc(t), changed(t), pcapFile(t, askDB, dbSays, askSSH, "tcp 10.0.1.10:40009 > 10.0.2.20:5432 S")
	args := []string{"diff", "-before", before, "-after", after, "-at", "08:00:02"}
	r := runSgsim(t, append(args, "-then", "08:00:03="+before, capture)...)
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, "in 4 captured packets: 0 connections broken, 1 connection opened\n")
	assert.Empty(t, r.stderr)
	r = runSgsim(t, append(args, "-then", "07:00:00="+before, capture)...)
	assert.Equal(t, "warning: the change of 2026-05-05T07:00:00Z comes after everything that was read: no packet met it\n", r.stderr)
	args[len(args)-1] = "2026-05-04T08:00:02Z"
	for _, then := range []string{"08:00:03", "noon=" + before, "2026-05-04T08:00:01Z=" + before} {
		assert.Equal(t, exitUsage, runSgsim(t, append(args, "-then", then, capture)...).status, then)
	}
}

// A file of one side is preferred there.
func TestDiffPrefer(t *testing.T) {
	before, after := vpc(t), changed(t)
	assert.Equal(t, exitInput, runSgsim(t, "diff", "-before", before, "-before", after, "-after", after).status)
	r := runSgsim(t, "diff", "-before", before, "-before", after, "-after", after, "-prefer", after)
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, "the rules do not differ")
	assert.Equal(t, exitUsage, runSgsim(t, "diff", "-before", before, "-after", after, "-prefer", "other.json").status)
}

// Every key that diff writes is described.
func TestDiffJSON(t *testing.T) {
	doc, err := os.ReadFile("JSON.md")
	require.NoError(t, err)
	capture := pcapFile(t, askDB, dbSays, askSSH)
	r := runSgsim(t, "diff", "-before", vpc(t), "-after", changed(t), "-format", "json", "-at", "2026-05-04T08:00:02Z", capture)
	require.Zero(t, r.status, r.stderr)
	var all map[string]any
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &all))
	assert.Greater(t, documented(t, string(doc), all), 60)
	assert.EqualValues(t, 1, all["version"])
	assert.Len(t, all["changes"], 3)
	assert.Len(t, all["traffic"].(map[string]any)["kept"], 1)
}

// documented counts the keys of an object, and fails for each that JSON.md lacks.
func documented(t *testing.T, doc string, all any) int {
	t.Helper()
	keys := 0
	var look func(any)
	look = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, x := range v {
				look(x)
			}
		case map[string]any:
			for key, x := range v {
				keys++
				assert.True(t, strings.Contains(doc, "`"+key+"`"), "JSON.md does not say %s", key)
				look(x)
			}
		}
	}
	look(all)
	return keys
}

// The pages of the README are what the commands behind them print.
func TestReadmeDiff(t *testing.T) {
	blocks, pages := readmeBlocks(t), 0
	for i, b := range blocks {
		for line := range strings.Lines(b.text) {
			if args, ok := strings.CutPrefix(strings.TrimSpace(line), "go run ./sg/cmd/sgsim diff "); ok && b.language == "sh" {
				cmd := exec.Command(sgsim, append([]string{"diff"}, strings.Fields(args)...)...)
				cmd.Dir = root
				out, err := cmd.Output()
				require.NoError(t, err)
				assert.Equal(t, blocks[i+1].text, string(out))
				pages++
			}
		}
	}
	assert.Equal(t, 3, pages)
}

// Listings beside a plan belong to both of its sides; given for one, they look like a change.
func TestDiffPlanOneSided(t *testing.T) {
	plan, listing := filepath.Join(root, "sg/cmd/sgsim/testdata/plan-replaced.json"), vpc(t)
	for _, format := range []string{"text", "markdown", "json"} {
		page := filepath.Join(t.TempDir(), "page.html")
		r := runSgsim(t, "diff", "-plan", plan, "-before", listing, "-format", format, "-html", page)
		assert.Zero(t, r.status, r.stderr)
		assert.Contains(t, r.stderr, "give the same files for the other side too, -after "+listing+"\n", format)
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		assert.Contains(t, string(text), "counts for that side alone", format)
		if format == "json" {
			assert.Contains(t, r.stdout, `"notes": [`+"\n    \"what -before tells")
		}
		if format == "markdown" {
			assert.Contains(t, r.stdout, "counts for that side alone")
			assert.Contains(t, r.stdout, "\ngone: ")
		}
	}
	r := runSgsim(t, "diff", "-plan", plan, "-after", listing)
	assert.Contains(t, r.stderr, "too, -before "+listing+"\n")
	assert.Contains(t, r.stdout, "\nnew: ")
	for _, args := range [][]string{{"-before", listing, "-after", listing}, nil} {
		r = runSgsim(t, append([]string{"diff", "-plan", plan}, args...)...)
		assert.NotContains(t, r.stderr, "same files")
	}
}

// An instance that a plan replaces gets a new address, to which rules for the old one do
// not apply.
func TestDiffReplaced(t *testing.T) {
	const plan = `{"format_version": "1.2", "terraform_version": "1.9.8",
 "planned_values": {"root_module": {"resources": [{"address": "aws_instance.app", "mode": "managed", "type": "aws_instance", "name": "app", "values":
  {"subnet_id": "subnet-1", "vpc_security_group_ids": ["sg-app"]}}]}},
 "prior_state": {"values": {"root_module": {"resources": [{"address": "aws_instance.app", "mode": "managed", "type": "aws_instance", "name": "app", "values": %[1]s}]}}},
 "resource_changes": [{"address": "aws_instance.app", "mode": "managed", "type": "aws_instance", "change": {"actions": ["delete", "create"], "before": %[1]s,
  "after_unknown": {"private_ip": true}}}],
 "configuration": {"root_module": {"resources": []}}}`
	file := write(t, "plan.json", fmt.Appendf(nil, plan, `{"id": "i-1", "primary_network_interface_id": "eni-app", "subnet_id": "subnet-1", "private_ip": "10.0.1.10", "vpc_security_group_ids": ["sg-app"]}`))
	for rule, status := range map[string]int{"10.0.1.10/32": exitNo, "10.0.1.0/24": exitOK} {
		listing := write(t, "listing.topo", []byte("vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-1 10.0.1.0/24\ngroup sg-app vpc=vpc-1\ngroup sg-db vpc=vpc-1\nrule sg-app egress all 0.0.0.0/0\n"+
			"rule sg-db ingress tcp 5432 "+rule+"\neni db 10.0.1.20 sg-db vpc=vpc-1 subnet=subnet-1\n"))
		for _, gate := range []string{"broken", "opened", "any"} {
			r := runSgsim(t, "diff", "-plan", file, "-before", listing, "-after", listing, "-fail-on", gate)
			assert.Equal(t, status, r.status, r.stderr)
			assert.Equal(t, status == exitNo, strings.Contains(flat(r.stdout), "replacing eni-app changes an address that rules single out, and AWS has yet to choose the new one"), r.stdout)
		}
	}
}
