package replay

import (
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

// FlowLogOptions say how flow log records look. The zero FlowLogOptions means
// what AWS does where nothing is said.
type FlowLogOptions struct {
	// Format names the fields as the AWS CLI takes them in --log-format, such as
	// "${interface-id} ${srcaddr} ${action}". Empty means
	// [DefaultFlowLogFormat]. The fields are those of versions 2 to 5.
	Format string

	// Interval is the aggregation interval: one or ten minutes. Zero means ten;
	// on Nitro instances AWS never takes longer than one (FL-09).
	Interval time.Duration
}

// A FlowLog is an [Observer] that writes the VPC flow log of the replay, one
// record a line: for each ENI, window and flow the packets that were accepted
// or rejected there.
//
// Windows are the minutes, or ten minutes, of the capture's clock. The records
// of a window are written when it is over, in the order in which their flows
// began; then one NODATA record for each ENI of the topology without traffic in
// the window. Windows in which nothing at all was captured are left out.
//
// A packet that goes from one ENI of the topology to another is in the records
// of both, as the second one saw it only if the first one let it out. Exempt
// traffic is not logged (FL-08). Packets of which nobody can tell what becomes are
// left out, and the window has a SKIPDATA record for their ENI, as AWS writes where
// its records are not complete (FL-04). The addresses of an ENI's own side are shown as
// its primary private IPv4 address; the pkt-srcaddr and pkt-dstaddr fields hold
// those of the packet (FL-06). Bytes are those of the IP packets.
//
// Call [NewFlowLog], and Flush at the end.
type FlowLog struct {
	w        io.Writer
	buf      []byte
	fields   []flowField
	version  int
	interval int64 // seconds

	enis  []flowENI
	index map[sg.ENIID]int
	seen  map[*sg.Enforcer]int // workers have enforcers of their own for one ENI

	window int64 // start, Unix seconds
	open   bool
	flows  []flow // of the window, in order of their first packets
	byKey  map[flowKey]int
}

// A flowENI is what records tell of an ENI.
type flowENI struct {
	*sg.ENI
	primary netip.Addr // first private IPv4 address; zero without one
	own     map[netip.Addr]bool
	logged  bool // in this window
	skipped bool // in this window, what nobody can decide
}

type flowKey struct {
	src, dst         [16]byte
	srcPort, dstPort uint16
	eni              int32
	family           packet.Family
	protocol         packet.Protocol
	dir              sg.Direction
	verdict          sg.Verdict
}

func (k *flowKey) action() string {
	if k.verdict == sg.Accept {
		return "ACCEPT"
	}
	return "REJECT"
}

type flow struct {
	key                flowKey
	shownSrc, shownDst netip.Addr
	packets, bytes     uint64
	first, last        int64 // Unix seconds
	tcpFlags           packet.TCPFlags
}

type flowRecord struct {
	version    int
	eni        *flowENI
	flow       *flow // nil: NODATA or SKIPDATA
	start, end int64 // Unix seconds
}

func (r *flowRecord) status() string {
	switch {
	case r.flow != nil:
		return "OK"
	case r.eni.skipped:
		return "SKIPDATA"
	}
	return "NODATA"
}

// NewFlowLog returns a FlowLog for the ENIs of t that writes to w. It fails if
// the format names an unknown field or the interval is neither one nor ten
// minutes. It keeps the ENIs of t, which must not change meanwhile.
func NewFlowLog(w io.Writer, t *sg.Topology, o FlowLogOptions) (*FlowLog, error) {
	switch o.Interval {
	case 0:
		o.Interval = 10 * time.Minute
	case time.Minute, 10 * time.Minute:
	default:
		return nil, fmt.Errorf("flow log interval %v: AWS offers 1m and 10m", o.Interval)
	}
	if o.Format == "" {
		o.Format = DefaultFlowLogFormat
	}
	fields, version, err := parseFlowFormat(o.Format)
	if err != nil {
		return nil, err
	}
	f := &FlowLog{
		w: w, fields: fields, version: version, interval: int64(o.Interval / time.Second),
		index: map[sg.ENIID]int{}, seen: map[*sg.Enforcer]int{}, byKey: map[flowKey]int{},
	}
	for i := range t.ENIs {
		e := flowENI{ENI: &t.ENIs[i], own: map[netip.Addr]bool{}}
		for _, a := range e.Addrs {
			e.own[a] = true
			if a.Is4() && !e.primary.IsValid() {
				e.primary = a
			}
		}
		f.index[e.ID] = len(f.enis)
		f.enis = append(f.enis, e)
	}
	return f, nil
}

// Observe implements [Observer].
func (f *FlowLog) Observe(p *Packet) error {
	now := p.Time.Unix()
	if !f.open || now >= f.window+f.interval {
		if err := f.endWindow(); err != nil {
			return err
		}
		f.window, f.open = now-mod(now, f.interval), true
	}
	h := &p.Frame.Header
	for _, hop := range p.Outcome.Hops() {
		if hop.Decision.Reason == sg.Exempt || !readable(h) {
			continue
		}
		f.add(hop, h, now)
	}
	return nil
}

// mod is the remainder that is never negative: captures from before 1970 exist.
func mod(a, b int64) int64 { return ((a % b) + b) % b }

func (f *FlowLog) add(hop sg.Hop, h *packet.Header, now int64) {
	eni, ok := f.seen[hop.Enforcer]
	if !ok {
		if eni, ok = f.index[hop.Enforcer.ID()]; !ok {
			eni = len(f.enis) // an ENI that the topology given to us lacks
			f.enis = append(f.enis, flowENI{ENI: &sg.ENI{ID: hop.Enforcer.ID()}})
			f.index[hop.Enforcer.ID()] = eni
		}
		f.seen[hop.Enforcer] = eni
	}
	if hop.Decision.Verdict == sg.Unknown {
		f.enis[eni].skipped = true
		return
	}
	key := flowKey{
		src: h.Src, dst: h.Dst, eni: int32(eni), family: h.Family, protocol: h.Protocol,
		dir: hop.Direction, verdict: hop.Decision.Verdict,
	}
	if hasPorts(h) {
		key.srcPort, key.dstPort = h.SrcPort, h.DstPort
	}
	i, ok := f.byKey[key]
	if !ok {
		i = len(f.flows)
		f.byKey[key] = i
		e := &f.enis[eni]
		e.logged = true
		n := flow{key: key, first: now, shownSrc: h.SrcAddr(), shownDst: h.DstAddr()}
		if hop.Direction == sg.Egress {
			n.shownSrc = e.shown(n.shownSrc)
		} else {
			n.shownDst = e.shown(n.shownDst)
		}
		f.flows = append(f.flows, n)
	}
	n := &f.flows[i]
	n.packets++
	n.bytes += uint64(h.Length)
	n.last = now
	n.tcpFlags |= loggedFlags(h.TCPFlags)
}

// shown is the address a record shows for the ENI's own side (FL-06).
func (e *flowENI) shown(a netip.Addr) netip.Addr {
	if a.Is4() && e.own[a] {
		return e.primary
	}
	return a
}

// loggedFlags are the bits of the tcp-flags field: FIN 1, SYN 2, RST 4, and for
// SYN with ACK 18; an ACK alone does not count (FL-07).
func loggedFlags(f packet.TCPFlags) packet.TCPFlags {
	if f&packet.SYN != 0 {
		return f & (packet.FIN | packet.SYN | packet.RST | packet.ACK)
	}
	return f & (packet.FIN | packet.RST)
}

func (f *FlowLog) endWindow() error {
	if !f.open {
		return nil
	}
	for i := range f.flows {
		n := &f.flows[i]
		f.record(flowRecord{eni: &f.enis[n.key.eni], flow: n, start: n.first, end: n.last})
	}
	for i := range f.enis {
		e := &f.enis[i]
		if e.skipped || !e.logged {
			f.record(flowRecord{eni: e, start: f.window, end: f.window + f.interval - 1})
		}
		e.logged, e.skipped = false, false
	}
	f.flows = f.flows[:0]
	clear(f.byKey)
	if len(f.buf) < flushAt {
		return nil
	}
	return f.write()
}

func (f *FlowLog) record(r flowRecord) {
	r.version = f.version
	for i, field := range f.fields {
		if i > 0 {
			f.buf = append(f.buf, ' ')
		}
		f.buf = field.append(f.buf, &r)
	}
	f.buf = append(f.buf, '\n')
}

func (f *FlowLog) write() error {
	_, err := f.w.Write(f.buf)
	f.buf = f.buf[:0]
	return err
}

// Flush ends the window and writes what is left.
func (f *FlowLog) Flush() error {
	err := f.endWindow()
	f.open = false
	if err != nil {
		return err
	}
	return f.write()
}
