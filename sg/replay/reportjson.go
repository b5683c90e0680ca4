package replay

import (
	"io"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

type reportJSON struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"` // packets
	Count
	First *time.Time `json:"first,omitempty"`
	Last  *time.Time `json:"last,omitempty"`

	Reasons     []ReasonCount `json:"reasons"`
	Connections uint64        `json:"connections"`
	Peak        uint64        `json:"peak_entries"`
	PeakTime    *time.Time    `json:"peak_time,omitempty"`
	Fragments   uint64        `json:"fragments"`

	Late    uint64 `json:"late"`
	Steps   uint64 `json:"steps"`
	Stray   uint64 `json:"stray"`
	Doubles Count  `json:"doubles"`

	Copies    Copies       `json:"copies"`
	Midstream Midstream    `json:"midstream"`
	Rules     []hitsJSON   `json:"rules"`
	ACLs      []hitsJSON   `json:"acl_entries"`
	Talkers   []talkerJSON `json:"talkers"`
	Others    Count        `json:"other_drops"`
}

type hitsJSON struct {
	jsondoc.Rule
	Admitted uint64 `json:"admitted"`
	Carried  uint64 `json:"carried"`
	Never    string `json:"never,omitempty"`
}

type talkerJSON struct {
	First     string        `json:"first"`
	Number    uint64        `json:"number"`
	Time      time.Time     `json:"time,omitzero"`
	ENI       sg.ENIID      `json:"eni"`
	ENIName   string        `json:"eni_name,omitempty"`
	Direction sg.Direction  `json:"direction"`
	Reason    sg.Reason     `json:"reason"`
	Refused   bool          `json:"refused,omitempty"`
	Entry     *jsondoc.Rule `json:"entry,omitempty"`
	Senders   int           `json:"senders"`
	Count
	Nearest []jsondoc.Near `json:"nearest,omitempty"`
}

// WriteJSON writes the report for programs, as one object. JSON.md beside the command
// describes it.
func (r *Report) WriteJSON(w io.Writer, o TextOptions) error {
	n := jsondoc.Names{Names: o.names()}
	out := reportJSON{
		Version: jsondoc.Version, Kind: "packets", Count: r.Count, First: jsondoc.Time(r.First), Last: jsondoc.Time(r.Last),
		Reasons: append([]ReasonCount{}, r.Reasons...), Connections: r.Connections, Peak: r.Peak, PeakTime: jsondoc.Time(r.PeakTime), Fragments: r.Fragments,
		Late: r.Disorder.Late, Steps: r.Disorder.Steps, Stray: r.Disorder.Stray, Doubles: r.Doubles,
		Copies: r.Copies, Midstream: r.Midstream,
		Rules: hitsOf(n, r.Rules), ACLs: hitsOf(n, r.ACLEntries), Talkers: []talkerJSON{}, Others: r.OtherDrops,
	}
	for i := range r.Talkers {
		t := &r.Talkers[i]
		out.Talkers = append(out.Talkers, talkerJSON{
			First: t.First.String(), Number: t.Number, Time: t.Time, ENI: t.ENI, ENIName: n.ENIs[t.ENI], Direction: t.Direction,
			Reason: t.Reason, Refused: t.Refused, Entry: n.Rule(t.Entry), Senders: t.Senders, Count: t.Count, Nearest: n.Near(t.Near),
		})
	}
	return jsondoc.Write(w, out)
}

func hitsOf(n jsondoc.Names, all []RuleHits) []hitsJSON {
	out := []hitsJSON{}
	for _, h := range all {
		out = append(out, hitsJSON{*n.Rule(h.Rule), h.Admitted, h.Carried, h.Never})
	}
	return out
}
