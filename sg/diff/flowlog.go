package diff

import (
	"context"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/flowreplay"
)

// ReplayLog judges the records of flow logs by two policies in one pass and returns where
// they differ. It ends as [flowreplay.Run] does, which also documents how records are
// judged. What AWS did with the traffic is part of the evidence on both sides, and what a
// log cannot tell is unknown on both, or on one. The Traffic is never nil and covers the
// records up to the end or error. The options Via and Workers are not used, and Progress
// is called with records and bytes of text.
func ReplayLog(ctx context.Context, before, after *sg.Policy, o *ReplayOptions, log *flowlog.Reader) (*Traffic, error) {
	r, first, opts := newReplayer(before, after, o)
	second := flowreplay.NewJudge(first, &opts)
	r.fw, r.swap = second.Firewall, second.Swap
	number := uint64(0)
	fo := flowreplay.Options{Firewall: r.o.Before, Observe: func(a *flowreplay.Record) error {
		number++
		r.record(number, a, second)
		return nil
	}}
	if r.o.Progress != nil {
		fo.Progress = func(s flowlog.Stats) { r.o.Progress(uint64(s.Records), uint64(s.Read)) }
	}
	report, err := flowreplay.Run(ctx, before, &fo, log)
	return r.traffic(&Traffic{Log: report}), err
}

// record compares the two verdicts on a record.
func (r *replayer) record(number uint64, a *flowreplay.Record, second *flowreplay.Judge) {
	if a.Status == flowlog.NoData || a.Status == flowlog.SkipData {
		return
	}
	now := time.Unix(a.Start, 0).UTC()
	if now.Before(r.last) || !a.Has(flowlog.FieldStart) {
		now = r.last // of records that overlap
	}
	r.reach(now)
	b := flowreplay.Record{Record: a.Record, Position: a.Position}
	second.Judge(&b)
	why := Unjudged{Undecided: a.Undecided}
	if why.Undecided == 0 || why.Undecided == flowreplay.NotGiven {
		why.Reason = a.Decision.Reason
	}
	r.count(a.Verdict, b.Verdict, why)
	at := connKey{a.ENI, a.Tuple()}
	if at.eni == "" {
		at.eni = b.ENI // the interface comes with the change
	}
	if len(r.steps) > 0 && b.Verdict == sg.Accept {
		defer r.pass(at, false, now) // behind parts, which looks for records before this one
	}
	if a.Verdict == b.Verdict {
		return
	}
	opening := at.tuple
	if a.Opening.By == flowlog.Destination {
		opening = opening.Reverse()
	}
	h := firstOf(opening)
	switch h.Protocol {
	case packet.TCP, packet.UDP:
		h.SrcPort = opening.SrcPort
	case packet.ICMP, packet.ICMPv6:
		h = packet.IPHeader(h.SrcAddr(), h.DstAddr(), h.Protocol)
		h.Missing = packet.MissingICMP | packet.MissingICMPID // no field has them
	}
	r.parts(at, false, Flow{
		Src: h.SrcAddr(), Dst: h.DstAddr(), Protocol: h.Protocol, Before: fateOfRecord(a), After: fateOfRecord(&b),
		First: h, Number: number, Position: a.Position, Time: now, Packets: a.Packets, Records: 1,
	})
}

// fateOfRecord returns the fate of a record.
func fateOfRecord(r *flowreplay.Record) Fate {
	return Fate{Verdict: r.Verdict, Reason: r.Decision.Reason, Undecided: r.Undecided, ENI: r.ENI, Direction: r.Direction, Rule: r.Decision.Rule}
}
