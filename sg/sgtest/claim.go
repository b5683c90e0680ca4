package sgtest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// Allows claims that every connection of some traffic can be opened from one end
// to the other: its first packet arrives, and so does the answer. For a range of
// ports, or for all traffic, that is a claim about each port and each protocol. The
// opening side has one port, the next of Linux's ephemeral ones, which is all that network
// ACLs are asked about answers to. It sends nothing, and leaves connections and clock as
// they are.
func (n *Network) Allows(t TB, from, to string, what sg.Traffic) bool {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	bad, err := n.ask(from, to, what, true)
	return verdict(t, bad, err)
}

// Denies claims that no connection of some traffic can be opened from one end to
// the other: no first packet arrives. For a range of ports, or for all traffic,
// that is a claim about each port and each protocol. It sends nothing.
func (n *Network) Denies(t TB, from, to string, what sg.Traffic) bool {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	bad, err := n.ask(from, to, what, false)
	return verdict(t, bad, err)
}

func verdict(t TB, bad *failure, err error) bool {
	t.Helper()
	switch {
	case err != nil:
		t.Fatalf("%v", err)
	case bad != nil:
		t.Errorf("%s", bad)
	default:
		return true
	}
	return false
}

// A failure is a claim that does not hold.
type failure struct {
	claim    string          // what is true instead
	packet   packet.Header   // that decided it
	why      *sg.Explanation // of that packet
	verdict  sg.Verdict      // on it
	others   []string        // further packets with the same verdict
	scenario string          // empty if it would need the connections of programs
}

func (f *failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s", f.claim, indented(f.why.String()))
	if n := len(f.others); n > 0 {
		const few = 5
		more := ""
		if n > few {
			more = fmt.Sprintf(", and %d more", n-few)
		}
		fmt.Fprintf(&b, "The same goes for %s%s.\n", strings.Join(f.others[:min(n, few)], ", "), more)
	}
	if f.scenario != "" {
		fmt.Fprintf(&b, "As a scenario:\n%s", indented(f.scenario))
	}
	return b.String()
}

func indented(s string) string {
	return "    " + strings.ReplaceAll(strings.TrimRight(s, "\n"), "\n", "\n    ") + "\n"
}

// ask tests on a copy of the firewall whether traffic gets through. It returns
// the first connection for which the answer is not want; nil if there is none.
func (n *Network) ask(from, to string, what sg.Traffic, want bool) (*failure, error) {
	a, b, err := n.ends(from, to, what)
	if err != nil {
		return nil, err
	}
	var fw *sg.Firewall
	now := n.Clock.Now()
	var bad *failure
	for _, f := range n.flows(what, a, b) {
		if fw == nil || n.log.limited() { // else what one connection takes would be missing for the next
			n.filter.Do(func(f *sg.Firewall) { fw = f.Clone() })
		}
		var log history
		old := false // connections from before decide
		steps := f.steps(openTCP[:2])
		if !want {
			steps = steps[:1]
		}
		for _, s := range steps {
			h, ok := f.packet(s)
			if !ok {
				break
			}
			p := sg.Packet{Header: &h, Time: now, Via: f.via()}
			why := fw.Explain(p)
			out := fw.Forward(p)
			log.packet(h, p.Via, out, now)
			old = old || out.Reason == sg.TableFull || !s.reply && slices.ContainsFunc(out.Hops(), func(hop sg.Hop) bool { return hop.Decision.Reason == sg.Tracked })
			v := n.verdict(&out, &h, p.Via, s)
			switch {
			case v == sg.NotApplicable:
				return nil, fmt.Errorf("no security group ever sees %s to %s: %s", from, to, out.Reason)
			case v != sg.Unknown && (v == sg.Accept) == want:
				continue
			case bad != nil:
				bad.others = append(bad.others, h.String())
			default:
				past := &history{topo: n.topo, opts: n.opts}
				if old {
					past = n.log.between(&h)
				}
				bad = &failure{claim: claim(from, to, what, v, s.reply), packet: h, why: why, verdict: v, scenario: past.with(log.events).String()}
			}
			break
		}
	}
	return bad, nil
}

// verdict returns the verdict on a packet from end to end. It is unknown if only one end
// has accepted: a request to a public address of an interface, or a packet from or to an
// address of which nobody knows whose it is.
func (n *Network) verdict(o *sg.Outcome, h *packet.Header, via sg.Via, s step) sg.Verdict {
	ends := 0
	for _, hop := range o.Hops() {
		if hop.Decision.Rule.ACL() == "" {
			ends++
		}
	}
	shared := via.VPC == "" && ends < 2 && (n.isShared(h.SrcAddr()) || n.isShared(h.DstAddr()))
	public := !s.reply && slices.ContainsFunc(n.topo.ENIs, func(e sg.ENI) bool { return slices.Contains(e.Public, h.DstAddr()) })
	if o.Verdict == sg.Accept && (shared || public) {
		return sg.Unknown
	}
	return o.Verdict
}

func claim(from, to string, what sg.Traffic, v sg.Verdict, reply bool) string {
	switch {
	case v == sg.Unknown:
		return fmt.Sprintf("it is not known whether %s reaches %s with %s", from, to, what)
	case v == sg.Accept:
		return fmt.Sprintf("%s reaches %s with %s, and should not", from, to, what)
	case reply:
		return fmt.Sprintf("%s reaches %s with %s, but the answer does not come back", from, to, what)
	}
	return fmt.Sprintf("%s does not reach %s with %s", from, to, what)
}
