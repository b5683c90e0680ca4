package replay

import (
	"io"
	"time"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

type countJSON struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

type reasonJSON struct {
	Verdict sg.Verdict `json:"verdict"`
	Reason  sg.Reason  `json:"reason"`
	countJSON
}

type reportJSON struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"` // packets
	countJSON
	First *time.Time `json:"first,omitempty"`
	Last  *time.Time `json:"last,omitempty"`

	Reasons     []reasonJSON `json:"reasons"`
	Connections uint64       `json:"connections"`
	Peak        uint64       `json:"peak_entries"`
	PeakTime    *time.Time   `json:"peak_time,omitempty"`
	Fragments   uint64       `json:"fragments"`

	Late    uint64    `json:"late"`
	Steps   uint64    `json:"steps"`
	Stray   uint64    `json:"stray"`
	Doubles countJSON `json:"doubles"`

	Copies    copiesJSON    `json:"copies"`
	Midstream midstreamJSON `json:"midstream"`
	Rules     []hitsJSON    `json:"rules"`
	ACLs      []hitsJSON    `json:"acl_entries"`
	Talkers   []talkerJSON  `json:"talkers"`
	Others    countJSON     `json:"other_drops"`
}

type copiesJSON struct {
	Unwrapped uint64      `json:"unwrapped"`
	Placed    uint64      `json:"placed"`
	Closed    uint64      `json:"closed"`
	Doubles   countJSON   `json:"doubles"`
	Inbound   inboundJSON `json:"inbound"`
}

type inboundJSON struct {
	Accepted uint64 `json:"accepted"`
	Dropped  uint64 `json:"dropped"`
	Unknown  uint64 `json:"unknown"`
}

type midstreamJSON struct {
	Open           uint64    `json:"open"`
	OpenDropped    countJSON `json:"open_dropped"`
	Swapped        uint64    `json:"swapped"`
	SwappedDropped countJSON `json:"swapped_dropped"`
	RefusedDropped countJSON `json:"refused_dropped"`
	Ended          uint64    `json:"ended"`
	EndedDropped   countJSON `json:"ended_dropped"`
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
	Time      time.Time     `json:"time"`
	ENI       sg.ENIID      `json:"eni"`
	ENIName   string        `json:"eni_name,omitempty"`
	Direction sg.Direction  `json:"direction"`
	Reason    sg.Reason     `json:"reason"`
	Refused   bool          `json:"refused,omitempty"`
	Entry     *jsondoc.Rule `json:"entry,omitempty"`
	countJSON
	Nearest []jsondoc.Near `json:"nearest,omitempty"`
}

// WriteJSON writes the report for programs, as one object. JSON.md beside the command
// describes it.
func (r *Report) WriteJSON(w io.Writer, o TextOptions) error {
	n := o.jsonNames()
	out := reportJSON{
		Version: jsondoc.Version, Kind: "packets", countJSON: countJSON(r.Count), First: jsondoc.Time(r.First), Last: jsondoc.Time(r.Last),
		Reasons: []reasonJSON{}, Connections: r.Connections, Peak: r.Peak, PeakTime: jsondoc.Time(r.PeakTime), Fragments: r.Fragments,
		Late: r.Disorder.Late, Steps: r.Disorder.Steps, Stray: r.Disorder.Stray, Doubles: countJSON(r.Doubles),
		Copies: copiesJSON{r.Copies.Unwrapped, r.Copies.Placed, r.Copies.Closed, countJSON(r.Copies.Doubles), inboundJSON(r.Copies.Inbound)},
		Midstream: midstreamJSON{
			r.Midstream.Open, countJSON(r.Midstream.OpenDropped), r.Midstream.Swapped, countJSON(r.Midstream.SwappedDropped),
			countJSON(r.Midstream.RefusedDropped), r.Midstream.Ended, countJSON(r.Midstream.EndedDropped),
		},
		Rules: hitsOf(n, r.Rules), ACLs: hitsOf(n, r.ACLEntries), Talkers: []talkerJSON{}, Others: countJSON(r.OtherDrops),
	}
	for _, c := range r.Reasons {
		out.Reasons = append(out.Reasons, reasonJSON{c.Verdict, c.Reason, countJSON(c.Count)})
	}
	for i := range r.Talkers {
		t := &r.Talkers[i]
		out.Talkers = append(out.Talkers, talkerJSON{
			First: t.First.String(), Number: t.Number, Time: t.Time, ENI: t.ENI, ENIName: n.ENIs[t.ENI], Direction: t.Direction,
			Reason: t.Reason, Refused: t.Refused, Entry: n.Rule(t.Entry), countJSON: countJSON(t.Count), Nearest: n.Near(t.Near),
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

// jsonNames are the names to show.
func (o *TextOptions) jsonNames() jsondoc.Names {
	return jsondoc.Names{Names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}}
}
