package flowreplay

import (
	"cmp"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/report"
	"github.com/sgsim/sgsim/sg/replay"
)

const (
	maxServices    = 1 << 16 // remembered for the sake of what disagrees
	maxDisagreeing = 1 << 17 // of them and of those that do
	maxTalkers     = 1 << 16
	maxStrangers   = 1 << 20 // interfaces
)

// A tally counts what records came to: in the Report at once, and what has keys beside it.
type tally struct {
	Report
	undecided map[doubt]*UndecidedCount
	evidence  map[flowlog.Evidence]uint64
	enis      map[sg.ENIID]bool
	strangers map[string]bool // interfaces that the topology lacks
	rules     map[sg.RuleRef]*Count
	services  map[serviceKey]*service
	talkers   map[talkerKey]*Talker
}

// A doubt is why a record is not decided, with a reason for NotGiven alone.
type doubt struct {
	why    Undecided
	reason sg.Reason
}

type talkerKey struct {
	src      netip.Addr
	eni      sg.ENIID
	dir      sg.Direction
	protocol packet.Protocol
	verdict  sg.Verdict
}

func newTally() *tally {
	return &tally{
		evidence: map[flowlog.Evidence]uint64{}, enis: map[sg.ENIID]bool{}, strangers: map[string]bool{},
		rules: map[sg.RuleRef]*Count{}, services: map[serviceKey]*service{}, talkers: map[talkerKey]*Talker{},
		undecided: map[doubt]*UndecidedCount{}, Report: Report{Timeline: replay.Timeline{Width: time.Second}},
	}
}

// add counts a record, whose line has a format.
func (t *tally) add(r *Record, f flowlog.Format) {
	start := time.Unix(r.Start, 0).UTC()
	if r.timed() {
		if t.First.IsZero() || start.Before(t.First) {
			t.First = start
		}
		if last := time.Unix(r.last(), 0).UTC(); last.After(t.Last) {
			t.Last = last
		}
	}
	if r.ENI != "" {
		t.enis[r.ENI] = true
	}
	if r.Status == flowlog.NoData || r.Status == flowlog.SkipData {
		return
	}
	[...]*Count{sg.Accept: &t.Accepted, sg.Drop: &t.Dropped, sg.Unknown: &t.Unknown, sg.NotApplicable: &t.NotApplicable}[r.Verdict].add(r.Record)
	if r.timed() {
		t.Timeline.Add(start, r.Verdict)
	}
	if r.Undecided != 0 {
		d := doubt{why: r.Undecided}
		if r.Undecided == NotGiven {
			d.reason = r.Decision.Reason
		}
		if t.undecided[d] == nil {
			t.undecided[d] = &UndecidedCount{Undecided: d.why, Reason: d.reason, Example: string(f.AppendRecord(nil, r.Record)), Position: r.Position}
		}
		t.undecided[d].add(r.Record)
	}
	if r.ENI == "" {
		if r.Verdict == sg.NotApplicable && len(t.strangers) < maxStrangers {
			t.strangers[r.InterfaceID] = true
		}
		return
	}
	t.evidence[r.Opening.Evidence]++
	if !r.PktSrcAddr.IsValid() || !r.PktDstAddr.IsValid() {
		t.NoPkt++
	}
	if r.PickedUp && r.Verdict == sg.Accept {
		t.PickedUp.add(r.Record)
	}
	if r.Verdict == sg.Accept && !r.Decision.Rule.IsZero() {
		count(t.rules, r.Decision.Rule, r)
	}
	if a := r.Agreement(); a != 0 {
		[...]*Count{Agree: &t.Agreeing, Disagree: &t.Disagreeing}[a].add(r.Record)
		t.addService(r, a)
	}
	if r.Action == flowlog.Reject {
		t.addTalker(r)
	}
}

// count adds a record to the count of a key.
func count[K comparable](counts map[K]*Count, key K, r *Record) {
	n := counts[key]
	if n == nil {
		n = &Count{}
		counts[key] = n
	}
	n.add(r.Record)
}

func (t *tally) addTalker(r *Record) {
	key := talkerKey{r.Src(), r.ENI, r.Direction, r.Protocol, r.Verdict}
	k := t.talkers[key]
	if k == nil {
		if len(t.talkers) >= maxTalkers {
			t.OtherRejects.add(r.Record)
			return
		}
		k = &Talker{
			First: headerOf(r.Tuple(), packet.SYN), ENI: r.ENI, Direction: r.Direction, Verdict: r.Verdict,
			Undecided: r.Undecided, Reason: r.Decision.Reason, Entry: r.Entry, Position: r.Position, Time: time.Unix(r.Start, 0).UTC(), Senders: 1,
		}
		t.talkers[key] = k
	}
	k.Count.add(r.Record)
	k.SeveralPorts = k.SeveralPorts || r.DstPort != k.First.DstPort
}

// A sighting is how many records there are of something, and where the first is.
type sighting struct {
	Count
	time     time.Time
	position flowlog.Position
}

func (d *Disagreement) seen() sighting { return sighting{d.Count, d.First, d.Position} }

func (k *Talker) seen() sighting { return sighting{k.Count, k.Time, k.Position} }

// compare orders by time, then by place.
func (s sighting) compare(o sighting) int {
	return cmp.Or(s.time.Compare(o.time), cmp.Compare(s.position.File, o.position.File), cmp.Compare(s.position.Line, o.position.Line))
}

// most returns those of all with most packets, and counts the rest.
func most[T interface{ seen() sighting }](n int, all []T, rest *Count) []T {
	slices.SortFunc(all, func(x, y T) int {
		a, b := x.seen(), y.seen()
		return cmp.Or(cmp.Compare(b.Packets, a.Packets), cmp.Compare(b.Records, a.Records), a.compare(b))
	})
	n = min(n, len(all))
	for _, x := range all[n:] {
		rest.addAll(x.seen().Count)
	}
	return all[:n]
}

// report puts together what was counted.
func (t *tally) report(j *Judge, log flowlog.Stats) *Report {
	out := t.Report // without the maps
	out.Log, out.Interfaces, out.Strangers = log, len(t.enis), len(t.strangers)
	if len(out.Timeline.Slots) == 0 {
		out.Timeline = replay.Timeline{}
	}
	for range j.policy.ENIs() {
		out.InPolicy++
	}
	acls := aclsAt(j.policy, t.enis)
	out.ACLInterfaces = len(acls)
	for _, c := range t.undecided {
		out.Undecided = append(out.Undecided, *c)
	}
	slices.SortFunc(out.Undecided, func(a, b UndecidedCount) int {
		return cmp.Or(cmp.Compare(a.Undecided, b.Undecided), cmp.Compare(a.Reason, b.Reason))
	})
	for e, n := range t.evidence {
		out.Openings = append(out.Openings, OpeningCount{e, n})
	}
	slices.SortFunc(out.Openings, func(a, b OpeningCount) int { return cmp.Compare(a.Evidence, b.Evidence) })
	for ref := range j.policy.Rules() {
		f := RuleCount{Rule: ref}
		if n := t.rules[ref]; n != nil {
			f.Count = *n
		}
		out.Rules = append(out.Rules, f)
	}
	for _, d := range most(50, t.disagreements(j, acls), &out.OtherDisagreements) {
		out.Disagreements = append(out.Disagreements, *d)
	}
	talkers := slices.SortedFunc(maps.Values(t.talkers), func(a, b *Talker) int { return a.seen().compare(b.seen()) })
	talkers = report.Together(talkers, sumTalkers, (*Talker).likeness)
	for _, k := range most(20, talkers, &out.OtherRejects) {
		if k.Verdict == sg.Drop && k.Reason == sg.NoRule {
			k.Near = j.near(k.ENI, k.Direction, &k.First)
		}
		k.acl = acls[k.ENI]
		out.Rejected = append(out.Rejected, *k)
	}
	return &out
}

// aclsAt returns those of some interfaces for whose subnet a policy has a network ACL.
func aclsAt(p *sg.Policy, enis map[sg.ENIID]bool) map[sg.ENIID]bool {
	with := map[sg.ENIID]bool{}
	for range p.ACLEntries() {
		sets := p.Sets()
		for id := range enis {
			if _, ok := sets.Border(id); ok {
				with[id] = true
			}
		}
		break // there are some
	}
	return with
}
