package main

import (
	"io"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

type explainJSON struct {
	Version int          `json:"version"`
	Packets []packetJSON `json:"packets"`
}

type packetJSON struct {
	Packet     string    `json:"packet"`
	Number     uint64    `json:"number,omitempty"`
	Time       string    `json:"time,omitempty"`
	Via        string    `json:"via,omitempty"`
	Verdict    string    `json:"verdict"`
	Reason     string    `json:"reason"`
	Unanswered bool      `json:"unanswered,omitempty"`
	Notes      []string  `json:"notes,omitempty"`
	Hops       []hopJSON `json:"hops"`
	Beyond     *hopJSON  `json:"beyond,omitempty"`
}

type hopJSON struct {
	ENI        sg.ENIID        `json:"eni"`
	ENIName    string          `json:"eni_name,omitempty"`
	Direction  string          `json:"direction"`
	Verdict    string          `json:"verdict"`
	Reason     string          `json:"reason"`
	Groups     []jsondoc.Group `json:"groups"`
	Connection *connJSON       `json:"connection,omitempty"`
	Rule       *jsondoc.Rule   `json:"rule,omitempty"`
	Match      *matchJSON      `json:"match,omitempty"`
	Nearest    []jsondoc.Near  `json:"nearest,omitempty"`
	ACL        sg.NetworkACLID `json:"acl,omitempty"`
	Passed     []jsondoc.Near  `json:"passed,omitempty"`
	Hints      []string        `json:"hints,omitempty"`
}

type connJSON struct {
	Connection string        `json:"connection"`
	State      string        `json:"state"`
	Remaining  float64       `json:"remaining_s"`
	Reply      bool          `json:"reply"`
	Quoted     bool          `json:"quoted,omitempty"`
	Rule       *jsondoc.Rule `json:"rule,omitempty"`
}

type matchJSON struct {
	jsondoc.Rule
	CIDR       string          `json:"cidr,omitempty"`
	PrefixList sg.PrefixListID `json:"prefix_list,omitempty"`
	Member     sg.ENIID        `json:"member,omitempty"`
	Through    bool            `json:"through,omitempty"`
}

// json writes the explanations for programs.
func (e *explainer) json(w io.Writer) error {
	all := explainJSON{Version: jsondoc.Version, Packets: []packetJSON{}}
	for _, x := range e.said {
		p := packetJSON{
			Packet: x.Header.String(), Number: e.number, Via: x.Via.String(),
			Verdict: x.Verdict.String(), Reason: x.Reason.String(), Unanswered: x.Unanswered, Notes: x.Notes, Hops: []hopJSON{},
		}
		if e.number > 0 && !x.Time.IsZero() {
			p.Time = x.Time.UTC().Format(time.RFC3339Nano)
		}
		for i := range x.Hops {
			p.Hops = append(p.Hops, e.hopJSON(&x.Hops[i]))
		}
		if x.Beyond != nil {
			beyond := e.hopJSON(x.Beyond)
			p.Beyond = &beyond
		}
		all.Packets = append(all.Packets, p)
	}
	return jsondoc.Write(w, all)
}

func (e *explainer) hopJSON(hop *sg.HopExplanation) hopJSON {
	eni := hop.Enforcer.ID()
	j := hopJSON{
		ENI: eni, ENIName: e.names.ENIs[eni], Direction: hop.Direction.String(),
		Verdict: hop.Decision.Verdict.String(), Reason: hop.Decision.Reason.String(),
		Groups: []jsondoc.Group{}, Hints: hop.Hints,
	}
	for _, g := range hop.Groups {
		j.Groups = append(j.Groups, e.names.Group(g))
	}
	if c := hop.Conn; c != nil {
		j.Connection = &connJSON{
			Connection: c.Tuple.String(), State: c.State.String(), Remaining: c.Remaining.Seconds(),
			Reply: c.Dir == conntrack.Reply, Quoted: c.Quoted, Rule: e.names.Rule(c.Rule),
		}
	}
	j.Rule = e.names.Rule(hop.Decision.Rule)
	if m := &hop.Match; !m.Rule.IsZero() {
		j.Match = &matchJSON{Rule: *e.names.Rule(m.Rule), PrefixList: m.PrefixList, Member: m.Member, Through: m.Through}
		if m.CIDR != (netip.Prefix{}) {
			j.Match.CIDR = m.CIDR.String()
		}
	}
	j.ACL, j.Nearest, j.Passed = hop.Decision.Rule.ACL(), e.names.Near(hop.Near), e.names.Near(hop.Passed)
	return j
}
