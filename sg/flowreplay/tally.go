package flowreplay

import (
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/replay"
)

const (
	maxServices    = 1 << 16 // remembered for the sake of what disagrees
	maxDisagreeing = 1 << 17 // of them and of those that do
	maxTalkers     = 1 << 16
	maxStrangers   = 1 << 20 // interfaces
)

// A tally counts what records came to.
type tally struct {
	verdicts   [sg.Unknown + 1]Count
	agreements [Disagree + 1]Count
	undecided  map[doubt]*Count
	evidence   map[flowlog.Evidence]uint64
	pickedUp   Count
	noPkt      uint64 // records without pkt-srcaddr and pkt-dstaddr

	first, last int64 // Unix seconds
	enis        map[sg.ENIID]bool
	strangers   map[string]bool // interfaces that the topology lacks

	rules    map[sg.RuleRef]*Count
	services map[serviceKey]*service
	others   Count // disagreeing ones beyond the bound

	talkers      map[talkerKey]*Talker
	otherRejects Count

	over replay.Timeline
}

// A doubt is why a record is not decided, with a reason for NotGiven alone.
type doubt struct {
	why    Undecided
	reason sg.Reason
}

// A serviceKey is what connections to one port have in common about which the groups
// say the same: the rule that admits them, or the far end if there is none.
type serviceKey struct {
	eni      sg.ENIID
	dir      sg.Direction // of who opens the connection
	protocol packet.Protocol
	port     uint16
	verdict  sg.Verdict
	rule     sg.RuleRef
	far      netip.Addr
}

// A service is how records of a kind compare, and when they were.
type service struct {
	agreeing, disagreeing span
	reason                sg.Reason
	opened                bool   // a SYN stands in a record that disagrees, or there is none in its protocol
	example               Record // with record, the first that disagrees
	record                flowlog.Record
}

// A span is records and the time they take.
type span struct {
	Count
	first, last int64 // Unix seconds
}

func (s *span) add(r *flowlog.Record) {
	if s.Records == 0 {
		s.first, s.last = r.Start, r.Start
	}
	s.first, s.last = min(s.first, r.Start), max(s.last, r.Start, r.End)
	s.Count.add(r)
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
		undecided: map[doubt]*Count{}, over: replay.Timeline{Width: time.Second},
	}
}

func (t *tally) add(r *Record) {
	if r.timed() {
		if t.first == 0 && t.last == 0 {
			t.first, t.last = r.Start, r.Start
		}
		t.first, t.last = min(t.first, r.Start), max(t.last, r.Start)
		if r.Has(flowlog.FieldEnd) && r.End <= maxTime {
			t.last = max(t.last, r.End)
		}
	}
	if r.ENI != "" {
		t.enis[r.ENI] = true
	}
	if r.Status == flowlog.NoData || r.Status == flowlog.SkipData {
		return
	}
	t.verdicts[r.Verdict].add(r.Record)
	if r.timed() {
		t.over.Add(time.Unix(r.Start, 0), r.Verdict)
	}
	if r.Undecided != 0 {
		d := doubt{why: r.Undecided}
		if r.Undecided == NotGiven {
			d.reason = r.Decision.Reason
		}
		count(t.undecided, d, r)
	}
	if r.ENI == "" {
		if r.Verdict == sg.NotApplicable && len(t.strangers) < maxStrangers {
			t.strangers[r.InterfaceID] = true
		}
		return
	}
	t.evidence[r.Opening.Evidence]++
	if !r.PktSrcAddr.IsValid() || !r.PktDstAddr.IsValid() {
		t.noPkt++
	}
	if r.PickedUp && r.Verdict == sg.Accept {
		t.pickedUp.add(r.Record)
	}
	if r.Verdict == sg.Accept && !r.Decision.Rule.IsZero() {
		count(t.rules, r.Decision.Rule, r)
	}
	if a := r.Agreement(); a != 0 {
		t.agreements[a].add(r.Record)
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

func (t *tally) addService(r *Record, a Agreement) {
	key := serviceKey{eni: r.ENI, dir: r.Direction, protocol: r.Protocol, port: r.DstPort, verdict: r.Verdict, far: r.far()}
	if r.Opening.By == flowlog.Destination && certain(r) {
		key.dir, key.port = back(r.Direction), r.SrcPort
	}
	key.rule = r.Decision.Rule
	if r.Verdict == sg.Accept {
		key.far = netip.Addr{}
	}
	s := t.services[key]
	if s == nil {
		if n := len(t.services); a == Agree && n >= maxServices || n >= maxDisagreeing {
			if a == Disagree {
				t.others.add(r.Record)
			}
			return
		}
		s = &service{}
		t.services[key] = s
	}
	if a == Agree {
		s.agreeing.add(r.Record)
		return
	}
	if s.disagreeing.Records == 0 {
		s.record = *r.Record
		s.example, s.reason = *r, r.Decision.Reason
		s.example.Record = &s.record
	}
	s.opened = s.opened || r.Protocol != packet.TCP || r.TCPFlags&packet.SYN != 0
	s.disagreeing.add(r.Record)
}

func (t *tally) addTalker(r *Record) {
	key := talkerKey{r.Src(), r.ENI, r.Direction, r.Protocol, r.Verdict}
	k := t.talkers[key]
	if k == nil {
		if len(t.talkers) >= maxTalkers {
			t.otherRejects.add(r.Record)
			return
		}
		k = &Talker{
			First: headerOf(r.Tuple(), packet.SYN), ENI: r.ENI, Direction: r.Direction, Verdict: r.Verdict,
			Undecided: r.Undecided, Reason: r.Decision.Reason, Position: r.Position, Time: time.Unix(r.Start, 0).UTC(),
		}
		t.talkers[key] = k
	}
	k.Count.add(r.Record)
	k.SeveralPorts = k.SeveralPorts || r.DstPort != k.First.DstPort
}
