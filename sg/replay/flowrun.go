package replay

import (
	"context"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
)

// FlowOptions change how records are judged. The zero FlowOptions, like nil, are the
// defaults of AWS.
type FlowOptions struct {
	// Firewall is how packets are judged, but for its Midstream: connections whose
	// opening is not in the log are always picked up, and counted.
	Firewall sg.Options

	// Observe, where it is not nil, is told of every record in order. What it is
	// given is valid during the call only. An error ends the run.
	Observe func(*FlowRecord) error

	// Progress, where it is not nil, is called now and then with the records read
	// so far.
	Progress func(flowlog.Stats)
}

// RunFlowLog judges the records of flow logs as [Run] judges packets, and compares what
// the groups do with what AWS did. A record is a window of one direction of a
// connection at one interface: packets are made up for its start and its end, and put
// to a firewall at those times. It is judged
//
//   - at the interface that the record names, or else that its addresses belong to;
//   - in its flow-direction, or else the one that the interface's addresses tell;
//   - as a request or an answer, as [flowlog.Openers] find out. Where their evidence is
//     weak, there is a verdict only if it is the same for both;
//   - as part of its connection, across records. One of which the log has no opening
//     is picked up where the groups admit it.
//
// What a log cannot tell is Unknown, never guessed: see [Undecided]. The network ACL of
// the interface's subnet is asked too, where the topology has it. Records of time far out
// of order count as the latest time seen. Memory does not grow with the log: beyond a
// million connections all are forgotten, and picked up when they go on.
//
// The error is that of the reader, of Observe, or of the context. The report is never
// nil, and tells of the records up to there.
func RunFlowLog(ctx context.Context, p *sg.Policy, o *FlowOptions, log *flowlog.Reader) (*FlowReport, error) {
	if o == nil {
		o = &FlowOptions{}
	}
	j := NewFlowJudge(p, &o.Firewall)
	t := newFlowTally()
	var err error
	n := 0
	for rec, rerr := range log.Records() {
		if err = rerr; err != nil {
			break
		}
		if n++; n%checkEvery == 0 {
			if o.Progress != nil {
				o.Progress(log.Stats())
			}
			if err = ctx.Err(); err != nil {
				break
			}
		}
		r := FlowRecord{Record: rec, Position: log.Position()}
		j.Judge(&r)
		t.add(&r)
		if o.Observe != nil {
			if err = o.Observe(&r); err != nil {
				break
			}
		}
	}
	return t.report(j, log.Stats()), err
}
