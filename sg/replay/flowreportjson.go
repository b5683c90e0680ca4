package replay

import (
	"io"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

type flowCountJSON struct {
	Records uint64 `json:"records"`
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

type flowReportJSON struct {
	Version int        `json:"version"`
	Kind    string     `json:"kind"` // records
	First   *time.Time `json:"first,omitempty"`
	Last    *time.Time `json:"last,omitempty"`

	Records       int           `json:"records"`
	Damaged       int           `json:"damaged"`
	Accepted      flowCountJSON `json:"accepted"`
	Dropped       flowCountJSON `json:"dropped"`
	Unknown       flowCountJSON `json:"unknown"`
	NotApplicable flowCountJSON `json:"not_applicable"`

	Undecided     []undecidedJSON    `json:"undecided"`
	Agreeing      flowCountJSON      `json:"agreeing"`
	Disagreeing   flowCountJSON      `json:"disagreeing"`
	Disagreements []disagreementJSON `json:"disagreements"`
	OtherKinds    flowCountJSON      `json:"other_disagreements"`
	Rules         []ruleFlowJSON     `json:"rules"`
	Rejected      []flowTalkerJSON   `json:"rejected"`
	OtherRejects  flowCountJSON      `json:"other_rejects"`
}

type undecidedJSON struct {
	Cause  string `json:"cause"`
	Reason string `json:"reason,omitempty"`
	flowCountJSON
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
	flowCountJSON
	FarEnds int            `json:"far_ends,omitempty"`
	First   time.Time      `json:"first"`
	Last    time.Time      `json:"last"`
	Cause   string         `json:"cause"`
	Change  *time.Time     `json:"change,omitempty"`
	Example string         `json:"example"`
	Place   string         `json:"place"`
	Nearest []jsondoc.Near `json:"nearest,omitempty"`
}

type ruleFlowJSON struct {
	jsondoc.Rule
	flowCountJSON
}

type flowTalkerJSON struct {
	First     string       `json:"first"`
	Place     string       `json:"place"`
	Time      time.Time    `json:"time"`
	ENI       sg.ENIID     `json:"eni"`
	ENIName   string       `json:"eni_name,omitempty"`
	Direction sg.Direction `json:"direction"`
	Verdict   sg.Verdict   `json:"verdict"`
	Cause     string       `json:"cause,omitempty"`
	Reason    sg.Reason    `json:"reason"`
	flowCountJSON
	Nearest []jsondoc.Near `json:"nearest,omitempty"`
}

// WriteJSON writes the report for programs, as one object. JSON.md beside the command
// describes it.
func (r *FlowReport) WriteJSON(w io.Writer, o TextOptions) error {
	n := o.jsonNames()
	out := flowReportJSON{
		Version: jsondoc.Version, Kind: "records", First: jsondoc.Time(r.First), Last: jsondoc.Time(r.Last), Records: r.Log.Records, Damaged: r.Log.Damaged,
		Accepted: flowCountJSON(r.Accepted), Dropped: flowCountJSON(r.Dropped), Unknown: flowCountJSON(r.Unknown), NotApplicable: flowCountJSON(r.NotApplicable),
		Undecided: []undecidedJSON{}, Agreeing: flowCountJSON(r.Agreeing), Disagreeing: flowCountJSON(r.Disagreeing),
		Disagreements: []disagreementJSON{}, OtherKinds: flowCountJSON(r.OtherDisagreements),
		Rules: []ruleFlowJSON{}, Rejected: []flowTalkerJSON{}, OtherRejects: flowCountJSON(r.OtherRejects),
	}
	for _, u := range r.Undecided {
		out.Undecided = append(out.Undecided, undecidedJSON{u.Undecided.String(), u.Reason.String(), flowCountJSON(u.FlowCount)})
	}
	for i := range r.Disagreements {
		d := &r.Disagreements[i]
		out.Disagreements = append(out.Disagreements, disagreementJSON{
			ENI: d.ENI, ENIName: n.ENIs[d.ENI], Direction: d.Direction, Protocol: d.Protocol, Port: d.Port,
			Verdict: d.Verdict, Reason: d.Reason, Rule: n.Rule(d.Rule), flowCountJSON: flowCountJSON(d.FlowCount), FarEnds: d.FarEnds,
			First: d.First, Last: d.Last, Cause: d.Cause.String(), Change: jsondoc.Time(d.Change),
			Example: d.Example.String(), Place: d.Position.String(), Nearest: n.Near(d.Near),
		})
	}
	for _, f := range r.Rules {
		out.Rules = append(out.Rules, ruleFlowJSON{*n.Rule(f.Rule), flowCountJSON(f.FlowCount)})
	}
	for i := range r.Rejected {
		t := &r.Rejected[i]
		out.Rejected = append(out.Rejected, flowTalkerJSON{
			First: t.First.String(), Place: t.Position.String(), Time: t.Time, ENI: t.ENI, ENIName: n.ENIs[t.ENI], Direction: t.Direction,
			Verdict: t.Verdict, Cause: t.Undecided.String(), Reason: t.Reason, flowCountJSON: flowCountJSON(t.FlowCount), Nearest: n.Near(t.Near),
		})
	}
	return jsondoc.Write(w, out)
}
