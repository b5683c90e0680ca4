package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
)

// A result is what a run of the program left behind.
type result struct {
	stdout, stderr string
	status         int
}

func runSgsim(t *testing.T, args ...string) result { return runWith(t, nil, args...) }

// runWith calls the program with that on standard input: as a function, since starting it
// takes longer than what it does here; with -long as a process.
func runWith(t *testing.T, stdin []byte, args ...string) result {
	t.Helper()
	if !*long {
		var stdout, stderr bytes.Buffer
		program := &tool{ctx: t.Context(), stdin: bytes.NewReader(stdin), stdout: &stdout, stderr: &stderr}
		status := program.run(args)
		return result{stdout.String(), stderr.String(), status}
	}
	cmd := exec.CommandContext(t.Context(), sgsim, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		require.IsType(t, &exec.ExitError{}, err)
	}
	r := result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	assert.NotContains(t, r.stderr, "panic")
	return r
}

// The world of these tests: a web server with its database, and no VPC, so that
// nothing is exempt but what has a fixed address.
const vpcJSON = `{
  "SecurityGroups": [
    {"GroupId": "sg-web", "GroupName": "web",
     "IpPermissions": [
       {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]},
       {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "198.51.100.0/24"}]}],
     "IpPermissionsEgress": [
       {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "sg-db"}]}]},
    {"GroupId": "sg-db", "GroupName": "db",
     "IpPermissions": [
       {"IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "UserIdGroupPairs": [{"GroupId": "sg-web"}]}],
     "IpPermissionsEgress": []}
  ],
  "NetworkInterfaces": [
    {"NetworkInterfaceId": "eni-web", "PrivateIpAddress": "10.0.1.10", "Groups": [{"GroupId": "sg-web"}],
     "Attachment": {"InstanceId": "i-web"}, "OwnerId": "111122223333", "TagSet": [{"Key": "Name", "Value": "web"}]},
    {"NetworkInterfaceId": "eni-db", "PrivateIpAddress": "10.0.2.20", "Groups": [{"GroupId": "sg-db"}],
     "Attachment": {"InstanceId": "i-db"}, "OwnerId": "111122223333", "TagSet": [{"Key": "Name", "Value": "db"}]}
  ]
}`

func write(t *testing.T, name string, data []byte) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return path
}

func vpc(t *testing.T) string { return write(t, "vpc.json", []byte(vpcJSON)) }

var began = time.Date(2026, time.May, 4, 8, 0, 0, 0, time.UTC)

// pcap is a capture of the packets in text, a second between them. A line
// "arp" is an ARP frame.
func pcap(t *testing.T, packets ...string) []byte {
	var b bytes.Buffer
	w := capture.NewWriter(&b, capture.Pcap, nil)
	for i, p := range packets {
		require.NoError(t, w.WriteFrame(frameOf(t, p, i)))
	}
	require.NoError(t, w.Flush())
	return b.Bytes()
}

func frameOf(t *testing.T, text string, second int) *capture.Frame {
	data := packettest.ARP(t)
	if text != "arp" {
		data = packettest.Ethernet(t, text)
	}
	return &capture.Frame{
		Time: began.Add(time.Duration(second) * time.Second), LinkType: packet.LinkEthernet, Length: len(data), Data: data,
	}
}

func pcapFile(t *testing.T, packets ...string) string {
	return write(t, "test.pcap", pcap(t, packets...))
}

const (
	askWeb    = "tcp 198.51.100.7:50000 > 10.0.1.10:443 S"
	webSays   = "tcp 10.0.1.10:443 > 198.51.100.7:50000 SA"
	webMore   = "tcp 10.0.1.10:443 > 198.51.100.7:50000 A len 100"
	askMore   = "tcp 198.51.100.7:50000 > 10.0.1.10:443 A len 50"
	askSSH    = "tcp 203.0.113.9:50000 > 10.0.1.10:22 S"
	askDB     = "tcp 10.0.1.10:40000 > 10.0.2.20:5432 S"
	dbSays    = "tcp 10.0.2.20:5432 > 10.0.1.10:40000 SA"
	strangers = "udp 192.0.2.1:1000 > 192.0.2.2:2000 len 4"
)

// A line is an object of the JSON Lines output.
type line struct {
	Packet   int
	Time     string
	Src, Dst string
	Protocol string
	Verdict  string
	Reason   string
	Hops     []struct{ ENI, Direction, Verdict, Reason, Group, Rule string }
}

func jsonLines(t *testing.T, s string) []line {
	var out []line
	for l := range strings.Lines(s) {
		var v line
		d := json.NewDecoder(strings.NewReader(l))
		require.NoError(t, d.Decode(&v), "%s", l)
		out = append(out, v)
	}
	return out
}

// reasons runs sgsim replay -format jsonl and returns the reason of each packet.
func reasons(t *testing.T, args ...string) []string {
	t.Helper()
	r := runSgsim(t, append([]string{"replay", "-format", "jsonl"}, args...)...)
	require.Zero(t, r.status, "%s", r.stderr)
	var out []string
	for _, l := range jsonLines(t, r.stdout) {
		out = append(out, l.Reason)
	}
	return out
}

func TestReplayDemo(t *testing.T) {
	r := runSgsim(t, "replay")
	assert.Zero(t, r.status)
	assert.Empty(t, r.stderr)
	for _, want := range []string{
		`accept .* SA\n +web egress: reply, opened by web sgr-`,
		`drop +tcp 203\.0\.113\.99:\d+ > 10\.0\.1\.10:22 S\n +web ingress: no ingress rule`,
		`drop +tcp 10\.0\.2\.20:\d+ > 198\.51\.100\.80:443 S\n +db egress: no egress rule`,
		`accept .* > 10\.0\.2\.20:5432 S\n +web egress: web sgr-\w+ \(tcp 5432 to db\)\n +db ingress: db sgr-`,
		`19 packets in 3\.525 s`,
		`sgr-05b8e1d7c3a940f12 +tcp 80 from 0\.0\.0\.0/0 +0 +0\n`,
	} {
		assert.Regexp(t, want, r.stdout)
	}
	assert.NotContains(t, r.stdout, "\x1b", "no colour in a file")
}

func TestReplayTopology(t *testing.T) {
	capture := pcapFile(t, askWeb, webSays, askSSH, strangers, "arp")
	groups := write(t, "groups.json", []byte(regexp.MustCompile(`(?s),\s*"NetworkInterfaces".*`).ReplaceAllString(vpcJSON, "}")))
	enis := write(t, "enis.json", []byte("{"+vpcJSON[strings.Index(vpcJSON, `"NetworkInterfaces"`):]))
	want := []string{"rule", "tracked", "no_rule", "no_interface", "not_ip"}
	assert.Equal(t, want, reasons(t, "-topology", vpc(t), capture))
	assert.Equal(t, want, reasons(t, "-topology", groups, "-topology", enis, capture), "two files")
}

func TestReplayPrefixListEntries(t *testing.T) {
	list := strings.Replace(vpcJSON, `"IpRanges": [{"CidrIp": "198.51.100.0/24"}]`, `"PrefixListIds": [{"PrefixListId": "pl-0123"}]`, 1)
	topology := write(t, "vpc.json", []byte(list))
	lists := write(t, "lists.json", []byte(`{"PrefixLists": [{"PrefixListId": "pl-0123", "AddressFamily": "IPv4", "MaxEntries": 5}]}`))
	entries := write(t, "entries.json", []byte(`{"Entries": [{"Cidr": "203.0.113.0/24"}]}`))
	packets := pcapFile(t, "tcp 203.0.113.9:50000 > 10.0.1.10:443 S", "tcp 198.51.100.9:50000 > 10.0.1.10:443 S")
	assert.Equal(t, []string{"rule", "no_rule"}, reasons(t, "-topology", topology, "-topology", lists, "-topology", "pl-0123="+entries, packets))
}

func TestReplayENI(t *testing.T) {
	packets := pcapFile(t, "tcp 198.51.100.7:50000 > 10.0.9.9:443 S", "tcp [2001:db8::7]:50000 > [2001:db8::9]:443 S")
	assert.Equal(t, []string{"no_interface", "no_interface"}, reasons(t, "-topology", vpc(t), packets))
	assert.Equal(t, []string{"rule", "no_rule"},
		reasons(t, "-topology", vpc(t), "-eni", "id=eni-new,addr=10.0.9.9,addr=2001:db8::9,group=sg-web", packets))
}

func TestReplayFormat(t *testing.T) {
	topology, packets := vpc(t), pcapFile(t, askDB, dbSays, askSSH)

	text := runSgsim(t, "replay", "-topology", topology, packets)
	assert.Regexp(t, `drop +tcp 203.0.113.9:50000 > 10.0.1.10:22 S\n +web ingress: no ingress rule admits it\n`, text.stdout)
	assert.Contains(t, text.stdout, "3 packets in 2.000 s")

	none := runSgsim(t, "replay", "-format", "none", "-topology", topology, packets)
	assert.True(t, strings.HasPrefix(none.stdout, "3 packets in 2.000 s"), "%s", none.stdout)

	jsonl := runSgsim(t, "replay", "-format=jsonl", "-topology", topology, packets)
	assert.Equal(t, `{"packet":1,"time":"2026-05-04T08:00:00.000000000Z","src":"10.0.1.10","dst":"10.0.2.20","protocol":"tcp",`+
		`"src_port":40000,"dst_port":5432,"verdict":"accept","reason":"rule","hops":[`+
		`{"eni":"eni-web","direction":"egress","verdict":"accept","reason":"rule","group":"sg-web","rule":"egress[0]"},`+
		`{"eni":"eni-db","direction":"ingress","verdict":"accept","reason":"rule","group":"sg-db","rule":"ingress[0]"}]}`+"\n",
		jsonl.stdout[:strings.Index(jsonl.stdout, "\n")+1])
	assert.Equal(t, 3, len(jsonLines(t, jsonl.stdout)))
	assert.Contains(t, jsonl.stderr, "3 packets", "the report is out of the way")

	flowlog := runSgsim(t, "replay", "-format", "flowlog", "-topology", topology, packets)
	assert.Contains(t, flowlog.stdout, "2 111122223333 eni-web 10.0.1.10 10.0.2.20 40000 5432 6 1 40 1777881600 1777881600 ACCEPT OK\n")
	assert.Contains(t, flowlog.stdout, "2 111122223333 eni-web 203.0.113.9 10.0.1.10 50000 22 6 1 40 1777881602 1777881602 REJECT OK\n")
	assert.Contains(t, flowlog.stderr, "3 packets")
}

func TestReplayFlowLogFlags(t *testing.T) {
	topology, packets := vpc(t), pcapFile(t, askWeb, strangers, strangers, askMore)
	args := []string{"replay", "-format", "flowlog", "-topology", topology, packets}
	with := func(flags ...string) string {
		return runSgsim(t, append(args[:3:3], append(flags, args[3:]...)...)...).stdout
	}
	assert.Equal(t, "5 eni-web 2 ingress 1777881600 1777881603\n5 eni-db - - 1777881600 1777882199\n",
		with("-log-format", "${version} ${interface-id} ${tcp-flags} ${flow-direction} ${start} ${end}"))
	many := make([]string, 62)
	for i := range many {
		many[i] = strangers
	}
	many[0], many[61] = askWeb, askMore
	args[5] = pcapFile(t, many...)
	assert.Equal(t, 2, strings.Count(with("-log-interval", "1m"), "ACCEPT"))
	assert.Equal(t, 1, strings.Count(with("-log-interval", "10m"), "ACCEPT"))
	assert.Equal(t, 1, strings.Count(with(), "ACCEPT"))
}

// A folder of captures is not read as one of flow logs.
func TestReplayFolderOfCaptures(t *testing.T) {
	name := write(t, "some.pcap", pcap(t, askWeb))
	r := runSgsim(t, "replay", "-topology", vpc(t), filepath.Dir(name))
	assert.Equal(t, exitInput, r.status)
	assert.Contains(t, r.stderr, name+": is a capture, and folders are for flow logs")
}

// Flow logs are taken as captures are, told by what is in them.
func TestReplayFlowLogs(t *testing.T) {
	topology := vpc(t)
	const fields = "${interface-id} ${pkt-srcaddr} ${pkt-dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
	written := runSgsim(t, "replay", "-topology", topology, "-format", "flowlog", "-log-format", fields, pcapFile(t, askWeb, webSays, askSSH, askDB, dbSays))
	require.Zero(t, written.status, written.stderr)
	bare := write(t, "bare.log", []byte(written.stdout))
	header := strings.NewReplacer("${", "", "}", "").Replace(fields) + "\n"
	var z bytes.Buffer
	gz := gzip.NewWriter(&z)
	gz.Write([]byte(header + written.stdout))
	require.NoError(t, gz.Close())
	packed := write(t, "packed", z.Bytes())

	want := runSgsim(t, "replay", "-topology", topology, packed)
	require.Zero(t, want.status, want.stderr)
	assert.Contains(t, want.stdout, "AWS did what these groups do in 7 of 7 records that can be decided: 100%")
	for _, args := range [][]string{{filepath.Dir(packed)}, {"-log-format", fields, bare}} {
		got := runSgsim(t, append([]string{"replay", "-topology", topology}, args...)...)
		assert.Equal(t, want.stdout, got.stdout, got.stderr)
	}
	assert.Equal(t, want.stdout, runWith(t, z.Bytes(), "replay", "-topology", topology, "-").stdout)
	assert.Equal(t, want.stdout, runWith(t, []byte(written.stdout), "replay", "-topology", topology, "-log-format", fields, "-").stdout)

	lines := runSgsim(t, "replay", "-topology", topology, "-format", "jsonl", packed)
	assert.Equal(t, 7, strings.Count(lines.stdout, `"agreement":"agree"`))
	assert.Equal(t, want.stdout, lines.stderr)
	gate := func(name string, files ...string) int {
		return runSgsim(t, append([]string{"replay", "-topology", topology, "-fail-on", name}, files...)...).status
	}
	assert.Equal(t, exitOK, gate("disagreement", packed))
	assert.Equal(t, exitNo, gate("drop", packed))
	turned := write(t, "turned.log", []byte(header+strings.Replace(written.stdout, "ACCEPT", "REJECT", 1)))
	assert.Equal(t, exitNo, gate("disagreement", turned))
	for _, bad := range [][]string{
		{packed, pcapFile(t, askWeb)}, {"-midstream", "pass", packed}, {"-tap", "eni-web:ingress", packed}, {"-format", "flowlog", packed},
		{"-log-format", fields, pcapFile(t, askWeb)}, {"-log-format", strings.Replace(fields, "srcaddr", "scraddr", 1), bare},
	} {
		assert.Equal(t, exitUsage, runSgsim(t, append([]string{"replay", "-topology", topology}, bad...)...).status, bad)
	}
	headed := runSgsim(t, "replay", "-topology", topology, "-log-format", "${version}", packed)
	assert.Equal(t, want.stdout, headed.stdout)
	assert.Equal(t, "warning: -log-format is not used for 1 file with a header, which names the fields\n", headed.stderr)
	damaged := runSgsim(t, "replay", "-topology", topology, write(t, "damaged.log", []byte(header+written.stdout+"one two\n")))
	assert.Zero(t, damaged.status)
	assert.Contains(t, damaged.stderr, "damaged.log:")
	assert.Contains(t, damaged.stdout, "1 line could not be read")
}

func TestReplaySplit(t *testing.T) {
	dir := t.TempDir()
	accepted, dropped := filepath.Join(dir, "a.pcap"), filepath.Join(dir, "d.pcap")
	r := runSgsim(t, "replay", "-format", "none", "-accepted", accepted, "-dropped", dropped, "-topology", vpc(t),
		pcapFile(t, askWeb, askSSH, "arp", webSays))
	require.Zero(t, r.status, "%s", r.stderr)
	a, err := os.ReadFile(accepted)
	require.NoError(t, err)
	assert.Equal(t, len(pcap(t, askWeb, webSays)), len(a))
	d, err := os.ReadFile(dropped)
	require.NoError(t, err)
	assert.Equal(t, len(pcap(t, askSSH)), len(d))

	same := runSgsim(t, "replay", "-topology", vpc(t), "-accepted", accepted, accepted)
	assert.Equal(t, exitInput, same.status)
	assert.Equal(t, accepted+": is one of the captures that are read\n", same.stderr)
}

func TestReplayTap(t *testing.T) {
	packets := pcapFile(t, "tcp 198.51.100.7:50000 > 203.0.113.50:443 S", "arp") // the public address of web
	assert.Equal(t, []string{"no_interface", "not_ip"}, reasons(t, "-topology", vpc(t), packets))
	assert.Equal(t, []string{"rule", "not_ip"}, reasons(t, "-topology", vpc(t), "-tap", "eni-web:ingress", packets))
	assert.Equal(t, []string{"rule", "not_ip"}, reasons(t, "-topology", vpc(t), "-tap", "web:ingress", packets), "by name")
	assert.Equal(t, []string{"no_rule", "not_ip"}, reasons(t, "-topology", vpc(t), "-tap", "eni-web:egress", packets))
	for _, bad := range []string{"eni-web", "eni-web:in", "eni-other:ingress"} {
		r := runSgsim(t, "replay", "-topology", vpc(t), "-tap", bad, packets)
		assert.Equal(t, exitUsage, r.status)
		assert.Contains(t, r.stderr, "-tap "+bad)
	}
}

func TestReplayUnwrap(t *testing.T) {
	wrapped := func(inner, outer string) string {
		f := frameOf(t, inner, 0)
		f.Data = packettest.VXLAN(t, outer, 7, f.Data)
		f.Length = len(f.Data)
		var b bytes.Buffer
		w := capture.NewWriter(&b, capture.Pcap, nil)
		require.NoError(t, w.WriteFrame(f))
		require.NoError(t, w.Flush())
		return write(t, "mirror.pcap", b.Bytes())
	}
	const own = "tunnels of the hosts' own"
	packets := wrapped(askWeb, "udp 10.0.1.10:4000 > 10.0.9.9:4789")
	assert.Equal(t, []string{"rule"}, reasons(t, "-topology", vpc(t), packets))
	assert.Equal(t, []string{"no_rule"}, reasons(t, "-topology", vpc(t), "-unwrap=false", packets))
	assert.NotContains(t, runSgsim(t, "replay", "-topology", vpc(t), packets).stdout, own)
	// Container networks speak VXLAN on this port as well.
	packets = wrapped("tcp 192.168.1.1:1 > 192.168.2.2:80 S", "udp 10.0.1.10:4000 > 10.0.2.20:4789")
	assert.Contains(t, runSgsim(t, "replay", "-topology", vpc(t), packets).stdout, own)
}

func TestReplayInterface(t *testing.T) {
	var b bytes.Buffer
	w := capture.NewWriter(&b, capture.PcapNG, nil)
	for i, s := range []string{"tcp 198.51.100.7:50000 > 203.0.113.50:443 S", "tcp 198.51.100.7:50000 > 203.0.113.50:443 S"} {
		f := frameOf(t, s, i)
		f.Interface = i + 1
		require.NoError(t, w.WriteFrame(f))
	}
	require.NoError(t, w.Flush())
	packets := write(t, "two.pcapng", b.Bytes())
	assert.Equal(t, []string{"rule", "no_interface"}, reasons(t, "-topology", vpc(t), "-interface", "interface 1=eni-web:ingress", packets))
	assert.Equal(t, []string{"no_interface", "no_rule"}, reasons(t, "-topology", vpc(t), "-interface", "1=eni-db:ingress", packets), "by number")
	r := runSgsim(t, "replay", "-topology", vpc(t), "-interface", "eth9=eni-web:ingress", packets)
	assert.Contains(t, r.stderr, "-interface eth9: no packet came from it")
	for _, bad := range []string{"eth0", "eth0=eni-web", "eth0=eni-x:egress", "=eni-web:egress"} {
		assert.Equal(t, exitUsage, runSgsim(t, "replay", "-topology", vpc(t), "-interface", bad, packets).status, bad)
	}
}

func TestReplayMidstream(t *testing.T) {
	topology, packets := vpc(t), pcapFile(t, askMore, webMore, askMore)
	assert.Equal(t, []string{"midstream", "no_rule", "midstream"}, reasons(t, "-topology", topology, packets))
	assert.Equal(t, []string{"midstream", "no_rule", "midstream"}, reasons(t, "-topology", topology, "-midstream", "drop", packets))
	assert.Equal(t, []string{"rule", "no_rule", "rule"}, reasons(t, "-topology", topology, "-midstream", "pass", packets))
	assert.Equal(t, []string{"rule", "tracked", "tracked"}, reasons(t, "-topology", topology, "-midstream", "pickup", packets))
	r := runSgsim(t, "replay", "-format", "none", "-topology", topology, packets)
	assert.Contains(t, r.stdout, "1 TCP connection was open already when the capture began: 3 packets dropped\n  -midstream pickup")
	assert.Equal(t, exitUsage, runSgsim(t, "replay", "-midstream", "perhaps").status)
}

func TestReplayProfile(t *testing.T) {
	// An open rule both ways is not tracked by AWS, and has no SYN requirement.
	open := strings.ReplaceAll(vpcJSON, `"CidrIp": "198.51.100.0/24"`, `"CidrIp": "0.0.0.0/0"`)
	open = strings.Replace(open, `"IpPermissionsEgress": [`, `"IpPermissionsEgress": [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]},`, 1)
	topology, packets := write(t, "open.json", []byte(open)), pcapFile(t, askWeb, webSays)
	assert.Equal(t, []string{"untracked", "untracked"}, reasons(t, "-topology", topology, packets))
	assert.Equal(t, []string{"untracked", "untracked"}, reasons(t, "-topology", topology, "-profile", "aws", packets))
	assert.Equal(t, []string{"rule", "tracked"}, reasons(t, "-topology", topology, "-profile", "linux", packets))
	r := runSgsim(t, "replay", "-profile", "bsd")
	assert.Equal(t, exitUsage, r.status)
	assert.Contains(t, r.stderr, `invalid value "bsd" for flag -profile: "bsd": not one of ["aws" "linux"]`)
}

func TestReplayMaxConnections(t *testing.T) {
	topology := vpc(t)
	packets := pcapFile(t, askWeb, "tcp 198.51.100.8:50000 > 10.0.1.10:443 S", webSays)
	assert.Equal(t, []string{"rule", "rule", "tracked"}, reasons(t, "-topology", topology, packets))
	assert.Equal(t, []string{"rule", "table_full", "tracked"}, reasons(t, "-topology", topology, "-max-connections", "1", packets))
	assert.Equal(t, []string{"rule", "rule", "tracked"}, reasons(t, "-topology", topology, "-max-connections", "2", packets))
	r := runSgsim(t, "replay", "-format", "none", "-topology", topology, "-max-connections", "1", "-workers", "4", packets)
	assert.Contains(t, r.stderr, "1 worker instead of 4")
	assert.Contains(t, r.stdout, "connection table full")
	assert.Equal(t, exitUsage, runSgsim(t, "replay", "-max-connections", "-1").status)
}

func TestReplayRelatedICMP(t *testing.T) {
	packets := pcapFile(t, askWeb, webSays, "icmp 192.0.2.1 > 10.0.1.10 3/4 about tcp 10.0.1.10:443 > 198.51.100.7:50000")
	assert.Equal(t, []string{"rule", "tracked", "no_rule"}, reasons(t, "-topology", vpc(t), packets))
	assert.Equal(t, []string{"rule", "tracked", "related"}, reasons(t, "-topology", vpc(t), "-related-icmp", packets))
}

func TestReplayExempt(t *testing.T) {
	packets := pcapFile(t, "udp 10.0.2.20:40000 > 169.254.169.253:53 len 20")
	assert.Equal(t, []string{"exempt"}, reasons(t, "-topology", vpc(t), packets))
	assert.Equal(t, []string{"no_rule"}, reasons(t, "-topology", vpc(t), "-exempt=false", packets))
}

func TestReplayFailOn(t *testing.T) {
	topology := vpc(t)
	good, bad := pcapFile(t, askWeb, strangers), pcapFile(t, askWeb, askSSH)
	assert.Equal(t, exitOK, runSgsim(t, "replay", "-topology", topology, "-fail-on", "drop", good).status)
	assert.Equal(t, exitNo, runSgsim(t, "replay", "-topology", topology, "-fail-on", "drop", bad).status)
	assert.Equal(t, exitOK, runSgsim(t, "replay", "-topology", topology, bad).status)
	assert.Equal(t, exitUsage, runSgsim(t, "replay", "-topology", topology, "-fail-on", "accept", bad).status)
	var snapped bytes.Buffer
	w := capture.NewWriter(&snapped, capture.Pcap, nil)
	f := frameOf(t, askWeb, 0)
	f.Data = f.Data[:14+20]
	require.NoError(t, w.WriteFrame(f))
	require.NoError(t, w.Flush())
	cut := write(t, "cut.pcap", snapped.Bytes())
	assert.Equal(t, exitNo, runSgsim(t, "replay", "-topology", topology, "-fail-on", "drop,unknown", cut).status)
	for _, nothing := range []string{pcapFile(t), pcapFile(t, strangers), cut} {
		r := runSgsim(t, "replay", "-topology", topology, "-fail-on", "drop", "-format", "none", nothing)
		assert.Equal(t, exitInput, r.status)
		assert.Equal(t, "-fail-on drop: no packet was judged, so nothing passed\n", r.stderr)
	}
}

func TestReplayWorkers(t *testing.T) {
	topology := vpc(t)
	packets := pcapFile(t, askWeb, webSays, askDB, askSSH, dbSays, strangers, askMore, "arp")
	one := runSgsim(t, "replay", "-topology", topology, packets)
	for _, n := range []string{"1", "2", "5"} {
		assert.Equal(t, one, runSgsim(t, "replay", "-topology", topology, "-workers", n, packets), n)
	}
	assert.Equal(t, exitUsage, runSgsim(t, "replay", "-workers", "0").status)
}

func TestReplaySeveralCaptures(t *testing.T) {
	topology := vpc(t)
	var early, late bytes.Buffer
	a, b := capture.NewWriter(&early, capture.Pcap, nil), capture.NewWriter(&late, capture.PcapNG, nil)
	require.NoError(t, b.WriteFrame(frameOf(t, webSays, 1)))
	require.NoError(t, a.WriteFrame(frameOf(t, askWeb, 0)))
	require.NoError(t, a.WriteFrame(frameOf(t, askMore, 2)))
	require.NoError(t, a.Flush())
	require.NoError(t, b.Flush())
	got := reasons(t, "-topology", topology, write(t, "b.pcapng", late.Bytes()), write(t, "a.pcap", early.Bytes()))
	assert.Equal(t, []string{"rule", "tracked", "tracked"}, got)
}

func TestReplayStdinAndGzip(t *testing.T) {
	topology, packets := vpc(t), pcap(t, askWeb, askSSH)
	want := runSgsim(t, "replay", "-topology", topology, write(t, "x", packets))
	assert.Equal(t, want, runWith(t, packets, "replay", "-topology", topology, "-"))
	assert.Equal(t, want, runWith(t, gzipped(t, packets), "replay", "-topology", topology, "-"))
	assert.Equal(t, want, runSgsim(t, "replay", "-topology", topology, write(t, "y", gzipped(t, packets))))
	assert.Equal(t, exitUsage, runWith(t, packets, "replay", "-topology", topology, "-", "-").status)
}

func TestHelp(t *testing.T) {
	top := runSgsim(t, "help")
	assert.Zero(t, top.status)
	for _, name := range []string{"replay", "check", "explain", "diff", "graph", "wireshark-profile"} {
		assert.Contains(t, top.stdout, "  "+name)
		r := runSgsim(t, name, "-h")
		assert.Zero(t, r.status)
		assert.LessOrEqual(t, strings.Count(r.stdout, "\n"), 40, "%s -h fills more than a screen", name)
		for l := range strings.Lines(r.stdout) {
			assert.LessOrEqual(t, len([]rune(l)), 92, "%s -h: %s", name, l)
		}
	}
}

func TestHelpOf(t *testing.T) {
	want := runSgsim(t, "check", "-h")
	for _, help := range []string{"help", "-h", "--help"} {
		assert.Equal(t, want, runSgsim(t, help, "check"))
		assert.Equal(t, runSgsim(t, "help"), runSgsim(t, help, "-h"))
	}
	assert.Equal(t, exitUsage, runSgsim(t, "help", "chess").status)

	// What explain -h says of packets is what the parser takes.
	text := runSgsim(t, "explain", "-h").stdout
	for _, clause := range []string{"seq 1", "ack 2", "win 502", "len 1460", "ttl 64", "frag 1480+", "ipid 7", "iplen 1512", "captured 54"} {
		assert.Contains(t, text, clause)
		_, err := packet.ParseHeader("47 10.0.1.10 > 10.0.2.20 " + clause)
		assert.NoError(t, err)
	}
}

func TestVersion(t *testing.T) {
	for _, flag := range []string{"version", "-version", "--version"} {
		r := runSgsim(t, flag)
		assert.Zero(t, r.status)
		assert.Regexp(t, `^sgsim \S+ go1\.\S+\n$`, r.stdout)
	}
}

func TestUsageErrors(t *testing.T) {
	topology, packets := vpc(t), pcapFile(t, askWeb)
	for _, args := range [][]string{
		{},
		{"reply"},
		{"replay", "-colour"},
		{"replay", packets},
		{"replay", "-topology", topology},
		{"replay", "-format", "xml"},
		{"replay", "-format", "text\nnone", "-topology", topology, packets},
		{"replay", "-topology", topology, "-log-format", "${action}", packets},
		{"replay", "-topology", topology, "-format", "flowlog", "-log-format", "${acton}", packets},
		{"replay", "-topology", topology, "-format", "flowlog", "-log-interval", "5m", packets},
		{"replay", "-topology", topology, "-eni", "addr=10.0.0.1", packets},
		{"check"},
		{"check", "-format", "yaml", "-topology", topology},
		{"check", "-fail-on", "rain", "-topology", topology},
		{"check", "-topology", topology, "what"},
		{"explain", "-topology", topology},
	} {
		r := runSgsim(t, args...)
		assert.Equal(t, exitUsage, r.status, "%v", args)
		assert.Empty(t, r.stdout, "%v", args)
		if len(args) > 0 {
			assert.Equal(t, 1, strings.Count(r.stderr, "\n"), "one line: %s", r.stderr)
		}
	}
}

// What is wrong with the input is said in one line that names file and place.
func TestInputErrors(t *testing.T) {
	topology := vpc(t)
	whole := pcap(t, askWeb, askSSH)
	alien := pcap(t, askWeb)
	alien[20], alien[21] = 0xe7, 0x03 // link type 999
	for name, c := range map[string]struct {
		topology, capture string
		want              string
	}{
		"cut capture": {
			topology, write(t, "cut.pcap", whole[:len(whole)-10]), `^\S+cut.pcap: packet 2 at byte \d+: file ends inside a record\n$`,
		},
		"link type":    {topology, write(t, "alien.pcap", alien), `^\S+alien.pcap: unsupported link type: link type 999; packets not judged: 1, packet 1 first\n$`},
		"no capture":   {topology, write(t, "text.pcap", []byte("hello, world")), `^\S+text.pcap: .*not a pcap or pcapng file.*\n$`},
		"no such file": {topology, "nowhere.pcap", `^nowhere.pcap: no such file or directory\n$`},
		"no topology":  {"nowhere.json", write(t, "x", whole), `^nowhere.json: no such file or directory\n$`},
		"not JSON":     {write(t, "bad.json", []byte("{\n  \"SecurityGroups\": [,]}")), write(t, "x", whole), `^\S+bad.json:2:22: .*\n$`},
		"bad CIDR":     {write(t, "c.json", []byte(strings.Replace(vpcJSON, "198.51.100.0/24", "198.51.100/24", 1))), write(t, "x", whole), `^\S+c.json:5: SecurityGroups\[0\].IpPermissions\[0\].IpRanges\[0\].CidrIp: .*"198.51.100/24".*\n$`},
	} {
		t.Run(name, func(t *testing.T) {
			r := runSgsim(t, "replay", "-format", "jsonl", "-topology", c.topology, c.capture)
			assert.Equal(t, exitInput, r.status)
			lines := strings.SplitAfter(r.stderr, "\n")
			assert.Regexp(t, c.want, lines[len(lines)-2])
			switch name {
			case "cut capture":
				assert.Len(t, jsonLines(t, r.stdout), 1, "what was before the damage")
			case "link type":
				assert.Contains(t, r.stdout, `"verdict":"not_applicable","reason":"not_ip"`, "nothing is lost")
			}
		})
	}
	r := runSgsim(t, "replay", "-topology", topology, "-eni", "id=x,addr=10.0.0.1,group=sg-no", write(t, "x", whole))
	assert.Equal(t, exitInput, r.status)
	assert.Regexp(t, `^-eni "id=x,addr=10.0.0.1,group=sg-no": .*"sg-no".*\n$`, r.stderr)
}

// A file that is none of what a command takes is told by what it is, and what takes it.
func TestWrongFiles(t *testing.T) {
	topology := vpc(t)
	log := write(t, "fl.log", []byte("2 1 eni-web 198.51.100.7 10.0.1.10 50000 443 6 1 60 1700000000 1700000060 ACCEPT OK\n"))
	empty := write(t, "empty.json", nil)
	capture := write(t, "x.pcap", pcap(t, askWeb))
	text := write(t, "world.topo", []byte("# a world\n\nvpc vpc-1 10.0.0.0/16\n"))
	other := write(t, "other", []byte("hello, world"))
	parquet := write(t, "a.parquet", []byte("PAR1\x15\x04\x15\x00PAR1"))
	gateway := write(t, "tgw.log", []byte("version resource-type account-id tgw-id srcaddr dstaddr\n6 TransitGateway 1 tgw-1 10.0.0.1 10.0.0.2\n"))
	bare := write(t, "nh5.log", []byte("5 123456789012 eni-web vpc-0aaa1111 198.51.100.7 10.0.1.10 50000 443 6 1 60 1700000000 1700000060 ACCEPT OK 2 ingress\n"))
	events := write(t, "events.json", []byte(`{"events": [{"timestamp": 1, "message": "5 eni-web 198.51.100.7 10.0.1.10 443 REJECT OK"}]}`))
	told := write(t, "told.csv", []byte("timestamp,message\n1700000000000,\"eni-web - - NODATA\"\n"))
	timed := write(t, "timed.log", []byte("2026-05-04T08:00:00.000Z eni-web 198.51.100.7 10.0.1.10 REJECT\n"))
	athena := write(t, "athena.csv", []byte("\"version\",\"account_id\",\"interface_id\",\"srcaddr\",\"dstaddr\"\n\"2\",\"1\",\"eni-web\",\"10.0.0.1\",\"10.0.1.10\"\n"))
	listings := filepath.Dir(write(t, "only.json", []byte(`{"SecurityGroups": []}`)))
	for want, args := range map[string][]string{
		bare + ": it looks like a flow log without a header: name its 17 fields with -log-format of sgsim replay": {"replay", "-topology", topology, bare},
		events + ": it looks like a flow log without a header: name its 7 fields":                                 {"replay", "-topology", topology, events},
		told + ": it looks like a flow log without a header: name its 4 fields with -log-format":                  {"replay", "-topology", topology, told, log},
		timed + ": it looks like a flow log without a header: name its 4 fields":                                  {"replay", "-topology", topology, timed},
		bare + ": it looks like a flow log without":                                                               {"graph", "-topology", topology, bare},
		bare + ": it looks like a flow log whose records have 17 fields, and -log-format has 2":                   {"replay", "-topology", topology, "-log-format", "${start} ${end}", bare},
		athena + ": it looks like a flow log as CSV with a column for each field: sgsim replay reads":             {"replay", "-topology", topology, athena},
		"no flow log in " + listings + "\n":                                                                       {"replay", "-topology", topology, listings},
		"no flow log in " + filepath.Dir(bare) + ": " + bare + ":1: 17 fields, want the 14 of":                    {"replay", "-topology", topology, filepath.Dir(bare)},
		" (a log without a header needs -log-format)\n":                                                           {"replay", "-topology", topology, filepath.Dir(bare)},
		gateway + ": a flow log of a transit gateway, not of interfaces":                                          {"replay", "-topology", topology, gateway},
		"is not a packet but a flow log or folder, whose records sgsim replay judges":                             {"explain", "-topology", topology, log},
		"is not a packet but a file: for a packet of a capture, use -packet N":                                    {"explain", "-topology", topology, capture},
		"is not a packet but a file: a topology goes with -topology":                                              {"explain", "-topology", topology, text},
		log + ": it is a flow log, whose records":                                                                 {"explain", "-topology", topology, "-packet", "1", log},
		parquet + ": a Parquet file: turn it into text with":                                                      {"replay", "-topology", topology, parquet},
		parquet + ": a Parquet file: turn it into ":                                                               {"graph", "-topology", topology, parquet},
		log + ": it is a flow log, whose records sgsim replay judges":                                             {"graph", "-topology", topology, log},
		`"b.json": check takes no arguments: put -topology before each file, or name the folder`:                  {"check", "-topology", topology, "b.json"},
		"-packet 0: packets count from 1":                                                                         {"explain", "-topology", topology, "-packet", "0", capture},
		"it starts with 23 20 61 20, nor a flow log: it looks like a topology, which goes with -topology":         {"replay", "-topology", topology, text},
		"it starts with 7b 0a 20 20, nor a flow log: it looks like a topology, which goes with -topology":         {"replay", "-topology", topology, topology},
		"it starts with 68 65 6c 6c, nor a flow log":                                                              {"replay", "-topology", topology, other},
		"shorter than 4 bytes: it is empty: did the command that writes it fail?":                                 {"replay", "-topology", topology, empty},
		"empty.json:1:1: empty, no JSON in it: did the command that writes it fail?":                              {"check", "-topology", empty},
	} {
		r := runSgsim(t, args...)
		assert.NotZero(t, r.status, args)
		assert.Contains(t, r.stderr, want)
		assert.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
	}
}

// A report in which nothing was judged says what may be wrong.
func TestNothingJudged(t *testing.T) {
	r := runSgsim(t, "replay", "-format", "none", "-topology", vpc(t), write(t, "far.pcap", pcap(t, "udp 192.0.2.1:1 > 192.0.2.2:2")))
	assert.Contains(t, r.stdout, "no packet met an ENI")
	r = runSgsim(t, "replay", "-format", "none", "-topology", vpc(t), write(t, "near.pcap", pcap(t, askWeb)))
	assert.NotContains(t, r.stdout, "no packet met an ENI")

	// Nor is the topology wrong where it has the addresses twice.
	twins := write(t, "twins.topo", []byte("group sg-a vpc=vpc-a\ngroup sg-b vpc=vpc-b\neni a-1 10.0.1.10 sg-a vpc=vpc-a\neni b-1 10.0.1.10 sg-b vpc=vpc-b\n"))
	r = runSgsim(t, "replay", "-format", "none", "-topology", twins, pcapFile(t, "udp 192.0.2.1:1 > 192.0.2.2:2", "tcp 192.0.2.1:1 > 10.0.1.10:22 S", "tcp 192.0.2.1:2 > 10.0.1.10:22 S"))
	assert.NotContains(t, r.stdout, "no packet met an ENI")
	assert.Contains(t, flat(r.stdout), "2 packets were judged at no ENI; packet 2, for one: an address belongs to interfaces of several VPCs (vpc-a, vpc-b), and the other end does not tell which is meant: say -vpc ID")

	// It is another matter where packets cannot leave their interface, or are cut.
	r = runSgsim(t, "replay", "-format", "none", "-topology", vpc(t), pcapFile(t, "tcp 10.0.1.10:1 > 10.0.1.10:2 S"))
	assert.Contains(t, r.stdout, "both ends are the same ENI")
	assert.NotContains(t, r.stdout, "is this the topology")
	f := frameOf(t, askWeb, 0)
	f.Data = f.Data[:20]
	var b bytes.Buffer
	w := capture.NewWriter(&b, capture.Pcap, nil)
	require.NoError(t, errors.Join(w.WriteFrame(f), w.Flush()))
	r = runSgsim(t, "replay", "-format", "none", "-topology", vpc(t), write(t, "cut.pcap", b.Bytes()))
	assert.Contains(t, r.stdout, "1 packet was cut too short: capture at least 128 bytes of each")
	assert.NotContains(t, r.stdout, "is this the topology")
}

// Names come from files and must do nothing to a terminal.
func TestNamesAreEscaped(t *testing.T) {
	topology := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, `"GroupName": "web"`, `"GroupName": "\u001b[31mweb\nx"`, 1)))
	r := runSgsim(t, "replay", "-topology", topology, write(t, "x.pcap", pcap(t, askWeb)))
	assert.Contains(t, r.stdout, `\x1b[31mweb\nx`)
	assert.NotContains(t, r.stdout, "\x1b")
}

func TestExplain(t *testing.T) {
	topology := vpc(t)
	r := runSgsim(t, "explain", "-topology", topology, askDB)
	assert.Zero(t, r.status)
	assert.Regexp(t, `(?s)accept.*web \(eni-web\) egress.*web \(sg-web\) egress\[0\].*db \(eni-db\) ingress.*db \(sg-db\) ingress\[0\]`, r.stdout)
	r = runSgsim(t, "explain", "-topology", topology, "tcp 10.0.1.10:40000 > 10.0.2.20:3306 S")
	assert.Zero(t, r.status)
	assert.Regexp(t, `(?s)drop.*web \(sg-web\) egress\[0\].*5432.*3306`, r.stdout)
	r = runSgsim(t, "explain", "-topology", topology, askWeb, webSays)
	assert.Regexp(t, `(?s)accept.*accept.*tracked`, r.stdout, "the second meets the connection of the first")
	alone := runSgsim(t, "explain", "-topology", topology, webSays)
	assert.Contains(t, alone.stdout, "drop")

	alone = runSgsim(t, "explain", "-topology", topology, askMore)
	assert.Contains(t, flat(alone.stdout), "began before the first packet; see -midstream")
	alone = runSgsim(t, "explain", "-v", "-topology", topology, askMore)
	assert.Contains(t, flat(alone.stdout), "(CT-41); see -midstream")
	about := "icmp 192.0.2.1 > 10.0.1.10 3/4 about tcp 10.0.1.10:443 > 198.51.100.7:50000"
	alone = runSgsim(t, "explain", "-topology", topology, askWeb, about)
	assert.Contains(t, flat(alone.stdout), "icmp 3/4; see -related-icmp")

	hostile := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, `"GroupName": "web"`, `"GroupName": "\u001b[31mweb\nx"`, 1)))
	r = runSgsim(t, "explain", "-topology", hostile, askDB)
	assert.Contains(t, r.stdout, `  rule        \x1b[31mweb\nx (sg-web) egress[0]`)

	verdict := func(args ...string) int {
		return runSgsim(t, append([]string{"explain", "-fail-on", "drop", "-topology", topology}, args...)...).status
	}
	assert.Equal(t, exitOK, verdict(askDB))
	assert.Equal(t, exitNo, verdict(askSSH))
	assert.Equal(t, exitNo, verdict("-via", "appliance", askDB), "a group is no peer there")
	assert.Equal(t, exitOK, verdict("-via", "tracked", askDB))
	assert.Equal(t, exitNo, verdict("-via", "nlb,appliance", askDB), "as scenarios write it")
	assert.Equal(t, exitOK, verdict("-tap", "web:ingress", "tcp 198.51.100.7:50000 > 203.0.113.50:443 S"))
	assert.Equal(t, exitNo, verdict("-tap", "db:ingress", "tcp 198.51.100.7:50000 > 203.0.113.50:443 S"))
	assert.Equal(t, exitNo, verdict(askMore))
	assert.Equal(t, exitOK, verdict("-midstream", "pickup", askMore))
	assert.Equal(t, exitOK, verdict("-exempt=true", "udp 10.0.2.20:40000 > 169.254.169.253:53"))
	assert.Equal(t, exitNo, verdict("-exempt=false", "udp 10.0.2.20:40000 > 169.254.169.253:53"))
	assert.Equal(t, exitNo, verdict(askWeb, about))
	assert.Equal(t, exitOK, verdict("-related-icmp", askWeb, about))
	assert.Equal(t, exitOK, verdict("-profile", "linux", askWeb))
	assert.Equal(t, exitOK, verdict("-eni", "id=new,addr=10.0.9.9,group=sg-web", "tcp 198.51.100.7:1 > 10.0.9.9:443 S"))
	for _, bad := range [][]string{{"tcp 10.0.1.10 10.0.2.20"}, {"-via", "air", askDB}, {"-fail-on", "rain", askDB}, {"-profile", "bsd", askDB}} {
		assert.Equal(t, exitUsage, verdict(bad...), "%v", bad)
	}
}

// flat is a text in one line, wherever its lines end.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestCheck(t *testing.T) {
	good := vpc(t)
	r := runSgsim(t, "check", "-topology", good)
	assert.Equal(t, result{}, r)

	bad := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, `"GroupId": "sg-db"}]}]}`, `"GroupId": "sg-gone"}]}]}`, 1)))
	r = runSgsim(t, "check", "-topology", bad)
	assert.Equal(t, exitNo, r.status)
	assert.Regexp(t, `^\S+vpc.json:8: warning: dangling: web \(sg-web\) egress\[0\], tcp 5432 to sg-gone sg-gone is not in the topology \(InvalidGroup.NotFound\) remove the rule`, flat(r.stdout))

	r = runSgsim(t, "check", "-format", "json", "-topology", bad)
	assert.Equal(t, exitNo, r.status)
	var all struct {
		Version  int
		Findings []struct{ Kind, Severity, File, Path, Group, Direction, Rule, Text string }
	}
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &all))
	findings := all.Findings
	require.NotEmpty(t, findings)
	assert.Equal(t, 1, all.Version)
	assert.Equal(t, "warning", findings[0].Severity)
	assert.Contains(t, findings[0].Path, "SecurityGroups[0].IpPermissionsEgress[0]")
	assert.Equal(t, "sg-web", findings[0].Group)
	assert.Equal(t, "egress[0]", findings[0].Rule)
	assert.Equal(t, bad, findings[0].File)
	none := "{\n  \"version\": 1,\n  \"findings\": []\n}\n"
	assert.Equal(t, none, runSgsim(t, "check", "-format", "json", "-topology", good).stdout)

	assert.Equal(t, exitOK, runSgsim(t, "check", "-topology", bad, "-fail-on", "none").status)
	assert.Equal(t, exitOK, runSgsim(t, "check", "-topology", bad, "-fail-on", "quota,shadowed,error").status)
	assert.Equal(t, exitNo, runSgsim(t, "check", "-topology", bad, "-fail-on", "note").status, "a warning is worse")
	assert.Equal(t, exitNo, runSgsim(t, "check", "-topology", bad, "-fail-on", "quota,error,note").status)
	assert.Equal(t, exitNo, runSgsim(t, "check", "-topology", bad, "-fail-on", "warning").status)
	assert.Equal(t, exitUsage, runSgsim(t, "check", "-topology", bad, "-fail-on", "warning,").status)
	assert.Equal(t, exitNo, runSgsim(t, "check", "-topology", bad, "-fail-on", "quota,"+findings[0].Kind).status)

	listed := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, `"UserIdGroupPairs": [{"GroupId": "sg-db"}]`, `"PrefixListIds": [{"PrefixListId": "pl-1"}]`, 1)))
	r = runSgsim(t, "check", "-topology", listed)
	assert.Equal(t, exitOK, r.status, "its entries are not known")
	assert.Empty(t, r.stdout)
	assert.Contains(t, r.stderr, "no input has all entries of pl-1, so packets that no other rule admits are unknown: add -topology pl-1=FILE,")
	empty := write(t, "empty.json", []byte(`{"Entries": []}`))
	r = runSgsim(t, "check", "-topology", listed, "-topology", "pl-1="+empty)
	assert.Equal(t, exitNo, r.status)
	assert.Contains(t, flat(r.stdout), "egress[0], tcp 5432 to pl-1 pl-1 has no entries now ")

	r = runSgsim(t, "check", "-topology", "none.json", "-eni", "id=a,addr=10.0.0.5,group=sg-web")
	assert.Equal(t, result{status: exitInput, stderr: "none.json: no such file or directory\n"}, r)

	bits := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, "198.51.100.0/24", "198.51.100.7/24", 1)))
	r = runSgsim(t, "check", "-topology", bits)
	assert.Equal(t, exitOK, r.status, "a note")
	assert.Regexp(t, `^\S+vpc.json:5: note: misleading: web \(sg-web\) ingress\[0\], tcp 443 from 198.51.100.7/24 198.51.100.7/24 means 198.51.100.0/24: host bits are cleared write 198.51.100.0/24, or 198.51.100.7/32 for that address only$`, flat(r.stdout))
	assert.Equal(t, exitNo, runSgsim(t, "check", "-fail-on", "all", "-topology", bits).status)
	assert.Equal(t, exitNo, runSgsim(t, "check", "-fail-on", "note", "-topology", bits).status)
	assert.Equal(t, exitOK, runSgsim(t, "check", "-fail-on", "warning", "-topology", bits).status)

	again := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, `{"CidrIp": "198.51.100.0/24"}`, `{"CidrIp": "198.51.100.0/24"}, {"CidrIp": "198.51.100.0/24"}`, 1)))
	r = runSgsim(t, "check", "-fail-on", "duplicate", "-topology", again)
	assert.Equal(t, exitNo, r.status)
	assert.Empty(t, r.stderr)
	assert.Regexp(t, `^\S+vpc.json:5: warning: duplicate: web \(sg-web\) ingress\[1\], tcp 443 from 198.51.100.0/24 the same as ingress\[0\] \(InvalidPermission.Duplicate\) \S+vpc.json:5: web \(sg-web\) ingress\[0\], tcp 443 from 198.51.100.0/24 remove one`, flat(r.stdout))
	assert.Equal(t, exitOK, runSgsim(t, "explain", "-topology", again, askDB).status)

	empty = write(t, "none.json", []byte(`{"SecurityGroups": []}`))
	assert.Equal(t, result{stderr: "warning: no input has a security group, so no rule admits anything: add describe-security-groups\n"},
		runSgsim(t, "check", "-topology", empty))

	twice := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, "10.0.2.20", "10.0.1.10", 1)))
	r = runSgsim(t, "check", "-format", "json", "-topology", twice)
	refused := runSgsim(t, "explain", "-topology", twice, askDB)
	assert.Equal(t, result{stdout: none, stderr: refused.stderr, status: exitInput}, r)
	assert.Regexp(t, `^\S+vpc.json:17: NetworkInterfaces\[1\]: eni-db: .*10\.0\.1\.10`, r.stderr)

	hostile := write(t, "h.json", []byte(`{"SecurityGroups": [{"GroupId": "sg-\u001b[31m\nx", "IpPermissions": [
		{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "PrefixListIds": [{"PrefixListId": "pl-\u001b[31m\nx"}]},
		{"IpProtocol": "tcp", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]}]}`))
	r = runSgsim(t, "check", "-topology", hostile)
	assert.NotContains(t, r.stdout+r.stderr, "\x1b")
	assert.Equal(t, 1, strings.Count(r.stdout, "\nh.json")+strings.Count(r.stdout, "note: "), r.stdout)
	assert.Equal(t, 1, strings.Count(r.stderr, "\n"), r.stderr)
	forging := write(t, "f.json", []byte(`{"SecurityGroups": [{"GroupId": "sg-\nf.json:1: error: x"}, {"GroupId": "sg-a", "IpPermissions": [
		{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": "sg-\nf.json:1: error: x"}]}]}],
		"NetworkInterfaces": [{"NetworkInterfaceId": "eni-a", "PrivateIpAddress": "10.0.0.1", "Groups": [{"GroupId": "sg-a"}]}]}`))
	r = runSgsim(t, "check", "-topology", forging)
	assert.Contains(t, flat(r.stdout), `sg-\nf.json:1: error: x has no members now`)
	for line := range strings.Lines(r.stdout) {
		assert.Regexp(t, `^(    \S|      \S|`+regexp.QuoteMeta(forging)+`:\d+: \w+: \w+: )`, line)
	}
	r = runSgsim(t, "explain", "-topology", hostile, "-eni", "id=\x1b[31m,addr=10.0.0.1,group=sg-a", askDB)
	assert.Equal(t, exitInput, r.status)
	assert.NotContains(t, r.stderr, "\x1b")

	groups := write(t, "groups.json", []byte(regexp.MustCompile(`(?s),\s*"NetworkInterfaces".*`).ReplaceAllString(vpcJSON, "}")))
	assert.Equal(t, result{}, runSgsim(t, "check", "-topology", groups), "nobody knows the members")
	r = runSgsim(t, "check", "-topology", groups, "-eni", "id=a,addr=10.0.0.5,group=sg-web,group=sg-9")
	assert.Equal(t, exitInput, r.status, "a mistake of the flag")
	assert.Equal(t, exitOK, runSgsim(t, "check", "-topology", groups,
		"-eni", "id=a,addr=10.0.0.5,group=web", "-eni", "id=b,addr=10.0.0.6,group=db").status)
}

func TestCheckQuota(t *testing.T) {
	var cidrs []string
	for i := range 61 {
		cidrs = append(cidrs, fmt.Sprintf(`{"CidrIp": "10.%d.0.0/16"}`, i))
	}
	many := write(t, "vpc.json", []byte(strings.Replace(vpcJSON, `{"CidrIp": "198.51.100.0/24"}`, strings.Join(cidrs, ", "), 1)))
	r := runSgsim(t, "check", "-topology", many)
	assert.Equal(t, exitNo, r.status)
	assert.Contains(t, flat(r.stdout), "error: quota: web (sg-web) ingress rules count 62 for IPv4, quota 60 (RulesPerSecurityGroupLimitExceeded)")
	assert.Equal(t, result{}, runSgsim(t, "check", "-quota", "groups=9,rules-per-group=100", "-topology", many))
	for _, bad := range []string{"rules=100", "rules-per-group", "groups=0", ""} {
		assert.Equal(t, exitUsage, runSgsim(t, "check", "-quota", bad, "-topology", many).status, bad)
	}
}

func gzipped(t *testing.T, b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(b)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}
