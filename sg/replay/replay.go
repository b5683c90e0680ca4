// Package replay runs captured packets through the security groups of a policy
// and reports what happened.
//
//	file, err := capture.Open("web.pcap")
//	if err != nil {
//		return err
//	}
//	defer file.Close()
//	report, err := replay.Run(ctx, policy, nil, file)
//	if err != nil {
//		return err
//	}
//	return report.WriteText(os.Stdout, replay.TextOptions{})
//
// Packets are judged on the capture's own clock, at the ENIs their addresses
// belong to: at the sender's, then at the receiver's, where the topology knows
// both. A capture for which addresses are not enough is placed with
// [Options.Place].
//
// Captures of Traffic Mirroring and of appliances behind a Gateway Load Balancer are
// unwrapped, and each copy is judged where it was taken: see [Options.KeepTunnels].
//
// Package flowreplay does the same for the records of VPC flow logs, and compares the
// verdicts with those of AWS.
//
// An [Observer] sees each packet and what became of it. Those of package packetlog write
// the usual outputs.
//
// # What is not judged
//
// A frame that holds no IP packet is not applicable, "not_ip"; so is a packet
// with no end at an ENI of the topology, "no_interface", and one whose two ends
// are the same ENI, "same_interface". A malformed packet is a drop, "malformed",
// where an ENI of the topology is one of its ends, and not applicable between
// strangers and where the damage leaves no address to tell.
package replay

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
)

// A Source yields captured frames in order; [capture.File] and [capture.Source]
// do. A frame may be overwritten when the next one is asked for. An error ends
// the source.
type Source interface {
	Frames() iter.Seq2[*capture.Frame, error]
}

// An Observer is told of every packet, in the order of the capture, whatever the
// number of workers. The packet and what it points to are valid during the call
// only. An error ends the replay.
type Observer interface {
	Observe(*Packet) error
}

// A Packet is a captured frame and what became of it.
type Packet struct {
	// Number counts packets from 1, over all captures of the replay. Those that
	// several captures hold count once.
	Number uint64

	// Source is the place of the packet's capture among those given to Run.
	Source int

	// Time is the time at which the packet was judged: its own timestamp, or the
	// latest one before where that is later, since time never runs backwards, or
	// where the packet has none that [time.Time.UnixNano] can express, or a stray
	// one, as [Disorder] says. It is the zero Time until a packet has one.
	Time time.Time

	// Frame is as it was captured, but its Header and Err, which are those of the
	// packet that was judged.
	Frame   *capture.Frame
	Outcome sg.Outcome

	// Tunnels are those that the packet was taken out of, from the outside in; there
	// are none for nearly all packets. See [Options.KeepTunnels].
	Tunnels []packet.Tunnel

	// Refused says that it is dropped as part of a TCP connection whose SYN was
	// dropped.
	Refused bool

	place Place
	at    int64 // Time in Unix nanoseconds, in the packet's own capture
	tick  bool  // the first of a tick: workers sample before it
}

// A Place is an ENI and a direction there. The zero Place means that a packet's
// addresses tell where it is judged.
type Place struct {
	ENI       sg.ENIID
	Direction sg.Direction
}

// Options change how a replay is done. The zero Options, like nil, mean the
// defaults of AWS on one goroutine, with no observer.
type Options struct {
	// Firewall is how packets are judged.
	Firewall sg.Options

	// Observer is told of every packet; nil is off. See [Observers] for several.
	Observer Observer

	// Workers is the number of goroutines that judge packets, beside the one
	// that reads; 0 and 1 mean that one goroutine does it all. Every number
	// gives the same decisions in the same order and the same report. Packets
	// are divided as [conntrack.Part] says. A maximum of connections needs
	// all of them in one place, and an observer of the firewall all decisions
	// in one order, so with these there is one worker: see
	// [Options.EffectiveWorkers].
	Workers int

	// Place says where a frame was captured, for captures whose addresses do
	// not tell: behind address translation, or of a host that is in no
	// topology. It is called in order, from one goroutine, with the place of
	// the frame's capture among those given to Run. nil, and the zero Place,
	// mean that the addresses tell.
	Place func(source int, f *capture.Frame) Place

	// KeepTunnels leaves VXLAN (UDP port 4789) and GENEVE (6081) closed. Where it is
	// false, a datagram to one of these ports is a copy of Traffic Mirroring or what a
	// Gateway Load Balancer redirects, and the packet inside is judged: a copy at the
	// interface whose address sent it, in the direction that the packet's addresses
	// tell, unless Place says otherwise; any other as its addresses tell. So, of
	// a packet that is mirrored at both its ends, each copy is judged at its own end.
	KeepTunnels bool

	// Via is what is known of the way of every packet: sg.Via.Through, say, where a
	// load balancer that keeps the addresses of its clients stands before the capture.
	Via sg.Via

	// Progress, where it is not nil, is called now and then, in order and from
	// one goroutine, with the packets and bytes on the wire read so far.
	Progress func(packets, bytes uint64)
}

// EffectiveWorkers returns how many workers a replay with these options uses.
func (o *Options) EffectiveWorkers() int {
	if o == nil || o.Workers <= 1 || o.Firewall.MaxConnections > 0 || len(o.Firewall.InstanceMax) > 0 ||
		o.Firewall.Observer != nil {
		return 1
	}
	return min(o.Workers, conntrack.Parts)
}

// Run replays the captures through a firewall for p. Several captures are merged
// by time; packets of the same time are taken in the order of the captures, and
// the packets of one capture always in its own order. What several captures hold, as
// those of both ends of a connection do, is judged once, though their clocks be 10 s
// apart, except with Options.Place: then each capture has a place of its own.
//
// The first packet of a capture, and one that comes 10 s or more after those before
// it, is judged when the next one has come, which tells whether its time is a stray
// one; see [Disorder].
//
// Run ends at the end of the captures, at the first error of a capture or of the
// observer, or when ctx is done, whose error it then returns. A capture of a link
// type that cannot be read does not end it, and is a [*LinkError] afterwards. The
// report is never nil: it tells of the packets up to there, and the observer has
// seen exactly those. Only where the observer failed, a few more were judged.
func Run(ctx context.Context, p *sg.Policy, o *Options, captures ...Source) (*Report, error) {
	if o == nil {
		o = &Options{}
	}
	r := &run{ctx: ctx, policy: p, Options: *o, captures: captures, latest: noTime, tickEnd: noTime}
	for range captures {
		r.clocks = append(r.clocks, clock{latest: noTime})
	}
	var err error
	if n := r.EffectiveWorkers(); n > 1 {
		err = r.parallel(n)
	} else {
		err = r.serial()
	}
	if err == nil && r.alien != nil {
		err = r.alien
	}
	return r.report(), err
}

// A LinkError says that packets were not judged because nobody can tell where in
// their frames the IP header is. They count as not applicable; all other packets
// were judged.
type LinkError struct {
	Source  int             // the first one's capture, among those given to Run
	Packet  int             // the first one's number in that capture
	Link    packet.LinkType // and its link type
	Packets uint64          // how many there were, over all captures and link types
}

func (e *LinkError) Error() string {
	return fmt.Sprintf("unsupported link type: %v; packets not judged: %d, packet %d first", e.Link, e.Packets, e.Packet)
}

// Unwrap returns [packet.ErrLinkType].
func (e *LinkError) Unwrap() error { return packet.ErrLinkType }

// A run is one replay under way.
type run struct {
	Options
	ctx      context.Context
	policy   *sg.Policy
	captures []Source

	// Of the goroutine that reads.
	packets, bytes uint64
	checked        uint64    // packets at the last check
	first, now     time.Time // now never runs backwards; both are zero until a packet has a time
	latest         int64     // now in Unix nanoseconds
	tickEnd        int64     // of the tick that it is in
	clocks         []clock   // of the captures
	doubles        doubles
	copies         Copies
	workers        []*worker
	owner          [conntrack.Parts]uint8 // the worker of a part
	alien          *LinkError

	// Of the goroutine that shows packets to the observer.
	live, peak int64     // entries, at ticked and at peakTime
	ticked     time.Time // the latest tick, by its first packet
	peakTime   time.Time
}

// checkEvery is how many packets pass between looks at the context and calls of
// Progress: a few times in a millisecond.
const checkEvery = 4096

// next fills in what the reader knows of a packet. The rest is set as each says.
func (r *run) next(p *Packet) {
	f := p.Frame
	r.packets++
	r.bytes += uint64(f.Length)
	if f.Err != nil && f.Err == packet.ErrLinkType {
		if r.alien == nil {
			r.alien = &LinkError{Source: p.Source, Packet: f.Number, Link: f.LinkType}
		}
		r.alien.Packets++
	}
	p.tick, p.Refused = false, false
	if p.at > r.latest {
		r.now = time.Unix(0, p.at).UTC()
		if r.latest == noTime {
			r.first = r.now
		}
		if r.latest = p.at; p.at >= r.tickEnd {
			p.tick, r.tickEnd = true, p.at-mod(p.at, int64(tick))+int64(tick)
		}
	}
	p.Number, p.Time = r.packets, r.now
	if r.Place != nil {
		if at := r.Place(p.Source, f); at.ENI != "" || len(p.Tunnels) == 0 {
			p.place = at
		}
	}
	switch {
	case len(p.Tunnels) == 0:
	case p.place.ENI != "":
		r.copies.Placed++
	case r.fromStranger(p):
		r.copies.Strangers++
	}
}

// check is for every few packets.
func (r *run) check() error {
	if r.packets-r.checked < checkEvery {
		return nil
	}
	r.checked = r.packets
	if r.Progress != nil {
		r.Progress(r.packets, r.bytes)
	}
	return r.ctx.Err()
}

func (r *run) serial() error {
	w := r.hire()
	if err := r.ctx.Err(); err != nil {
		return err
	}
	b := newBatch(batchSize)
	return r.each(func() batch { return b }, func(s stretch) error { return r.judge(w, s.packets) })
}

// judge lets the worker judge packets and shows them to the observer.
func (r *run) judge(w *worker, ps []Packet) error {
	for i := range ps {
		p := &ps[i]
		r.next(p)
		if p.tick {
			live, made := w.sample(p.Time)
			r.endTick(live, made, p.Time)
		}
		w.judge(p)
	}
	w.flush()
	if err := r.observe(ps); err != nil {
		return err
	}
	return r.check()
}

// observe shows packets to the observer.
func (r *run) observe(ps []Packet) error {
	if r.Observer != nil {
		for i := range ps {
			if err := r.Observer.Observe(&ps[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// tick is how often, by the clock of the capture, all workers are asked for their
// entries.
const tick = 10 * time.Millisecond

// endTick takes what the workers found at the first packet of a tick, at now: what is
// live, and what was made since the first of the tick before.
func (r *run) endTick(live, made int64, now time.Time) {
	if n := r.live + made; n > r.peak {
		r.peak, r.peakTime = n, r.ticked
	}
	r.live, r.ticked = live, now
}

// interrupted returns the context's error where it is the likely cause of err:
// a reader that gave up because it was told to.
func (r *run) interrupted(err error) error {
	if cause := r.ctx.Err(); cause != nil {
		return cause
	}
	return err
}

// Observers returns an observer that passes each packet to all of os in order.
func Observers(os ...Observer) Observer { return observers(os) }

type observers []Observer

func (os observers) Observe(p *Packet) error {
	for _, o := range os {
		if err := o.Observe(p); err != nil {
			return err
		}
	}
	return nil
}
