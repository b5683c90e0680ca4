package flowreplay

import (
	"io"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/replay"
)

type reportJSON struct {
	Version int        `json:"version"`
	Kind    string     `json:"kind"` // records
	First   *time.Time `json:"first,omitempty"`
	Last    *time.Time `json:"last,omitempty"`

	Records       int   `json:"records"`
	Damaged       int   `json:"damaged"`
	Accepted      Count `json:"accepted"`
	Dropped       Count `json:"dropped"`
	Unknown       Count `json:"unknown"`
	NotApplicable Count `json:"not_applicable"`

	// The interfaces that the log has records of, and those of them with a network ACL.
	Interfaces    int `json:"interfaces"`
	ACLInterfaces int `json:"acl_interfaces"`

	Undecided     []undecidedJSON    `json:"undecided"`
	Agreeing      Count              `json:"agreeing"`
	Disagreeing   Count              `json:"disagreeing"`
	Disagreements []disagreementJSON `json:"disagreements"`
	OtherKinds    Count              `json:"other_disagreements"`
	Rules         []ruleCountJSON    `json:"rules"`
	Rejected      []talkerJSON       `json:"rejected"`
	OtherRejects  Count              `json:"other_rejects"`
}

type undecidedJSON struct {
	Cause  Undecided `json:"cause"`
	Reason sg.Reason `json:"reason,omitempty"`
	Count
	Example string `json:"example"`
	Place   string `json:"place"`
}

type disagreementJSON struct {
	ENI       sg.ENIID        `json:"eni"`
	ENIName   string          `json:"eni_name,omitempty"`
	Direction sg.Direction    `json:"direction"`
	Protocol  packet.Protocol `json:"protocol"`
	Port      uint16          `json:"port"`
	Verdict   sg.Verdict      `json:"verdict"`
	Reason    sg.Reason       `json:"reason"`
	Rule      *jsondoc.Rule   `json:"rule,omitempty"`
	Entry     *jsondoc.Rule   `json:"entry,omitempty"`
	Count
	FarEnds int            `json:"far_ends,omitempty"`
	First   time.Time      `json:"first"`
	Last    time.Time      `json:"last"`
	Cause   Cause          `json:"cause"`
	Change  *time.Time     `json:"change,omitempty"`
	Example string         `json:"example"`
	Place   string         `json:"place"`
	Nearest []jsondoc.Near `json:"nearest,omitempty"`
}

type ruleCountJSON struct {
	jsondoc.Rule
	Count
}

type talkerJSON struct {
	First     string        `json:"first"`
	Place     string        `json:"place"`
	Time      time.Time     `json:"time"`
	ENI       sg.ENIID      `json:"eni"`
	ENIName   string        `json:"eni_name,omitempty"`
	Direction sg.Direction  `json:"direction"`
	Verdict   sg.Verdict    `json:"verdict"`
	Cause     Undecided     `json:"cause"`
	Reason    sg.Reason     `json:"reason"`
	Entry     *jsondoc.Rule `json:"entry,omitempty"`
	Senders   int           `json:"senders"`
	Count
	Nearest []jsondoc.Near `json:"nearest,omitempty"`
}

// WriteJSON writes the report for programs, as one object. JSON.md beside the command
// describes it.
func (r *Report) WriteJSON(w io.Writer, o replay.TextOptions) error {
	n := jsondoc.Names{Names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}}
	out := reportJSON{
		Version: jsondoc.Version, Kind: "records", First: jsondoc.Time(r.First), Last: jsondoc.Time(r.Last), Records: r.Log.Records, Damaged: r.Log.Damaged,
		Accepted: r.Accepted, Dropped: r.Dropped, Unknown: r.Unknown, NotApplicable: r.NotApplicable,
		Interfaces: r.Interfaces, ACLInterfaces: r.ACLInterfaces,
		Undecided: []undecidedJSON{}, Agreeing: r.Agreeing, Disagreeing: r.Disagreeing,
		Disagreements: []disagreementJSON{}, OtherKinds: r.OtherDisagreements,
		Rules: []ruleCountJSON{}, Rejected: []talkerJSON{}, OtherRejects: r.OtherRejects,
	}
	for _, u := range r.Undecided {
		out.Undecided = append(out.Undecided, undecidedJSON{u.Undecided, u.Reason, u.Count, u.Example, u.Position.String()})
	}
	for i := range r.Disagreements {
		d := &r.Disagreements[i]
		out.Disagreements = append(out.Disagreements, disagreementJSON{
			ENI: d.ENI, ENIName: n.ENIs[d.ENI], Direction: d.Direction, Protocol: d.Protocol, Port: d.Port,
			Verdict: d.Verdict, Reason: d.Reason, Rule: n.Rule(d.Rule), Entry: n.Rule(d.Entry), Count: d.Count, FarEnds: d.FarEnds,
			First: d.First, Last: d.Last, Cause: d.Cause, Change: jsondoc.Time(d.Change),
			Example: d.Example.String(), Place: d.Position.String(), Nearest: n.Near(d.Near),
		})
	}
	for _, f := range r.Rules {
		out.Rules = append(out.Rules, ruleCountJSON{*n.Rule(f.Rule), f.Count})
	}
	for i := range r.Rejected {
		t := &r.Rejected[i]
		out.Rejected = append(out.Rejected, talkerJSON{
			First: t.First.String(), Place: t.Position.String(), Time: t.Time, ENI: t.ENI, ENIName: n.ENIs[t.ENI], Direction: t.Direction,
			Verdict: t.Verdict, Cause: t.Undecided, Reason: t.Reason, Entry: n.Rule(t.Entry), Senders: t.Senders, Count: t.Count, Nearest: n.Near(t.Near),
		})
	}
	return jsondoc.Write(w, out)
}
