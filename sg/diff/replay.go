package diff

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/replay"
)

// ReplayOptions say how captures meet a change. The zero ReplayOptions, like nil, mean
// that the one policy is in force from the start, and so is the other.
type ReplayOptions struct {
	// At is when the second policy takes the place of the first one, on the clock of
	// the captures: from the first packet on that is not before At. Connections are
	// open then, and some live on. With the zero Time it does so before any packet. When
	// each connection began is remembered up to then, 50 bytes for each.
	At time.Time

	// Before and After are how packets are judged, of which the observers are not
	// used. They differ where two configurations are compared over one policy.
	Before, After sg.Options

	// Via, Workers and Progress are those of [replay.Options]. Workers judge by the
	// first policy; what comes out is the same for any number of them.
	Via      sg.Via
	Workers  int
	Progress func(packets, bytes uint64)
}

// Traffic is what a change does to captured traffic.
type Traffic struct {
	Report *replay.Report // of the first policy

	// Flows are the connections that fare differently, by talker, the most packets
	// first, then the earliest.
	Flows []Flow

	// Kept are the connections that were open at [ReplayOptions.At] though the second
	// policy would not open them, by interface and tuple. They pass because they are
	// tracked (CT-20). Ended are those that the change itself ended: by their end or
	// by that of their interface (CT-25). Untracked ones are among Flows, with Died.
	Kept, Ended []Kept
}

// A Flow is packets of one sender and its peer that one policy lets pass and the other
// does not, for one rule and one reason. Replies count with the packets that they answer.
type Flow struct {
	Src, Dst netip.Addr
	Protocol packet.Protocol

	// Before and After are what becomes of First by the two policies: verdict, reason,
	// and the rule of the last interface that judged it, where one had a part.
	Before, After Fate

	// First is the first packet, with its number in the replay and the time at which it
	// was judged.
	First  packet.Header
	Number uint64
	Time   time.Time

	Packets     uint64
	Connections uint64 // different five-tuples

	// Died is set where First is not the first packet of its connection: the policies
	// had let it pass both until then.
	Died bool
}

// A Fate is what becomes of a packet, and where that is decided.
type Fate struct {
	Verdict   sg.Verdict
	Reason    sg.Reason
	ENI       sg.ENIID // the last one that judged the packet; "" if none did
	Direction sg.Direction
	Rule      sg.RuleRef
}

// Opens and Breaks are as those of [Change].
func (f *Flow) Opens() bool  { return f.Before.Verdict == sg.Drop && f.After.Verdict == sg.Accept }
func (f *Flow) Breaks() bool { return f.Before.Verdict == sg.Accept && f.After.Verdict == sg.Drop }

// A Kept is a tracked connection at an interface when the policy changes.
type Kept struct {
	ENI       sg.ENIID
	Direction sg.Direction     // of its first packet
	Tuple     packet.FiveTuple // of that packet
	Rule      sg.RuleRef       // that admitted it, of the first policy

	Since   time.Time // of its first packet
	Expires time.Time // dead from then on if nothing more comes, as it stands when the captures end
	Closed  bool      // it was over before the captures ended
}

// Replay runs captures through two policies in one pass and returns where they part. It
// ends as [replay.Run] does; the Traffic is never nil and tells of the packets up to
// there.
//
// The captures must tell by their addresses where packets are judged.
func Replay(ctx context.Context, before, after *sg.Policy, o *ReplayOptions, captures ...replay.Source) (*Traffic, error) {
	if o == nil {
		o = &ReplayOptions{}
	}
	opts := o.After
	opts.Observer = nil
	r := &replayer{o: o, after: after, flows: map[flowKey]*Flow{}, conns: map[packet.FiveTuple]*Flow{}, passed: map[packet.FiveTuple]time.Time{}}
	if o.At.IsZero() {
		r.fw, r.changed = sg.NewFirewall(after, &opts), true
	} else {
		r.fw = sg.NewFirewall(before, &opts)
	}
	first := o.Before
	first.Observer = nil
	report, err := replay.Run(ctx, before, &replay.Options{Firewall: first, Observer: r, Workers: o.Workers, Via: o.Via, Progress: o.Progress}, captures...)
	return r.traffic(report), err
}

// A replayer is the second firewall, which sees the packets of the first one.
type replayer struct {
	o       *ReplayOptions
	after   *sg.Policy
	fw      *sg.Firewall
	changed bool
	last    time.Time

	flows  map[flowKey]*Flow
	conns  map[packet.FiveTuple]*Flow     // by five-tuples of both directions: those that fare differently
	passed map[packet.FiveTuple]time.Time // first packets of connections before the change
	kept   []Kept
	ended  []Kept
}

// A flowKey is what the packets of a [Flow] have in common.
type flowKey struct {
	src, dst      netip.Addr
	protocol      packet.Protocol
	before, after Fate
	died          bool
}

// Observe implements replay.Observer.
func (r *replayer) Observe(p *replay.Packet) error {
	f := p.Frame
	r.last = p.Time
	if !r.changed && !p.Time.Before(r.o.At) {
		r.change(p.Time)
	}
	outcome := r.fw.Forward(sg.Packet{Header: &f.Header, Time: p.Time, Via: r.o.Via, Err: f.Err})
	tuple := f.Header.Tuple()
	if !r.changed && outcome.Verdict == sg.Accept {
		if _, again := r.passed[tuple]; !again {
			if _, reply := r.passed[tuple.Reverse()]; !reply {
				r.passed[tuple] = p.Time
			}
		}
	}
	if outcome.Verdict == p.Outcome.Verdict {
		return nil
	}
	flow := r.conns[tuple]
	if flow == nil {
		flow = r.flow(p, tuple, &outcome)
		flow.Connections++
		r.conns[tuple], r.conns[tuple.Reverse()] = flow, flow
	}
	flow.Packets++
	return nil
}

// flow returns the flow that a packet is the first one of a connection in.
func (r *replayer) flow(p *replay.Packet, tuple packet.FiveTuple, after *sg.Outcome) *Flow {
	h := &p.Frame.Header
	k := flowKey{src: h.SrcAddr(), dst: h.DstAddr(), protocol: h.Protocol, before: fateOf(&p.Outcome), after: fateOf(after)}
	for _, t := range [...]packet.FiveTuple{tuple, tuple.Reverse()} {
		if _, open := r.passed[t]; open {
			k.died = true
		}
	}
	f := r.flows[k]
	if f == nil {
		f = &Flow{
			Src: k.src, Dst: k.dst, Protocol: k.protocol, Before: k.before, After: k.after, Died: k.died,
			First: *h, Number: p.Number, Time: p.Time,
		}
		r.flows[k] = f
	}
	return f
}

// fateOf returns what an outcome says.
func fateOf(o *sg.Outcome) Fate {
	f := Fate{Verdict: o.Verdict, Reason: o.Reason}
	if hops := o.Hops(); len(hops) > 0 {
		last := &hops[len(hops)-1]
		f.ENI, f.Direction, f.Rule = last.Enforcer.ID(), last.Direction, last.Decision.Rule
	}
	return f
}

// change puts the second policy in force, and notes what becomes of the connections.
func (r *replayer) change(now time.Time) {
	r.changed = true
	open := slices.Collect(r.fw.Conns(now))
	r.fw.Swap(r.after, now)
	type place struct {
		eni   sg.ENIID
		tuple packet.FiveTuple
	}
	opts := r.o.After
	opts.Observer = nil
	fresh, live := sg.NewFirewall(r.after, &opts), map[place]bool{}
	for c := range r.fw.Conns(now) {
		live[place{c.Enforcer.ID(), c.Tuple}] = true
	}
	for _, c := range open {
		k := Kept{ENI: c.Enforcer.ID(), Direction: c.Rule.Direction(), Tuple: c.Tuple, Rule: c.Rule, Since: r.passed[c.Tuple], Expires: c.Expires}
		if !live[place{k.ENI, k.Tuple}] {
			r.ended = append(r.ended, k)
			continue
		}
		if c.Rule.IsZero() {
			continue // it was not known whether it would be admitted
		}
		h := firstOf(k.Tuple)
		if x := fresh.ENI(k.ENI).Explain(k.Direction, sg.Packet{Header: &h, Time: now, Via: r.o.Via}); x.Verdict != sg.Accept {
			r.kept = append(r.kept, k)
		}
	}
}

// firstOf returns the first packet of a connection.
func firstOf(t packet.FiveTuple) packet.Header {
	s := Service{Protocol: t.Protocol, First: t.DstPort}
	if typ, code, _ := t.ICMP(); t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6 {
		s.First = uint16(typ)<<8 | uint16(code)
	}
	return s.packet(t.SrcAddr(), t.DstAddr())
}

func (r *replayer) traffic(report *replay.Report) *Traffic {
	t := &Traffic{Report: report, Kept: r.kept, Ended: r.ended}
	for _, f := range r.flows {
		t.Flows = append(t.Flows, *f)
	}
	slices.SortFunc(t.Flows, func(a, b Flow) int { return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(a.Number, b.Number)) })
	if len(t.Kept) > 0 {
		expires := map[sg.ENIID]map[packet.FiveTuple]time.Time{}
		for c := range r.fw.Conns(r.last) {
			id := c.Enforcer.ID()
			if expires[id] == nil {
				expires[id] = map[packet.FiveTuple]time.Time{}
			}
			expires[id][c.Tuple] = c.Expires
		}
		for i := range t.Kept {
			k := &t.Kept[i]
			at, open := expires[k.ENI][k.Tuple]
			if k.Closed = !open; open {
				k.Expires = at
			}
		}
	}
	for _, ks := range [...][]Kept{t.Kept, t.Ended} {
		slices.SortFunc(ks, func(a, b Kept) int {
			return cmp.Or(cmp.Compare(a.ENI, b.ENI), cmp.Compare(a.Tuple.String(), b.Tuple.String()))
		})
	}
	return t
}
