package diff

import (
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

// mostPairs is the most pairs of interfaces that the JSON form holds.
const mostPairs = 1000

// WriteJSON writes one object with the differences and, unless t is nil, their effect on
// traffic. JSON.md, beside the command, describes it.
//
//	{"version": 1,
//	 "changes": [{
//	   "kind": "opened", "direction": "ingress", "family": 4, "before": "drop", "after": "accept",
//	   "enis": ["eni-db"], "group": "sg-web", "addresses": ["10.0.1.10/32"],
//	   "services": [{"text": "tcp 5432", "protocol": 6, "last_protocol": 6, "first": 5432, "last": 5432}],
//	   "rules_before": [], "rules_after": [{"group": "sg-db", "rule": "sgr-1", "rule_text": "tcp 5432 sg-web"}],
//	   "witness": "tcp 10.0.1.10:40001 > 10.0.2.20:5432 S"}],
//	 "pairs": [{"from": "eni-web", "to": "eni-db", "family": 4, "opened": ["tcp 5432"], "broken": []}],
//	 ...}
//
// The notes are those of [TextOptions]; what the Diff did not compare joins them. It holds
// at most 1,000 pairs. The order is that of Diff and Traffic. The same policies
// give the same bytes.
func WriteJSON(w io.Writer, d *Diff, t *Traffic, notes ...string) error {
	out := diffJSON{Version: jsondoc.Version, Changes: each(d.Changes, jsonOf), Pairs: []pairJSON{}, Added: some(d.Added), Removed: some(d.Removed), Unjudged: some(d.Unjudged), Unfinished: some(d.Unfinished), Uncarried: some(d.Uncarried), Unshared: some(d.Unshared), Undecided: some(d.Pending.Undecided()), StandIns: []standInJSON{}, Timeouts: each(d.Timeouts, timeoutJSONOf), Notes: slices.Concat([]string{}, notes, new(text).timeouts(d), new(text).doubts(d))}
	if d.Pending != nil {
		out.StandIns = each(d.Pending.StandIns, func(s StandIn) standInJSON { return standInJSON{s.ENI, s.Addr} })
	}
	out.More = !d.somePairs(func(p Pair) bool {
		if len(out.Pairs) == mostPairs {
			return false
		}
		out.Pairs = append(out.Pairs, pairJSON{p.From, p.To, p.Family, each(p.Opened, Service.String), each(p.Broken, Service.String)})
		return true
	})
	if t != nil {
		out.Traffic = &trafficJSON{Flows: each(t.Flows, flowJSONOf), Kept: each(t.Kept, keptJSONOf), Ended: each(t.Ended, keptJSONOf), Judged: t.Judged, Unjudged: each(t.Unjudged, unjudgedJSONOf), Came: some(t.Came), Late: some(t.Late)}
		if t.Log != nil {
			out.Traffic.Records, out.Traffic.Disagreeing = uint64(t.Log.Log.Records), t.Log.Disagreeing.Records
		} else {
			out.Traffic.Packets = t.Report.Packets
		}
	}
	return jsondoc.Write(w, out)
}

type diffJSON struct {
	Version    int           `json:"version"`
	Changes    []changeJSON  `json:"changes"`
	Pairs      []pairJSON    `json:"pairs"`
	More       bool          `json:"more_pairs"`
	Added      []sg.ENIID    `json:"added"`
	Removed    []sg.ENIID    `json:"removed"`
	Unjudged   []sg.ENIID    `json:"unjudged"`
	Unfinished []sg.ENIID    `json:"unfinished"`
	Uncarried  []sg.GroupID  `json:"uncarried"`
	Unshared   []sg.GroupID  `json:"unshared"`
	Undecided  []sg.ENIID    `json:"undecided"`
	StandIns   []standInJSON `json:"stand_ins"`
	Timeouts   []timeoutJSON `json:"timeouts"`
	Notes      []string      `json:"notes"`
	Traffic    *trafficJSON  `json:"traffic,omitempty"`
}

type timeoutJSON struct {
	ENI    sg.ENIID `json:"eni"`
	Name   string   `json:"name"`
	Before float64  `json:"before"` // s
	After  float64  `json:"after"`  // s
}

type standInJSON struct {
	ENI  sg.ENIID   `json:"eni"`
	Addr netip.Addr `json:"address"`
}

type changeJSON struct {
	Kind        string         `json:"kind"`
	Direction   sg.Direction   `json:"direction"`
	Family      packet.Family  `json:"family"`
	Answers     bool           `json:"answers"`
	Before      sg.Verdict     `json:"before"`
	After       sg.Verdict     `json:"after"`
	ENIs        []sg.ENIID     `json:"enis"`
	Group       sg.GroupID     `json:"group,omitempty"`
	Addrs       []netip.Prefix `json:"addresses"`
	Services    []serviceJSON  `json:"services"`
	RulesBefore []ruleJSON     `json:"rules_before"`
	RulesAfter  []ruleJSON     `json:"rules_after"`
	Witness     string         `json:"witness,omitempty"`
}

type serviceJSON struct {
	Text         string          `json:"text"`
	Protocol     packet.Protocol `json:"protocol"`
	LastProtocol packet.Protocol `json:"last_protocol"`
	First        uint16          `json:"first"`
	Last         uint16          `json:"last"`
}

type ruleJSON struct {
	Group sg.GroupID      `json:"group,omitempty"`
	ID    sg.RuleID       `json:"rule,omitempty"`
	ACL   sg.NetworkACLID `json:"acl,omitempty"` // in place of a group
	Entry int             `json:"entry,omitempty"`
	Text  string          `json:"rule_text"`
}

type pairJSON struct {
	From   sg.ENIID      `json:"from"`
	To     sg.ENIID      `json:"to"`
	Family packet.Family `json:"family"`
	Opened []string      `json:"opened"`
	Broken []string      `json:"broken"`
}

type trafficJSON struct {
	Packets     uint64         `json:"packets,omitempty"`
	Records     uint64         `json:"records,omitempty"` // in place of packets
	Disagreeing uint64         `json:"disagreeing,omitempty"`
	Flows       []flowJSON     `json:"flows"`
	Kept        []keptJSON     `json:"kept"`
	Ended       []keptJSON     `json:"ended"`
	Judged      uint64         `json:"judged"`
	Unjudged    []unjudgedJSON `json:"not_judged"`
	Came        []time.Time    `json:"came"`
	Late        []time.Time    `json:"late"`
}

type flowJSON struct {
	Src         netip.Addr      `json:"src"`
	Dst         netip.Addr      `json:"dst"`
	Protocol    packet.Protocol `json:"protocol"`
	Before      fateJSON        `json:"before"`
	After       fateJSON        `json:"after"`
	First       string          `json:"first"`
	Number      uint64          `json:"number"`
	Place       string          `json:"place,omitempty"`
	Time        time.Time       `json:"time"`
	Packets     uint64          `json:"packets"`
	Records     uint64          `json:"records,omitempty"`
	Connections uint64          `json:"connections"`
	Died        bool            `json:"died"`
}

type fateJSON struct {
	Verdict   sg.Verdict `json:"verdict"`
	Reason    sg.Reason  `json:"reason"`
	Undecided string     `json:"cause,omitempty"`
	ENI       sg.ENIID   `json:"eni,omitempty"`
	Direction string     `json:"direction,omitempty"`
	Rule      *ruleJSON  `json:"rule,omitempty"`
}

type unjudgedJSON struct {
	Verdict   sg.Verdict `json:"verdict"`
	Reason    sg.Reason  `json:"reason"`
	Undecided string     `json:"cause,omitempty"`
	Number    uint64     `json:"number"`
}

type keptJSON struct {
	ENI       sg.ENIID         `json:"eni"`
	Direction sg.Direction     `json:"direction"`
	Tuple     packet.FiveTuple `json:"tuple"`
	Rule      ruleJSON         `json:"rule"`
	Changed   time.Time        `json:"changed"`
	Since     time.Time        `json:"since,omitzero"`
	Expires   time.Time        `json:"expires"`
	Closed    bool             `json:"closed"`
}

func jsonOf(c Change) changeJSON {
	out := changeJSON{
		Kind: c.Kind(), Direction: c.Direction, Family: c.Family, Answers: c.Answers, Before: c.Before, After: c.After, ENIs: c.ENIs, Group: c.Group,
		Addrs: some(c.Addrs), RulesBefore: each(c.RulesBefore, ruleOf), RulesAfter: each(c.RulesAfter, ruleOf),
		Services: each(c.Services, func(s Service) serviceJSON {
			return serviceJSON{s.String(), s.Protocol, s.LastProtocol, s.First, s.Last}
		}),
	}
	if h, ok := c.Witness(0); ok {
		out.Witness = h.String()
	}
	return out
}

// ruleOf is the text of a rule, without its id and description.
func ruleOf(ref sg.RuleRef) ruleJSON {
	if acl := ref.ACL(); acl != "" {
		return ruleJSON{ACL: acl, Entry: ref.Entry().Number, Text: ref.Entry().String()}
	}
	r := ref.Rule()
	id := r.ID
	r.ID, r.Description = "", ""
	return ruleJSON{Group: ref.Group(), ID: id, Text: r.String()}
}

func flowJSONOf(f Flow) flowJSON {
	return flowJSON{
		f.Src, f.Dst, f.Protocol, fateJSONOf(f.Before), fateJSONOf(f.After), f.First.String(), f.Number, f.Position.String(), f.Time,
		f.Packets, f.Records, f.Connections, f.Died,
	}
}

func fateJSONOf(f Fate) fateJSON {
	out := fateJSON{Verdict: f.Verdict, Reason: f.Reason, ENI: f.ENI}
	if f.Undecided != 0 {
		out.Undecided = f.Undecided.String()
	}
	if f.Direction != 0 {
		out.Direction = f.Direction.String()
	}
	if !f.Rule.IsZero() {
		r := ruleOf(f.Rule)
		out.Rule = &r
	}
	return out
}

func timeoutJSONOf(t Timeout) timeoutJSON {
	return timeoutJSON{t.ENI, t.Name, t.Before.Seconds(), t.After.Seconds()}
}

func unjudgedJSONOf(u Unjudged) unjudgedJSON {
	out := unjudgedJSON{Verdict: u.Verdict, Reason: u.Reason, Number: u.Number}
	if u.Undecided != 0 {
		out.Undecided = u.Undecided.String()
	}
	return out
}

func keptJSONOf(k Kept) keptJSON {
	return keptJSON{k.ENI, k.Direction, k.Tuple, ruleOf(k.Rule), k.Changed, k.Since, k.Expires, k.Closed}
}

// each applies a function to each item of a list. For none it returns an empty list,
// since JSON would write nil as null.
func each[T, U any](all []T, of func(T) U) []U {
	out := make([]U, 0, len(all))
	for _, one := range all {
		out = append(out, of(one))
	}
	return out
}

// some returns an empty list for nil, which JSON would write as null.
func some[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}
