package main

import (
	"io"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

type explainJSON struct {
	Version int          `json:"version"`
	Packets []packetJSON `json:"packets"`
}

type packetJSON struct {
	Packet  string    `json:"packet"`
	Number  uint64    `json:"number,omitempty"`
	Time    string    `json:"time,omitempty"`
	Via     string    `json:"via,omitempty"`
	Verdict string    `json:"verdict"`
	Reason  string    `json:"reason"`
	Notes   []string  `json:"notes,omitempty"`
	Hops    []hopJSON `json:"hops"`
	Beyond  *hopJSON  `json:"beyond,omitempty"`
}

type hopJSON struct {
	ENI        sg.ENIID        `json:"eni"`
	ENIName    string          `json:"eni_name,omitempty"`
	Direction  string          `json:"direction"`
	Verdict    string          `json:"verdict"`
	Reason     string          `json:"reason"`
	Groups     []groupJSON     `json:"groups"`
	Connection *connJSON       `json:"connection,omitempty"`
	Rule       *ruleJSON       `json:"rule,omitempty"`
	Match      *matchJSON      `json:"match,omitempty"`
	Nearest    []nearJSON      `json:"nearest,omitempty"`
	ACL        sg.NetworkACLID `json:"acl,omitempty"`
	Passed     []nearJSON      `json:"passed,omitempty"`
	Hints      []string        `json:"hints,omitempty"`
}

type groupJSON struct {
	Group     sg.GroupID `json:"group"`
	GroupName string     `json:"group_name,omitempty"`
}

type ruleJSON struct {
	groupJSON
	Direction string `json:"direction"`
	Index     int    `json:"index"`
	Rule      string `json:"rule"`
	RuleText  string `json:"rule_text"`

	ACL sg.NetworkACLID `json:"acl,omitempty"`
}

type connJSON struct {
	Connection string    `json:"connection"`
	State      string    `json:"state"`
	Remaining  float64   `json:"remaining_s"`
	Reply      bool      `json:"reply"`
	Quoted     bool      `json:"quoted,omitempty"`
	Rule       *ruleJSON `json:"rule,omitempty"`
}

type matchJSON struct {
	ruleJSON
	CIDR       string          `json:"cidr,omitempty"`
	PrefixList sg.PrefixListID `json:"prefix_list,omitempty"`
	Member     sg.ENIID        `json:"member,omitempty"`
}

type nearJSON struct {
	ruleJSON
	Fails []failJSON `json:"fails"`
}

type failJSON struct {
	Field string `json:"field"`
	Want  string `json:"want"`
	Got   string `json:"got"`
	Why   string `json:"why,omitempty"`
}

// json writes the explanations for programs.
func (e *explainer) json(w io.Writer) error {
	all := explainJSON{Version: jsonVersion, Packets: []packetJSON{}}
	for _, x := range e.said {
		p := packetJSON{
			Packet: x.Header.String(), Number: e.number, Via: x.Via.String(),
			Verdict: x.Verdict.String(), Reason: x.Reason.String(), Notes: x.Notes, Hops: []hopJSON{},
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
	return writeJSON(w, all)
}

func (e *explainer) hopJSON(hop *sg.HopExplanation) hopJSON {
	eni := hop.Enforcer.ID()
	j := hopJSON{
		ENI: eni, ENIName: e.names.ENIs[eni], Direction: hop.Direction.String(),
		Verdict: hop.Decision.Verdict.String(), Reason: hop.Decision.Reason.String(),
		Groups: []groupJSON{}, Hints: hop.Hints,
	}
	for _, g := range hop.Groups {
		j.Groups = append(j.Groups, e.names.group(g))
	}
	if c := hop.Conn; c != nil {
		j.Connection = &connJSON{
			Connection: c.Tuple.String(), State: c.State.String(), Remaining: c.Remaining.Seconds(),
			Reply: c.Dir == conntrack.Reply, Quoted: c.Quoted, Rule: e.names.ruleJSON(c.Rule),
		}
	}
	j.Rule = e.names.ruleJSON(hop.Decision.Rule)
	if m := &hop.Match; !m.Rule.IsZero() {
		j.Match = &matchJSON{ruleJSON: *e.names.ruleJSON(m.Rule), PrefixList: m.PrefixList, Member: m.Member}
		if m.CIDR != (netip.Prefix{}) {
			j.Match.CIDR = m.CIDR.String()
		}
	}
	j.ACL, j.Nearest, j.Passed = hop.Decision.Rule.ACL(), e.names.near(hop.Near), e.names.near(hop.Passed)
	return j
}
