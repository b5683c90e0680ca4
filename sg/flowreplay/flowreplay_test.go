package flowreplay_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/flowreplay"
	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

var long = flag.Bool("long", false, "large captures as well")

// judgeLog judges a flow log, and returns the report and its text.
func judgeLog(t testing.TB, topo *sg.Topology, f flowlog.Format, log string, observe func(*flowreplay.Record)) (*flowreplay.Report, string) {
	t.Helper()
	r := flowlog.NewReader("log", strings.NewReader(log), &flowlog.Options{Formats: []flowlog.Format{f}})
	o := &flowreplay.Options{Observe: func(r *flowreplay.Record) error {
		if observe != nil {
			observe(r)
		}
		return nil
	}}
	report, err := flowreplay.Run(t.Context(), replaytest.Policy(t, topo), o, r)
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, report.WriteText(&text, replay.TextOptions{}))
	return report, text.String()
}

// logFormats are one with no more than AWS writes by itself, one with all that
// versions up to 5 have, and one in an order of its own.
func logFormats(t testing.TB) map[string]flowlog.Format {
	return map[string]flowlog.Format{
		"default": flowlog.DefaultFormat,
		"v5":      flowlog.AllFields(5),
		"own": replaytest.Format(t, "${tcp-flags} ${end} ${start} ${action} ${pkt-dstaddr} ${pkt-srcaddr} ${dstport} ${srcport} "+
			"${protocol} ${interface-id} ${bytes} ${packets} ${log-status}"),
	}
}

// What a flow log of a replay says is what its records are judged to be, wherever
// the log decides.
func TestOfSharedCaptures(t *testing.T) {
	decided, undecided := map[string]uint64{}, map[string]uint64{}
	for name := range replaytest.Captures(t, *long) {
		topo := replaytest.TopologyOf(t, name)
		for what, f := range logFormats(t) {
			c, err := capture.Open(name)
			require.NoError(t, err)
			log := replaytest.FlowLog(t, topo, packetlog.FlowLogOptions{Format: f}, c)
			require.NoError(t, c.Close())
			report, text := judgeLog(t, topo, f, log, func(r *flowreplay.Record) {
				if r.Agreement() == flowreplay.Disagree {
					t.Errorf("%s %s: %s is %v for %v, opened by %v", name, what, f.AppendRecord(nil, r.Record), r.Verdict, r.Decision, r.Opening)
				}
			})
			decided[what] += report.Agreeing.Records
			undecided[what] += report.Unknown.Records
			for line := range strings.Lines(text) {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), 81, line)
			}
		}
	}
	t.Log(decided, undecided)
	for what, n := range decided {
		assert.Greater(t, n, 2*undecided[what], what)
	}
}

// With the rule for TCP of sg-in gone behind its back, a log disagrees in the records
// that this rule had admitted and no other would.
func TestOfChangedRule(t *testing.T) {
	affected := 0
	for name := range replaytest.Captures(t, *long) {
		topo := replaytest.TopologyOf(t, name)
		groups := map[netip.Addr]sg.GroupID{}
		for _, e := range topo.ENIs {
			groups[e.Addrs[0]] = e.Groups[0]
		}
		changed := replaytest.TopologyOf(t, name)
		changed.Groups[1].Ingress = changed.Groups[1].Ingress[1:]
		for what, f := range logFormats(t) {
			c, err := capture.Open(name)
			require.NoError(t, err)
			log := replaytest.FlowLog(t, topo, packetlog.FlowLogOptions{Format: f}, c)
			require.NoError(t, c.Close())
			want := []int{}
			judgeLog(t, topo, f, log, func(r *flowreplay.Record) {
				far := r.Src()
				if r.Direction == sg.Egress {
					far = r.Dst()
				}
				if ref := r.Decision.Rule; r.Verdict == sg.Accept && fmt.Sprint(ref) == "sg-in ingress[0]" && groups[far] != "sg-out" {
					want = append(want, r.Position.Line)
				}
			})
			got := []int{}
			report, _ := judgeLog(t, changed, f, log, func(r *flowreplay.Record) {
				if r.Agreement() == flowreplay.Disagree {
					got = append(got, r.Position.Line)
				}
			})
			assert.Equal(t, want, got, "%s %s", name, what)
			for _, d := range report.Disagreements {
				assert.Contains(t, []flowreplay.Cause{flowreplay.RuleNotGiven, flowreplay.Older}, d.Cause, "%s %s: %+v", name, what, d)
			}
			affected += len(got)
		}
	}
	assert.NotZero(t, affected)
	t.Log(affected)
}

// day is traffic of which the groups of the site admit some.
var day = replaytest.Script{
	"0 tcp 198.51.100.1:40001 > 10.0.1.10:443 S",
	"0 tcp 10.0.1.10:443 > 198.51.100.1:40001 SA",
	"0 tcp 198.51.100.1:40001 > 10.0.1.10:443 A len 500",
	"1 tcp 10.0.1.10:40100 > 10.0.2.20:5432 S",
	"1 tcp 10.0.2.20:5432 > 10.0.1.10:40100 SA",
	"1 tcp 10.0.1.10:40100 > 10.0.2.20:5432 A",
	"2 tcp 203.0.113.1:40002 > 10.0.1.10:443 S",
	"3 tcp 203.0.113.1:40003 > 10.0.1.10:22 S",
	"4 udp 10.0.2.20:40004 > 192.0.2.1:9",
	"5 icmp 203.0.113.1 > 10.0.1.10 8/0",
	"130 tcp 192.0.2.5:40006 > 10.0.1.10:22 S",
	"130 tcp 10.0.1.10:22 > 192.0.2.5:40006 SA",
	"130 tcp 192.0.2.5:40006 > 10.0.1.10:22 A",
	"131 tcp 192.0.2.5:40006 > 10.0.1.10:22 FA",
	"131 tcp 10.0.1.10:22 > 192.0.2.5:40006 FA",
}

// disagreeing judges a log by other groups than those that it was made with, and
// returns the records that disagree as "eni direction src > dst action".
func disagreeing(t testing.TB, topo *sg.Topology, f flowlog.Format, log string) ([]string, *flowreplay.Report, string) {
	var lines []string
	report, text := judgeLog(t, topo, f, log, func(r *flowreplay.Record) {
		if r.Agreement() == flowreplay.Disagree {
			lines = append(lines, fmt.Sprint(r.ENI, " ", r.Direction, " ", r.Tuple(), " ", r.Action))
		}
	})
	assert.EqualValues(t, len(lines), report.Disagreeing.Records)
	return lines, report, text
}

// With one rule changed behind its back, a log disagrees in the records that the rule
// is for, in both directions, and in no other; and the likely cause is named.
func TestDisagree(t *testing.T) {
	minute := time.Minute
	logOf := func(topo *sg.Topology, f flowlog.Format, s replaytest.Script) string {
		return replaytest.FlowLog(t, topo, packetlog.FlowLogOptions{Format: f, Interval: minute}, s)
	}
	web := []string{
		"eni-web ingress tcp 198.51.100.1:40001 > 10.0.1.10:443 ACCEPT",
		"eni-web egress tcp 10.0.1.10:443 > 198.51.100.1:40001 ACCEPT",
	}
	for what, f := range logFormats(t) {
		log := logOf(replaytest.Site(), f, day)
		lines, report, text := disagreeing(t, replaytest.Site(), f, log)
		assert.Empty(t, lines, what)
		assert.NotContains(t, text, "disagreements")
		if what == "default" {
			assert.EqualValues(t, 0, report.Unknown.Records, what)
		}

		lacks := replaytest.Site() // what AWS has
		lacks.Groups[0].Ingress = lacks.Groups[0].Ingress[1:]
		lines, report, text = disagreeing(t, lacks, f, log)
		assert.Equal(t, web, lines, what)
		require.Len(t, report.Disagreements, 1)
		d := report.Disagreements[0]
		assert.Equal(t, flowreplay.RuleNotGiven, d.Cause)
		assert.EqualValues(t, 3, d.Packets)
		assert.Equal(t, "sg-web ingress[0]", fmt.Sprint(d.Near[0].Rule), what)
		assert.Contains(t, text, "AWS admitted, these groups drop")

		more := replaytest.Site() // what AWS has not
		more.Groups[0].Ingress = append(more.Groups[0].Ingress, sg.SSH.From(sg.MustCIDR("203.0.113.0/24")))
		lines, report, text = disagreeing(t, more, f, log)
		if what == "default" { // nothing tells that the packet was a SYN
			assert.Empty(t, lines)
			const line = "2 - eni-web 203.0.113.1 10.0.1.10 40003 22 6 1 40 1780315203 1780315203 REJECT OK"
			assert.Equal(t, []flowreplay.UndecidedCount{{
				Undecided: flowreplay.NoFlags, Count: flowreplay.Count{Records: 1, Packets: 1, Bytes: 40},
				Example: line, Position: flowlog.Position{File: "log", Line: 8},
			}}, report.Undecided)
			assert.Contains(t, log, line+"\n")
			assert.Contains(t, text, "1 record could not be decided: no tcp-flags in the log (1)\n")
			continue
		}
		assert.Equal(t, []string{"eni-web ingress tcp 203.0.113.1:40003 > 10.0.1.10:22 REJECT"}, lines, what)
		assert.Equal(t, flowreplay.ACLOrRule, report.Disagreements[0].Cause)
		assert.Contains(t, text, "rule: sg-web ingress[2] (tcp 22 from 203.0.113.0/24)")
	}
}

func TestCauses(t *testing.T) {
	f := flowlog.AllFields(5)
	one := func(topo *sg.Topology, log string) flowreplay.Disagreement {
		_, report, _ := disagreeing(t, topo, f, log)
		require.Len(t, report.Disagreements, 1)
		return report.Disagreements[0]
	}
	open, closed := replaytest.Site(), replaytest.Site()
	closed.Groups[0].Ingress = closed.Groups[0].Ingress[1:]
	knock := func(second int) replaytest.Script {
		return replaytest.Script{fmt.Sprintf("%d tcp 198.51.100.1:%d > 10.0.1.10:443 S", second, 40000+second)}
	}
	o := packetlog.FlowLogOptions{Format: f, Interval: time.Minute}

	// Rules that are given up, or made, during the log.
	changed := replaytest.FlowLog(t, open, o, knock(0)) + replaytest.FlowLog(t, closed, o, knock(600))
	for _, topo := range []*sg.Topology{open, closed} {
		d := one(topo, changed)
		assert.Equal(t, flowreplay.Changed, d.Cause)
		assert.Equal(t, replaytest.Began, d.Change)
	}

	// A log that begins in the middle of a connection that no rule admits any more.
	whole := replaytest.FlowLog(t, open, o, replaytest.Script{
		"0 tcp 198.51.100.1:40001 > 10.0.1.10:443 S", "0 tcp 10.0.1.10:443 > 198.51.100.1:40001 SA",
		"0 tcp 198.51.100.1:40001 > 10.0.1.10:443 A",
		"70 tcp 198.51.100.1:40001 > 10.0.1.10:443 A len 9", "71 tcp 10.0.1.10:443 > 198.51.100.1:40001 A len 9",
	})
	var late string
	for l := range strings.Lines(whole) {
		if !strings.Contains(l, fmt.Sprint(replaytest.Began.Unix())) {
			late += l
		}
	}
	d := one(closed, late)
	assert.Equal(t, flowreplay.Older, d.Cause)
	assert.EqualValues(t, 2, d.Records)
	lines, report, _ := disagreeing(t, open, f, late)
	assert.Empty(t, lines)
	assert.EqualValues(t, 1, report.PickedUp.Records, "the other is of the same connection")

	// The rule names a group, and nobody knows the sender.
	more := replaytest.Site()
	more.ENIs = append(more.ENIs, sg.ENI{ID: "eni-web2", Addrs: replaytest.Addr("10.0.1.11"), Groups: []sg.GroupID{"sg-web"}})
	d = one(replaytest.Site(), replaytest.FlowLog(t, more, o, replaytest.Script{"0 tcp 10.0.1.11:40001 > 10.0.2.20:5432 S"}))
	assert.Equal(t, flowreplay.UnknownAddress, d.Cause)
}

// What differs in the far end alone is one disagreement, whose example is the first record.
func TestFarEnds(t *testing.T) {
	f, closed := flowlog.AllFields(5), replaytest.Site()
	closed.Groups[0].Ingress = closed.Groups[0].Ingress[1:]
	log := replaytest.FlowLog(t, replaytest.Site(), packetlog.FlowLogOptions{Format: f, Interval: time.Minute}, replaytest.Script{
		"60 tcp 198.51.100.3:40001 > 10.0.1.10:443 S", "120 tcp 198.51.100.1:40001 > 10.0.1.10:443 S",
		"180 tcp 198.51.100.2:40001 > 10.0.1.10:443 S", "181 tcp 198.51.100.2:40002 > 10.0.1.10:443 S",
	})
	_, report, text := disagreeing(t, closed, f, log)
	require.Len(t, report.Disagreements, 1)
	d := report.Disagreements[0]
	assert.Equal(t, 3, d.FarEnds)
	assert.EqualValues(t, 4, d.Records)
	assert.Equal(t, "198.51.100.3", d.Example.SrcAddr().String())
	assert.Equal(t, []time.Time{replaytest.Began.Add(time.Minute), replaytest.Began.Add(181 * time.Second)}, []time.Time{d.First, d.Last})
	assert.Contains(t, text, "and 2 far ends more")
}

// What a log cannot tell is unknown, for the reason that it cannot.
func TestUndecided(t *testing.T) {
	topo := replaytest.Site()
	topo.Groups[0].Ingress = append(topo.Groups[0].Ingress,
		sg.Rule{Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(3, 4), Peer: sg.AnyIPv4},
		sg.Rule{Protocol: sg.UDP, Ports: sg.Port(53), Peer: sg.MustCIDR("192.0.2.0/24")})
	f := replaytest.Format(t, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${start} ${end} ${action} ${reject-reason} ${flow-direction}")
	for line, want := range map[string]string{
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 0 9 ACCEPT - ingress":              "accept decided",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 0 9 REJECT - ingress":              "accept decided",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 0 9 REJECT BPA ingress":            "unknown not_groups",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 0 0 9 ACCEPT - ingress":              "accept decided",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 0 0 9 REJECT - ingress":              "unknown no_connection",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 - 0 9 REJECT - ingress":              "unknown no_flags",
		"eni-web 10.0.1.10 198.51.100.1 443 40001 6 18 0 9 ACCEPT - egress":              "accept decided",
		"eni-web 10.0.1.10 198.51.100.1 443 40001 6 18 0 9 REJECT - egress":              "unknown no_connection",
		"eni-web 203.0.113.1 10.0.1.10 40001 443 6 0 0 9 REJECT - ingress":               "drop decided",
		"eni-web 10.0.1.10 203.0.113.1 443 40001 6 19 0 9 ACCEPT - egress":               "drop decided",
		"eni-web 192.0.2.9 10.0.1.10 40001 53 17 - 0 9 ACCEPT - ingress":                 "accept decided",
		"eni-web 10.0.1.10 192.0.2.9 53 40001 17 - 0 9 ACCEPT - egress":                  "accept decided",
		"eni-web 10.0.1.10 192.0.2.9 53 40001 17 - 0 9 REJECT - egress":                  "unknown past_timeout",
		"eni-web 10.0.1.10 192.0.2.9 53 53 17 - 0 9 ACCEPT - egress":                     "unknown no_opener",
		"eni-web 192.0.2.9 10.0.1.10 53 53 17 - 0 9 ACCEPT - ingress":                    "accept decided",
		"eni-web 192.0.2.9 10.0.1.10 0 0 17 - 0 9 ACCEPT - ingress":                      "unknown fragments",
		"eni-web 192.0.2.9 10.0.1.10 0 0 17 - 0 9 REJECT - ingress":                      "drop decided",
		"eni-web 192.0.2.9 10.0.1.10 0 0 1 - 0 9 ACCEPT - ingress":                       "unknown no_icmp_type",
		"eni-web 10.0.1.10 192.0.2.9 0 0 1 - 0 9 ACCEPT - egress":                        "unknown no_icmp_type",
		"eni-db 10.0.1.10 10.0.2.20 0 0 1 - 0 9 ACCEPT - ingress":                        "drop decided",
		"eni-web - 10.0.1.10 40001 443 6 2 0 9 ACCEPT - ingress":                         "unknown lacks_fields",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 0 9 - - ingress":                   "unknown lacks_fields",
		"eni-web 198.51.100.1 10.0.9.9 40001 443 6 2 0 9 ACCEPT - -":                     "unknown no_place",
		"eni-else 198.51.100.1 10.0.9.9 40001 443 6 2 0 9 ACCEPT - ingress":              "not_applicable decided",
		"by-hand 198.51.100.1 10.0.1.10 40001 443 6 2 0 9 ACCEPT - ingress":              "accept decided",
		"by-hand 198.51.100.1 10.0.1.10 40001 443 6 2 0 9 ACCEPT - -":                    "accept decided",
		"- 10.0.1.10 10.0.2.20 40001 5432 6 2 0 9 ACCEPT - -":                            "unknown no_place",
		"- 10.0.1.10 10.0.2.20 40001 5432 6 2 0 9 ACCEPT - egress":                       "accept decided",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 99999999999999 0 ACCEPT - ingress": "unknown lacks_fields",
	} {
		n := 0
		_, text := judgeLog(t, topo, f, line+"\n", func(r *flowreplay.Record) {
			n++
			assert.Equal(t, want, fmt.Sprint(r.Verdict, " ", r.Undecided), line)
		})
		assert.Equal(t, strings.HasPrefix(want, "unknown"), strings.Contains(text, "record could not be decided\n"), text)
		assert.Equal(t, 1, n, line)
	}
}

// The causes of most undecided records come first, each with its first record.
func TestUndecidedExamples(t *testing.T) {
	f := replaytest.Format(t, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${start} ${end} ${action} ${reject-reason}")
	const (
		noFields = "eni-web - 10.0.1.10 40001 443 6 2 0 9 ACCEPT -\n"
		noConn   = "eni-web 198.51.100.1 10.0.1.10 40001 443 6 0 0 9 REJECT -\n"
		noFlags  = "eni-web 198.51.100.1 10.0.1.10 40001 443 6 - 0 9 REJECT -\n"
		bpa      = "eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 0 9 REJECT BPA\n"
		noPlace  = "eni-web 198.51.100.1 10.0.9.9 40001 443 6 2 0 9 ACCEPT -\n"
		noOpener = "eni-db 10.0.1.10 10.0.2.20 5432 5432 6 - 0 9 ACCEPT -\n"
	)
	report, text := judgeLog(t, replaytest.Site(), f, noConn+noFields+noFlags+bpa+noPlace+strings.Repeat(noOpener, 2)+strings.Replace(noConn, "40001", "40002", 1)+noConn, nil)
	assert.Len(t, report.Undecided, 6)
	assert.Regexp(t, `(?s)not decided
     records
           3  AWS rejected TCP without a SYN.*
              for example log:1: eni-web 198.51.100.1 10.0.1.10 40001 443 6 0 0
                9 REJECT -
           2  nothing tells which end is the client.*
              for example log:6: eni-db 10.0.1.10 .*
           1  the record lacks.*
              for example log:2: .*
              and other causes, in the table above
`, text)
	var b bytes.Buffer
	require.NoError(t, report.WriteJSON(&b, replay.TextOptions{}))
	assert.Contains(t, b.String(), strings.TrimSpace(noOpener))
	assert.Contains(t, b.String(), `"log:6"`)
	for _, u := range report.Undecided {
		assert.NotContains(t, text, u.Undecided.String(), "a word for programs")
	}
}

// A record of an interface that the topology lacks does not belong to another with one of
// its addresses, unless that has an id that AWS does not make.
func TestOtherInterfaces(t *testing.T) {
	f := replaytest.Format(t, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${start} ${end} ${action}")
	for _, tt := range []struct {
		eni  sg.ENIID
		want string
	}{
		{"eni-0123456789abcdef0", "not_applicable "}, {"eni-01234567", "not_applicable "},
		{"eni-web", "drop eni-web"}, {"aws_instance.web", "drop aws_instance.web"}, {"eni-0123456789abcdefg", "drop eni-0123456789abcdefg"},
	} {
		topo := replaytest.Site()
		topo.ENIs[0].ID = tt.eni
		judgeLog(t, topo, f, "eni-0fedcba9876543210 203.0.113.9 10.0.1.10 40001 443 6 2 0 9 ACCEPT\n", func(r *flowreplay.Record) {
			assert.Equal(t, tt.want, fmt.Sprint(r.Verdict, " ", r.ENI), tt.eni)
		})
	}
}

// Ranges of addresses repeat: a record of another VPC or account is not of the interface
// with the same address, whatever the ids are like.
func TestOtherNetworks(t *testing.T) {
	f := replaytest.Format(t, "${account-id} ${interface-id} ${vpc-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${start} ${end} ${action}")
	topo := replaytest.Site()
	topo.ENIs[0].VPC, topo.ENIs[0].Account = "vpc-0aaa1111", "111122223333"
	for ids, want := range map[string]string{
		"111122223333 eni-0other1 vpc-0aaa1111": "drop eni-web 0",
		"999999999999 eni-0other1 vpc-0bbb2222": "not_applicable  1",
		"111122223333 eni-0other1 vpc-0bbb2222": "not_applicable  1",
		"999999999999 eni-0other1 vpc-0aaa1111": "not_applicable  1",
		"999999999999 - vpc-0aaa1111":           "not_applicable  1",
		"unknown eni-0other1 -":                 "drop eni-web 0",
		"- - -":                                 "drop eni-web 0",
		"999999999999 eni-web vpc-0bbb2222":     "drop eni-web 0", // the record names it
	} {
		var got string
		report, text := judgeLog(t, topo, f, ids+" 203.0.113.9 10.0.1.10 40001 443 6 2 0 9 ACCEPT\n", func(r *flowreplay.Record) {
			got = fmt.Sprint(r.Verdict, " ", r.ENI)
		})
		assert.Equal(t, want, fmt.Sprint(got, " ", report.Strangers), ids)
		if report.Strangers > 0 {
			assert.Contains(t, text, "1 record of 1 interface that the topology lacks")
		}
	}
	topo.ENIs[0].VPC = "aws_vpc.main" // a plan does not know the id
	judgeLog(t, topo, f, "111122223333 eni-0fedcba9876543210 vpc-0bbb2222 203.0.113.9 10.0.1.10 40001 443 6 2 0 9 ACCEPT\n", func(r *flowreplay.Record) {
		assert.Equal(t, sg.Drop, r.Verdict)
	})
}

// Connections go on across records while they are not idle for too long.
func TestConnections(t *testing.T) {
	topo := replaytest.Site()
	topo.Groups[0].Egress = nil
	f := replaytest.Format(t, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${start} ${end} ${action} ${packets} ${bytes}")
	var reasons []string
	judgeLog(t, topo, f, strings.Join([]string{
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 0 50 ACCEPT 1 60",
		"eni-web 198.51.100.2 10.0.1.10 40001 443 6 3 1 2 ACCEPT 1 60",
		"eni-web 10.0.1.10 198.51.100.1 443 40001 6 18 1 50 ACCEPT 1 60",
		"eni-web 10.0.1.10 198.51.100.1 443 40001 6 0 60 600 ACCEPT 1 60",
		"eni-web 10.0.1.10 198.51.100.2 443 40001 6 19 1 2 ACCEPT 1 60",
		"eni-web 198.51.100.1 10.0.1.10 40001 443 6 0 601 900 ACCEPT 1 60",
		"eni-web 198.51.100.2 10.0.1.10 40001 443 6 0 901 902 ACCEPT 1 60",     // it had ended
		"eni-web 198.51.100.3 10.0.1.10 40001 443 6 2 1000 1001 ACCEPT 9 9000", // with data, so it had an answer
		"eni-web 198.51.100.4 10.0.1.10 40001 443 6 2 1000 1001 ACCEPT 2 120",
		"eni-web 198.51.100.3 10.0.1.10 40001 443 6 0 1300 1301 ACCEPT 9 9000",
		"eni-web 198.51.100.4 10.0.1.10 40001 443 6 0 1300 1301 ACCEPT 9 9000",
	}, "\n"), func(r *flowreplay.Record) {
		reasons = append(reasons, fmt.Sprint(r.Verdict, " ", r.Decision.Reason, " ", r.PickedUp))
	})
	assert.Equal(t, []string{
		"accept rule false", "accept rule false", "accept tracked false", "accept tracked false", "accept tracked false", "accept tracked false",
		"accept rule true",
		"accept rule false", "accept rule false", "accept tracked false", "accept rule true",
	}, reasons)
}

// The report counts what rules admitted, and says how much of the network it saw.
func TestReport(t *testing.T) {
	f := flowlog.AllFields(5)
	log := replaytest.FlowLog(t, replaytest.Site(), packetlog.FlowLogOptions{Format: f}, day)
	log += f.Header() + "\n" + strings.Replace(strings.Split(log, "\n")[0], " OK ", " SKIPDATA ", 1) + "\n"
	report, text := judgeLog(t, replaytest.Site(), f, log, nil)
	assert.Equal(t, 2, report.Interfaces)
	assert.Equal(t, 1, report.Log.SkipData)
	assert.Contains(t, text, "say that AWS left out others (SKIPDATA)")
	byRule := map[string]uint64{}
	for _, r := range report.Rules {
		byRule[fmt.Sprint(r.Rule)] = r.Packets
	}
	assert.Equal(t, map[string]uint64{
		"sg-web ingress[0]": 3, "sg-web ingress[1]": 5, "sg-web egress[0]": 3, "sg-db ingress[0]": 3, "sg-db ingress[1]": 0,
	}, byRule)
	assert.Contains(t, text, "1 rule was not used, as far as the log of 2 of 2 interfaces tells\n")
	require.NotEmpty(t, report.Rejected)
	assert.Contains(t, text, "eni-web ingress, by the groups: no rule admits it")
	assert.Contains(t, text, "tcp 203.0.113.1:40002 > 10.0.1.10:443 and other ports")
	assert.Contains(t, text, "what tells which end opened a connection, and in how many records: its tcp-flags\n  (10); its ports, of which one alone is 32768 or above (1); nothing (1)\n")
}

// Talkers that differ in the sender alone are one where there are three or more: the first
// is that of the earliest record, wherever it is. A drawing keeps all their packets.
func TestManySenders(t *testing.T) {
	f := flowlog.AllFields(2)
	log := ""
	for i := range 250 {
		log += fmt.Sprintf("2 111122223333 eni-web 203.0.113.%d 10.0.1.10 40000 22 6 2 80 %d 1767225700 REJECT OK\n", i, 1767225600-i%50)
	}
	for i := range 2 {
		log += fmt.Sprintf("2 111122223333 eni-web 203.0.113.%d 10.0.1.10 40000 23 6 1 40 1767225600 1767225700 REJECT OK\n", 253+i)
	}
	for i := range 5 { // to several ports each
		for port := range 3 {
			log += fmt.Sprintf("2 111122223333 eni-web 192.0.3.%d 10.0.1.10 40000 %d %d 1 40 17672256%02d 1767225700 REJECT OK\n", i, 3000+100*i+port, 6+i/3*11, 10+i)
		}
	}
	r, text := judgeLog(t, replaytest.Site(), f, log, nil)
	var got []string
	for _, k := range r.Rejected {
		got = append(got, fmt.Sprintf("%d of %d, first %d %v", k.Count, k.Senders, k.Position.Line, k.First.Tuple()))
	}
	assert.Equal(t, []string{
		"{250 500 20000} of 250, first 50 tcp 203.0.113.49:40000 > 10.0.1.10:22",
		"{9 9 360} of 3, first 253 tcp 192.0.3.0:40000 > 10.0.1.10:3000",
		"{3 3 120} of 1, first 262 udp 192.0.3.3:40000 > 10.0.1.10:3300",
		"{3 3 120} of 1, first 265 udp 192.0.3.4:40000 > 10.0.1.10:3400",
		"{1 1 40} of 1, first 251 tcp 203.0.113.253:40000 > 10.0.1.10:23",
		"{1 1 40} of 1, first 252 tcp 203.0.113.254:40000 > 10.0.1.10:23",
	}, got)
	assert.Zero(t, r.OtherRejects)
	assert.Contains(t, text, "tcp 203.0.113.49:40000 > 10.0.1.10:22\n                        and 249 other senders\n                        eni-web ingress")
	assert.Contains(t, text, "tcp 192.0.3.0:40000 > 10.0.1.10:3000 and other ports\n                        and 2 other senders\n")
	assert.Equal(t, 2, strings.Count(text, "other sender"))
	var doc, html, drawn bytes.Buffer
	require.NoError(t, r.WriteJSON(&doc, replay.TextOptions{}))
	assert.Contains(t, doc.String(), `"senders": 250`)
	require.NoError(t, flowreplay.WriteHTML(&html, r, &replay.PageOptions{Topology: replaytest.Site()}))
	assert.Contains(t, pagetest.Read(html.Bytes()).Text, "10.0.1.10:22, and 249 other senders")
	require.NoError(t, r.Draw(replaytest.Site(), nil).WriteMermaid(&drawn))
	assert.Contains(t, drawn.String(), "tcp 22: 500 packets dropped")
	assert.Contains(t, drawn.String(), "tcp, several ports: 9 packets dropped")
}

// Where no record is decided, the report says whose fault that is.
func TestNoneDecided(t *testing.T) {
	const syn = "2 111122223333 %s 198.51.100.1 10.0.1.10 40001 443 6 3 180 1767225600 1767225660 REJECT OK\n"
	const noData = "2 111122223333 eni-web - - - - - - - 1767225600 1767225660 - NODATA\n"
	for log, want := range map[string]string{
		fmt.Sprintf(syn, "eni-web"): "1 record, of 1 of the topology's 2 interfaces, .*\n(.*\n)+no record was decided: the log lacks tcp-flags \\(version 3\\),",
		strings.ReplaceAll(fmt.Sprintf(syn, "eni-else"), "10.0.1.10", "192.0.2.1"): "1 record, none of an interface of the topology, .*\n(.*\n)+no record was decided: is this the topology of the log?",
		strings.Replace(fmt.Sprintf(syn, "eni-web"), "10.0.1.10", "-", 1):          "no record was decided: the table says why",
		noData:          "  1 record says that there was no traffic \\(NODATA\\)",
		noData + noData: "  2 records say that there was no traffic \\(NODATA\\)",
	} {
		_, text := judgeLog(t, replaytest.Site(), flowlog.DefaultFormat, log, nil)
		assert.Regexp(t, want, text)
	}
}

// A line tells a record, the verdict and how it compares.
func TestJSONL(t *testing.T) {
	more := replaytest.Site()
	more.Groups[0].Ingress = append(more.Groups[0].Ingress, sg.SSH.From(sg.MustCIDR("203.0.113.0/24")))
	f := flowlog.AllFields(5)
	var b bytes.Buffer
	j := flowreplay.NewJSONL(&b)
	judgeLog(t, more, f, replaytest.FlowLog(t, replaytest.Site(), packetlog.FlowLogOptions{Format: f}, day), func(r *flowreplay.Record) {
		require.NoError(t, j.Observe(r))
	})
	require.NoError(t, j.Flush())
	for l := range strings.Lines(b.String()) {
		require.True(t, json.Valid([]byte(l)), l)
	}
	at := replaytest.Began.Unix() + 3
	assert.Contains(t, b.String(), fmt.Sprintf(`{"file":"log","line":8,"start":%d,"end":%d,"src":"203.0.113.1","dst":"10.0.1.10",`+
		`"protocol":"tcp","src_port":40003,"dst_port":22,"packets":1,"bytes":40,"action":"reject","eni":"eni-web","direction":"ingress",`+
		`"opener":"source","evidence":"flags","verdict":"accept","reason":"rule","group":"sg-web","rule":"ingress[2]","agreement":"disagree"}`, at, at))
}

// A drawing says when it does not know all drops.
func TestDrawOtherRejects(t *testing.T) {
	r := flowreplay.Report{OtherRejects: flowreplay.Count{Packets: 1}}
	assert.True(t, r.Draw(&sg.Topology{}, nil).MoreDrops)
	assert.False(t, new(flowreplay.Report).Draw(&sg.Topology{}, nil).MoreDrops)
}

func TestHTML(t *testing.T) {
	topo := replaytest.Strange()
	p := replaytest.Policy(t, topo)
	log := "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n" +
		"2 111122223333 eni-web 198.51.100.1 10.0.1.10 40000 443 6 5 400 1767225600 1767225660 ACCEPT OK\n" +
		"2 111122223333 eni-web 203.0.113.9 10.0.1.10 40000 22 6 1 40 1767225700 1767225760 ACCEPT OK\n" +
		"2 111122223333 eni-web 203.0.113.9 10.0.1.10 40001 23 6 1 40 1767225700 1767225760 REJECT OK\n" +
		"no record\n"
	r, err := flowreplay.Run(t.Context(), p, nil, flowlog.NewReader("<i>.log", strings.NewReader(log), nil))
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, flowreplay.WriteHTML(&b, r, &replay.PageOptions{Topology: topo, Policy: p, Inputs: []string{"<i>.log"}}))
	d := pagetest.Read(b.Bytes())
	assert.Empty(t, d.Problems)
	for _, want := range []string{"AWS admitted, these groups drop", "a group or rule that the topology lacks", "First at <i>.log:3", "by the groups: no rule admits it", "2 records, at most 2 in 1 s", "tcp 443: 5 packets", "tcp 23: 1 packet dropped", "Records count at the time at which they start."} {
		assert.Contains(t, d.Text, want)
	}
	assert.Contains(t, b.String(), "<li>1 line could not be read", "a note by itself")
	var doc bytes.Buffer
	require.NoError(t, r.WriteJSON(&doc, replay.TextOptions{ENIs: map[sg.ENIID]string{"eni-web": topo.ENIs[0].Name, "eni-db": topo.ENIs[1].Name}, Groups: map[sg.GroupID]string{"sg-web": topo.Groups[0].Name, "sg-db": topo.Groups[1].Name, "sg-none": topo.Groups[2].Name}}))
	assert.JSONEq(t, doc.String(), string(d.JSON))
	b.Reset()
	require.NoError(t, flowreplay.WriteHTML(&b, r, nil))
	assert.Contains(t, pagetest.Read(b.Bytes()).Text, "AWS admitted, these groups drop")
}

// A flow log of traffic that ACLs deny agrees with what its records are judged to be, and
// the verdict names the entry that the log cannot.
func TestACL(t *testing.T) {
	topo, f := replaytest.WithACLs(t), flowlog.AllFields(5)
	log := replaytest.FlowLog(t, topo, packetlog.FlowLogOptions{Format: f}, replaytest.WithoutAnswers)
	reasons := map[string]int{}
	report, text := judgeLog(t, topo, f, log, func(r *flowreplay.Record) {
		assert.NotEqual(t, flowreplay.Disagree, r.Agreement(), "%s: %v %v", f.AppendRecord(nil, r.Record), r.Verdict, r.Decision)
		reasons[r.Decision.String()]++
	})
	assert.Equal(t, map[string]int{
		"accept rule sg-all egress[0]": 1, "accept rule sg-all ingress[0]": 1,
		"drop acl_deny acl-b egress *": 1, "drop acl_deny acl-b ingress 90": 1,
	}, reasons)
	assert.Equal(t, uint64(4), report.Agreeing.Records)
	assert.Contains(t, text, "network ACLs were judged at 2 of the log's 2 interfaces")
	assert.Regexp(t, `by a network ACL: acl-b ingress 90 denies\s+it`, text)
	assert.Equal(t, 2, report.ACLInterfaces)
}

// What AWS rejected though the network ACL of the topology allows it is a matter of rules;
// where the topology has no ACL, it may be one of the ACL.
func TestACLAllows(t *testing.T) {
	f := flowlog.AllFields(5)
	const rejected = "5 111122223333 eni-b 10.0.9.9 10.0.2.20 40000 443 6 1 60 0 9 REJECT OK vpc-1 subnet-b - 2 IPv4 10.0.9.9 10.0.2.20 - - - - - - ingress -\n"
	for log, want := range map[string]string{
		rejected: "or the subnet has another network ACL: in the one given, acl-b ingress 100 allows it",
		strings.ReplaceAll(rejected, "10.0.9.9", "10.0.2.9"): "and no network ACL is asked about it, as within a subnet",
	} {
		report, text := judgeLog(t, replaytest.WithACLs(t), f, log, nil)
		require.Len(t, report.Disagreements, 1)
		assert.Equal(t, flowreplay.RuleNotInAWS, report.Disagreements[0].Cause)
		text = strings.Join(strings.Fields(text), " ")
		assert.Contains(t, text, "AWS does not have the rule, "+want)
		assert.Contains(t, text, "AWS does not have a rule that is given here, "+want)
	}
	denied := strings.Replace(rejected, "10.0.9.9 10.0.2.20 40000 443 6", "10.0.2.20 10.0.1.99 443 40000 6", 1)
	denied = strings.Replace(denied, "- 2 IPv4 10.0.9.9 10.0.2.20 - - - - - - ingress", "- 18 IPv4 10.0.2.20 10.0.1.99 - - - - - - egress", 1)
	judgeLog(t, replaytest.WithACLs(t), f, denied, func(r *flowreplay.Record) {
		assert.Equal(t, "drop acl_deny acl-b ingress 90", fmt.Sprint(r.Decision))
		assert.Equal(t, "acl-b ingress 90", r.Entry.String(), "the entry that denies the request")
	})
	bare := replaytest.WithACLs(t)
	bare.NetworkACLs = nil
	report, text := judgeLog(t, bare, f, rejected, nil)
	require.Len(t, report.Disagreements, 1)
	assert.Equal(t, flowreplay.ACLOrRule, report.Disagreements[0].Cause)
	assert.Contains(t, text, "network ACLs were not judged: the topology has none for the log's interfaces")
}

// What AWS admitted and an ACL of the topology denies is a fault of the ACL as given.
func TestACLNotGiven(t *testing.T) {
	topo, f := replaytest.WithACLs(t), flowlog.AllFields(5)
	bare := replaytest.WithACLs(t)
	bare.NetworkACLs = nil
	log := replaytest.FlowLog(t, bare, packetlog.FlowLogOptions{Format: f}, replaytest.WithoutAnswers)
	report, text := judgeLog(t, topo, f, log, nil)
	var causes []flowreplay.Cause
	for _, d := range report.Disagreements {
		causes = append(causes, d.Cause)
	}
	assert.Equal(t, []flowreplay.Cause{flowreplay.ACLNotGiven, flowreplay.ACLNotGiven}, causes)
	assert.Contains(t, text, "acl-b egress * denies")
	assert.Contains(t, text, "acl-b ingress 90 denies all")
	assert.NotContains(t, text, "fault of the model")
}

// Records may be further apart than a time.Duration tells, and the slots of the timeline
// hold them all.
func TestTimelineFarApart(t *testing.T) {
	f := replaytest.Format(t, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${start} ${end} ${action}")
	first, last := int64(-1<<33+1), int64(1<<33)
	var log strings.Builder
	for _, at := range []int64{first, 1 << 30, last} {
		fmt.Fprintf(&log, "eni-web 198.51.100.1 10.0.1.10 40001 443 6 %d %[1]d ACCEPT\n", at)
	}
	report, _ := judgeLog(t, replaytest.Site(), f, log.String(), nil)
	assert.Equal(t, []int64{first, last}, []int64{report.First.Unix(), report.Last.Unix()})
	line := report.Timeline
	width := int64(line.Width / time.Second)
	want := make([]uint64, (last-line.Start.Unix())/width+1)
	for _, at := range []int64{first, 1 << 30, last} {
		want[(at-line.Start.Unix())/width]++
	}
	assert.Equal(t, want, line.Of(sg.Accept))
	assert.LessOrEqual(t, len(want), 1024)
	assert.Zero(t, line.Start.Unix()%width)
	assert.False(t, line.Start.After(report.First))
}

// A record that ends when no clock can tell ends when it starts, and keeps no report from
// being written: JSON has no such times.
func TestAbsurdEnd(t *testing.T) {
	f := replaytest.Format(t, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${start} ${end} ${action}")
	log := fmt.Sprintf("eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 60 %d ACCEPT\neni-web 198.51.100.1 10.0.1.10 40002 443 6 2 120 %d REJECT\n", int64(math.MaxInt64), int64(9_000_000_000_000))
	report, _ := judgeLog(t, replaytest.Site(), f, log, nil)
	require.Len(t, report.Disagreements, 1)
	d := report.Disagreements[0]
	assert.Equal(t, []int64{120, 120, 120}, []int64{report.Last.Unix(), d.First.Unix(), d.Last.Unix()})
	assert.Equal(t, flowreplay.Changed, d.Cause)
	assert.EqualValues(t, 60, d.Change.Unix())
	require.NoError(t, report.WriteJSON(io.Discard, replay.TextOptions{}))
	require.NoError(t, flowreplay.WriteHTML(io.Discard, report, &replay.PageOptions{Topology: replaytest.Site(), Policy: replaytest.Policy(t, replaytest.Site())}))
}

// Sums that do not fit are the most that does: a record may tell any number.
func TestCountsDoNotWrap(t *testing.T) {
	f := replaytest.Format(t, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${packets} ${bytes} ${start} ${action}")
	line := "eni-web 198.51.100.1 10.0.1.10 40001 443 6 %d %d 60 ACCEPT\n"
	log := fmt.Sprintf(line+line+line, uint64(math.MaxUint64), uint64(math.MaxUint64-1), 1, 2, 3, 4)
	report, text := judgeLog(t, replaytest.Site(), f, log, nil)
	want := flowreplay.Count{Records: 3, Packets: math.MaxUint64, Bytes: math.MaxUint64}
	assert.Equal(t, []flowreplay.Count{want, want, want}, []flowreplay.Count{report.Accepted, report.Agreeing, report.Rules[0].Count})
	assert.Contains(t, text, "18446744073709551615")
}
