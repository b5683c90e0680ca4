package sgtest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// A history is what happened to a network; a failure makes a scenario from it.
type history struct {
	topo   *sg.Topology // at the start
	opts   sg.Options
	events []event
	number int // of the last event, including those of trails
	swaps  int // changes so far
}

// An event is a packet, or a change if topo is not nil.
type event struct {
	number int // in order
	at     time.Time
	h      packet.Header
	via    sg.Via
	out    sg.Outcome
	topo   *sg.Topology // from now on; never changed
}

func newHistory(topo *sg.Topology, opts sg.Options) history {
	return history{topo: topotext.Clone(topo), opts: opts}
}

func (l *history) packet(h packet.Header, via sg.Via, out sg.Outcome, at time.Time) {
	l.number++
	l.events = append(l.events, event{number: l.number, at: at, h: h, via: via, out: out})
}

func (l *history) change(topo *sg.Topology, at time.Time) {
	l.number++
	l.swaps++
	l.events = append(l.events, event{number: l.number, at: at, topo: topotext.Clone(topo)})
}

// between returns the part that matters to the connection of a request: its packets
// and all changes. Other connections matter only if they use up a maximum. It returns nil
// if some of those were opened by programs, since not all that these sent is kept.
func (l *history) between(request *packet.Header) *history {
	if l.limited() && l.number > len(l.events) {
		return nil
	} else if l.limited() {
		return &history{topo: l.topo, opts: l.opts, events: l.events}
	}
	ends := [2][16]byte{request.Src, request.Dst}
	part := &history{topo: l.topo, opts: l.opts}
	for _, e := range l.events {
		same := ends == [2][16]byte{e.h.Src, e.h.Dst} || ends == [2][16]byte{e.h.Dst, e.h.Src}
		ports := e.h.SrcPort == request.SrcPort || e.h.DstPort == request.SrcPort
		if e.topo != nil || same && ports {
			part.events = append(part.events, e)
		}
	}
	return part
}

// limited reports whether connections have a maximum.
func (l *history) limited() bool {
	return l.opts.MaxConnections != 0 || len(l.opts.InstanceMax) != 0
}

// with adds events to the end of a part.
func (l *history) with(events []event) *history {
	if l != nil {
		l.events = append(slices.Clip(l.events), events...)
	}
	return l
}

// String returns the text of a scenario that shows the same, with the part of the
// topology that matters to its packets; "" for nil.
func (l *history) String() string {
	if l == nil {
		return ""
	}
	start, events := l.topo, l.events
	for len(events) > 0 && events[0].topo != nil {
		start, events = events[0].topo, events[1:] // nothing was sent before
	}
	for len(events) > 0 && events[len(events)-1].topo != nil {
		events = events[:len(events)-1]
	}
	small := newPruner()
	for i := range events {
		if e := &events[i]; e.topo == nil {
			small.addrs[e.h.SrcAddr()], small.addrs[e.h.DstAddr()] = true, true
		}
	}
	small.note(start)
	for i := range events {
		if events[i].topo != nil {
			small.note(events[i].topo)
		}
	}
	topo, files := small.prune(start), ""
	trace := NewTrace(topo, &l.opts)
	for i := range events {
		e := &events[i]
		at := max(0, e.at.Sub(events[0].at))
		if e.topo == nil {
			trace.Forward(at, e.via, &e.h, &e.out)
			continue
		}
		next := small.prune(e.topo)
		said := oneChange(topo, next)
		if said == "" && FormatTopology(topo) == FormatTopology(next) {
			continue // about something that does not matter
		}
		if said == "" || l.opts.OnChange == sg.ChangeFlush { // which a swap does everywhere
			said = fmt.Sprintf("swap change%d", i)
			files += fmt.Sprintf("-- change%d --\n%s", i, FormatTopology(next))
		}
		trace.Change(at, said)
		topo = next
	}
	return trace.String() + files
}

// oneChange returns the statement that turns a into b; "" if it takes several.
func oneChange(a, b *sg.Topology) string {
	a, b = topotext.Clone(a), topotext.Clone(b)
	if len(a.ENIs) != len(b.ENIs) || len(a.Groups) != len(b.Groups) {
		return ""
	}
	var said []string
	for i := range a.ENIs {
		x, y := &a.ENIs[i], &b.ENIs[i]
		if x.ID == y.ID && !slices.Equal(x.Groups, y.Groups) && !slices.ContainsFunc(y.Groups, lacks(b)) {
			s := "setgroups " + words.Quote(string(y.ID))
			for _, g := range y.Groups {
				s += " " + words.Quote(string(g))
			}
			said = append(said, s)
			x.Groups = y.Groups
		}
	}
	for i := range a.Groups {
		x, y := &a.Groups[i], &b.Groups[i]
		for _, dir := range []sg.Direction{sg.Ingress, sg.Egress} {
			was, is := topotext.RulesOf(x, dir), topotext.RulesOf(y, dir)
			say := func(verb string, rules, but []sg.Rule) {
				for _, r := range rules {
					if !slices.Contains(but, r) {
						said = append(said, fmt.Sprintf("%s %s %s %s", verb, words.Quote(string(x.ID)), dir, r))
					}
				}
			}
			say("revoke", *was, *is)
			say("authorize", *is, *was)
			*was = inOrder(*was, *is)
		}
	}
	if len(said) != 1 || !reflect.DeepEqual(a, b) {
		return ""
	}
	return said[0]
}

// inOrder returns the rules of is in the order in which revoking and authorizing one of
// them leaves them.
func inOrder(was, is []sg.Rule) []sg.Rule {
	var rules []sg.Rule
	for _, r := range slices.Concat(was, is) {
		if slices.Contains(is, r) && !slices.Contains(rules, r) {
			rules = append(rules, r)
		}
	}
	return rules
}

// lacks returns a test for groups that are not in the topology.
func lacks(t *sg.Topology) func(sg.GroupID) bool {
	return func(id sg.GroupID) bool {
		return !slices.ContainsFunc(t.Groups, func(g sg.Group) bool { return g.ID == id })
	}
}
