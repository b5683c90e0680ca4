package replay

import (
	"math"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
)

// A nitro is the same firewall as if all its ENIs were of Nitro v6, whose idle
// timeout for established TCP is 350 s (CT-30). Nothing can differ before so much
// time has passed, so until then there is none; then it is a copy whose
// connections die when they would have died.
type nitro struct {
	fw   *sg.Firewall // nil until it may differ
	cut  tupleSet     // connections of which packets are dropped here alone
	cost Count        // those packets
}

// begin copies fw.
func (n *nitro) begin(fw *sg.Firewall) {
	n.fw = fw.Clone()
	enis := map[conntrack.Timeouts][]sg.ENIID{}
	for id := range n.fw.Policy().ENIs() {
		to := n.fw.ENI(id).Timeouts()
		if to.TCPEstablished == 0 {
			to.TCPEstablished = conntrack.NitroV6TCPEstablished
			enis[to] = append(enis[to], id)
		}
	}
	for to, ids := range enis {
		if err := n.fw.Retime(to, ids...); err != nil {
			panic(err) // Compile saw the others, and this one is AWS's own
		}
	}
}

// judge compares what becomes of the packet with p.Outcome.
func (n *nitro) judge(p *Packet, place Place) {
	in := sg.Packet{Header: &p.Frame.Header, Time: p.Time}
	var o sg.Outcome
	if place.ENI != "" {
		o = n.fw.ENI(place.ENI).Forward(place.Direction, in)
	} else {
		o = n.fw.Forward(in)
	}
	if o.Verdict == sg.Drop && p.Outcome.Verdict == sg.Accept {
		t := in.Header.Tuple()
		n.cut.add(pairHash(&t))
		n.cost.add(p.Frame.Length)
	}
}

// samples are the sizes of a connection table at moments that all workers share:
// the first packet of each second that has packets, and the end.
type samples []int32

// sample appends the number of live entries.
func (s *samples) sample(fw *sg.Firewall, now time.Time) {
	fw.Expire(now, math.MaxInt)
	*s = append(*s, int32(min(fw.Stats().Entries, math.MaxInt32)))
}

// peak adds up the samples of all workers and returns the largest sum, and where
// it was first.
func peak(of []samples) (most uint64, at int) {
	for i := range of[0] {
		var sum uint64
		for _, s := range of {
			sum += uint64(s[i])
		}
		if sum > most {
			most, at = sum, i
		}
	}
	return most, at
}
