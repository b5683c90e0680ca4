package flowreplay_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/flowreplay"
	"github.com/sgsim/sgsim/sg/internal/replaytest"
	"github.com/sgsim/sgsim/sg/replay"
)

// Whatever a log holds, every record is counted once, and everything prints.
func FuzzRun(f *testing.F) {
	fields := replaytest.Format(f, "${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} ${tcp-flags} ${start} ${end} ${action} ${flow-direction} ${log-status}")
	f.Add("eni-web 198.51.100.1 10.0.1.10 40001 443 6 2 0 50 ACCEPT ingress OK\neni-web 10.0.1.10 198.51.100.1 443 40001 6 19 0 50 REJECT egress OK\n")
	f.Add("eni-db 10.0.1.10 10.0.2.20 0 0 1 - 0 9 ACCEPT ingress OK\neni-web - - - - - - 0 59 - - NODATA\n")
	f.Add("- ::ffff:10.0.1.10 2001:db8::1 0 0 58 - 0 9 ACCEPT egress OK\neni-web 2001:db8::1 2001:db8::2 9 9 132 7 -5 1 REJECT - SKIPDATA\n")
	topo := replaytest.Site()
	topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.Rule{Protocol: sg.ICMP, ICMP: sg.ICMPTypeCode(8, 0), Peer: sg.AnyIPv4})
	p := replaytest.Policy(f, topo)
	f.Fuzz(func(t *testing.T, log string) {
		var lines, text bytes.Buffer
		j := flowreplay.NewJSONL(&lines)
		r := flowlog.NewReader("log", strings.NewReader(log), &flowlog.Options{Formats: []flowlog.Format{fields}})
		report, err := flowreplay.Run(t.Context(), p, &flowreplay.Options{Observe: j.Observe}, r)
		if err != nil {
			t.Skip(err)
		}
		if err := j.Flush(); err != nil {
			t.Fatal(err)
		}
		if err := report.WriteText(&text, replay.TextOptions{}); err != nil {
			t.Fatal(err)
		}
		all := report.Accepted.Records + report.Dropped.Records + report.Unknown.Records + report.NotApplicable.Records
		if s := r.Stats(); all != uint64(s.Records-s.NoData-s.SkipData) {
			t.Fatalf("%d of %+v are counted", all, s)
		}
		var undecided uint64
		for _, u := range report.Undecided {
			undecided += u.Records
		}
		if undecided != report.Unknown.Records || report.Agreeing.Records+report.Disagreeing.Records > report.Accepted.Records+report.Dropped.Records {
			t.Fatalf("%+v", report)
		}
		var weight uint64
		for _, d := range report.Disagreements {
			weight += d.Records
		}
		if weight+report.OtherDisagreements.Records != report.Disagreeing.Records {
			t.Fatalf("%d disagree, %+v", report.Disagreeing.Records, report.Disagreements)
		}
		for l := range strings.Lines(lines.String()) {
			if !json.Valid([]byte(l)) {
				t.Fatal(l)
			}
		}
		for _, c := range lines.String() + text.String() {
			if c != '\n' && !strconv.IsPrint(c) {
				t.Fatalf("%q is written", c)
			}
		}
	})
}
