package packetlog_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// FuzzHostileNames replays at a topology whose ids and names are anything, in each
// format: what is written prints, has as many records as packets or flows, and gives
// the ids back.
func FuzzHostileNames(f *testing.F) {
	f.Add("sg-web", "sgr-1", "eni-web", "web", "111122223333")
	f.Add("a\n1", "\x1b[31m", "eni\r\nforged", "\u202egpj", " 2 ")
	f.Add("\xff", "\"\\", "-", "a b", "\u00a0")
	s := script{
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"0 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
		"0 tcp 203.0.113.9:1 > 10.0.1.10:443 S",
		"0 tcp 198.51.100.1:9 > 10.0.1.10:443 A",
	}
	fields := []string{"interface-id", "account-id", "vpc-id", "instance-id", "action"}
	f.Fuzz(func(t *testing.T, group, rule, eni, name, account string) {
		topo := &sg.Topology{
			Groups: []sg.Group{{ID: sg.GroupID(group), Name: name, VPC: sg.VPCID(account), Ingress: []sg.Rule{
				{ID: sg.RuleID(rule), Protocol: sg.TCP, Ports: sg.Port(443), Peer: sg.MustCIDR("198.51.100.0/24"), Description: name},
				{ID: sg.RuleID(rule + "2"), Protocol: sg.TCP, Ports: sg.Port(80), Peer: sg.Peer{Group: sg.GroupID(name), Account: sg.AccountID(account)}},
				{ID: sg.RuleID(rule + "3"), Protocol: sg.TCP, Ports: sg.Port(80), Peer: sg.Peer{PrefixList: sg.PrefixListID(name)}},
			}}},
			ENIs: []sg.ENI{{
				ID: sg.ENIID(eni), Name: name, Addrs: addr("10.0.1.10"), Groups: []sg.GroupID{sg.GroupID(group)},
				Account: sg.AccountID(account), VPC: sg.VPCID(account), Instance: sg.InstanceID(name),
			}},
		}
		p, err := sg.Compile(topo)
		if err != nil {
			return
		}
		names := replay.TextOptions{ENIs: map[sg.ENIID]string{topo.ENIs[0].ID: name}, Groups: map[sg.GroupID]string{topo.Groups[0].ID: name}}
		var jsonl, log, text, report bytes.Buffer
		var annotated bytes.Buffer
		j, x, a := packetlog.NewJSONL(&jsonl), packetlog.NewText(&text, names), packetlog.NewAnnotated(&annotated, topo, sg.Via{})
		l, err := packetlog.NewFlowLog(&log, topo, packetlog.FlowLogOptions{Format: format(t, strings.Join(fields, " "))})
		if err != nil {
			t.Fatal(err)
		}
		r, err := replay.Run(t.Context(), p, &replay.Options{Observer: replay.Observers(j, x, l, a)}, s)
		if err != nil {
			t.Fatal(err)
		}
		for _, flush := range []func() error{j.Flush, x.Flush, l.Flush, a.Flush} {
			if err := flush(); err != nil {
				t.Fatal(err)
			}
		}
		r.Blame(lint.Check(topo))
		if err := r.WriteText(&report, names); err != nil {
			t.Fatal(err)
		}

		for _, out := range []*bytes.Buffer{&jsonl, &log, &text, &report} {
			for _, c := range out.String() {
				if c != '\n' && !strconv.IsPrint(c) {
					t.Fatalf("%q in %q", c, out.String())
				}
			}
		}
		packets, addrs := blocks(t, annotated.Bytes())
		for _, p := range packets {
			verdict, _, _ := strings.Cut(p.comments, "|")
			if verdict != "accept, rule" && verdict != "accept, tracked" && verdict != "drop, no_rule" && verdict != "drop, midstream" {
				t.Fatalf("%q is no verdict", verdict)
			}
			for _, c := range p.comments + p.intf + strings.TrimSuffix(addrs[0], "\x00") {
				if !strconv.IsPrint(c) {
					t.Fatalf("%q in %q of %q", c, p.comments, p.intf)
				}
			}
		}
		lines := strings.Split(strings.TrimSuffix(jsonl.String(), "\n"), "\n")
		if len(lines) != len(s) {
			t.Fatalf("%d packets are written as %q", len(s), lines)
		}
		for _, line := range lines {
			var got struct {
				Hops []struct{ ENI, Group, Rule string }
			}
			if err := json.Unmarshal([]byte(line), &got); err != nil || len(got.Hops) != 1 {
				t.Fatalf("%s: %v", line, err)
			}
			hop := got.Hops[0]
			for id, want := range map[string]string{hop.ENI: eni, hop.Group: group} {
				if id != "" && id != want && utf8.ValidString(want) {
					t.Fatalf("%q is written as %q", want, id)
				}
			}
		}
		lines = strings.Split(strings.TrimSuffix(log.String(), "\n"), "\n")
		if len(lines) != 4 {
			t.Fatalf("4 flows are written as %q", lines)
		}
		for _, line := range lines {
			values := strings.Split(line, " ")
			if len(values) != len(fields) {
				t.Fatalf("%d fields are written as %q", len(fields), line)
			}
			for i, want := range []string{eni, account, account, name} {
				if got, err := strconv.Unquote(`"` + values[i] + `"`); got != want && (values[i] != "-" || want != "") || err != nil {
					t.Fatalf("%s: %q is written as %s", fields[i], want, values[i])
				}
			}
		}
	})
}
