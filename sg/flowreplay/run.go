// Package flowreplay runs the records of VPC flow logs through the security groups of a
// policy, and compares what the groups do with what AWS did.
//
//	log, err := flowlog.Open(nil, "AWSLogs")
//	if err != nil {
//		return err
//	}
//	report, err := flowreplay.Run(ctx, policy, nil, log)
//	if err != nil {
//		return err
//	}
//	return report.WriteText(os.Stdout, replay.TextOptions{})
//
// A record says whether AWS accepted its packets or rejected them. Where the groups say
// otherwise, the report has a [Disagreement] with its likely [Cause]: rules that changed, a
// group that the topology lacks, a network ACL. Where they agree throughout, the topology is
// as AWS has it for this traffic, and package diff says what a change of it would do.
//
// Package replay does the same for captures, of which AWS says nothing.
//
// # How a record is judged
//
// A record is a window of one direction of a connection at one interface: packets are made
// up for its start and its end, and put to a firewall at those times. It is judged
//
//   - at the interface that the record names, or else that its addresses belong to, unless
//     their ids are both of AWS's making, or the VPC or the account is another;
//   - in its flow-direction, or else the one that the interface's addresses tell;
//   - as a request or an answer, as [flowlog.Openers] find out. Where their evidence is
//     weak, there is a verdict only if it is the same for both;
//   - as part of its connection, across records. One of which the log has no opening
//     is picked up where the groups admit it.
//
// What a log cannot tell is Unknown, never guessed: see [Undecided]. The network ACL of
// the interface's subnet is asked too, where the topology has it. Records of time far out
// of order count as the latest time seen.
package flowreplay

import (
	"context"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
)

// Options change how records are judged. The zero Options, like nil, are the defaults of
// AWS.
type Options struct {
	// Firewall is how packets are judged, but for its Midstream: connections whose
	// opening is not in the log are always picked up, and counted.
	Firewall sg.Options

	// Observe, where it is not nil, is told of every record in order. What it is
	// given is valid during the call only. An error ends the run.
	Observe func(*Record) error

	// Progress, where it is not nil, is called now and then with the records read
	// so far.
	Progress func(flowlog.Stats)
}

// checkEvery is how many records pass between looks at the context and at the size of
// tables.
const checkEvery = 4096

// Run judges the records of flow logs. Memory does not grow with the log: beyond a million
// connections all are forgotten, and picked up when they go on.
//
// The error is that of the reader, of Observe, or of the context. The report is never
// nil, and tells of the records up to there.
func Run(ctx context.Context, p *sg.Policy, o *Options, log *flowlog.Reader) (*Report, error) {
	if o == nil {
		o = &Options{}
	}
	j := NewJudge(p, &o.Firewall)
	t := newTally()
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
		r := Record{Record: rec, Position: log.Position()}
		j.Judge(&r)
		t.add(&r, log.Format())
		if o.Observe != nil {
			if err = o.Observe(&r); err != nil {
				break
			}
		}
	}
	return t.report(j, log.Stats()), err
}
