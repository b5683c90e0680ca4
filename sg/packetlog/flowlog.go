package packetlog

import (
	"bufio"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/report"
	"github.com/sgsim/sgsim/sg/replay"
)

// FlowLogOptions say how flow log records look. The zero FlowLogOptions means
// what AWS does where nothing is said.
type FlowLogOptions struct {
	// Format is the order of fields; see [flowlog.ParseFormat]. The zero Format means
	// [flowlog.DefaultFormat]. Fields that neither topology nor capture tells are "-".
	Format flowlog.Format

	// Interval is the aggregation interval: one or ten minutes. Zero means ten;
	// on Nitro instances AWS never takes longer than one (FL-09).
	Interval time.Duration
}

// A FlowLog is a [replay.Observer] that writes the VPC flow log of the replay, one
// record a line: for each ENI, window and flow the packets that were accepted
// or rejected there.
//
// Windows are the minutes, or ten minutes, of the capture's clock. The records
// of a window are written when it is over, in the order in which their flows
// began; then one NODATA record for each ENI of the topology without traffic in
// the window. Windows in which nothing at all was captured are left out. Of a window
// with more than 262,144 flows some records are written earlier, and flows that go on
// then have several.
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
	w        *bufio.Writer
	format   flowlog.Format
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
	record  flowlog.Record // what all of them say
	primary netip.Addr     // first private IPv4 address; zero without one
	logged  bool           // in this window
	skipped bool           // in this window, what nobody can decide
}

type flowKey struct {
	tuple   packet.FiveTuple // without ports that the packet does not hold
	dir     sg.Direction
	verdict sg.Verdict
	eni     int32 // no gaps: the key is hashed at once
}

type flow struct {
	key            flowKey
	packets, bytes uint64
	first, last    int64 // Unix seconds
	tcpFlags       packet.TCPFlags
}

// maxFlows is how many flows of a window are held, for some 200 MB.
const maxFlows = 1 << 18

// NewFlowLog returns a FlowLog for the ENIs of t that writes to w. It fails if
// the format names an unknown field or the interval is neither one nor ten
// minutes.
func NewFlowLog(w io.Writer, t *sg.Topology, o FlowLogOptions) (*FlowLog, error) {
	switch o.Interval {
	case 0:
		o.Interval = 10 * time.Minute
	case time.Minute, 10 * time.Minute:
	default:
		return nil, fmt.Errorf("flow log interval %v: AWS offers 1m and 10m", o.Interval)
	}
	if o.Format.Len() == 0 {
		o.Format = flowlog.DefaultFormat
	}
	if err := o.Format.CheckKnown(); err != nil {
		return nil, err
	}
	f := &FlowLog{
		w: bufio.NewWriterSize(w, bufferSize), format: o.Format, interval: int64(o.Interval / time.Second),
		index: map[sg.ENIID]int{}, seen: map[*sg.Enforcer]int{}, byKey: map[flowKey]int{},
	}
	for i := range t.ENIs {
		f.addENI(&t.ENIs[i])
	}
	return f, nil
}

func (f *FlowLog) addENI(eni *sg.ENI) int {
	field := func(s string) string {
		if s == "" {
			return ""
		}
		return string(escape.AppendField(nil, s))
	}
	e := flowENI{record: flowlog.Record{
		Fields:      flowlog.AllFields(11).Fields(),
		Version:     uint8(f.format.Version()),
		AccountID:   field(string(eni.Account)),
		InterfaceID: field(string(eni.ID)),
		VPCID:       field(string(eni.VPC)),
		SubnetID:    field(string(eni.Subnet)),
		InstanceID:  field(string(eni.Instance)),
	}}
	e.record.Fields &^= notTold
	if i := slices.IndexFunc(eni.Addrs, netip.Addr.Is4); i >= 0 {
		e.primary = eni.Addrs[i]
	}
	f.index[eni.ID] = len(f.enis)
	f.enis = append(f.enis, e)
	return len(f.enis) - 1
}

// notTold are the fields with numbers, of which nobody knows a value; empty strings
// are "-" by themselves.
var notTold = flowlog.Fields(flowlog.FieldTrafficPath, flowlog.FieldEncryptionStatus)

// ofFlows are the fields without a value in records without traffic.
var ofFlows = flowlog.Fields(
	flowlog.FieldSrcAddr, flowlog.FieldDstAddr, flowlog.FieldSrcPort, flowlog.FieldDstPort, flowlog.FieldProtocol,
	flowlog.FieldPackets, flowlog.FieldBytes, flowlog.FieldAction, flowlog.FieldTCPFlags, flowlog.FieldType,
	flowlog.FieldPktSrcAddr, flowlog.FieldPktDstAddr, flowlog.FieldFlowDirection,
)

// Observe implements [replay.Observer].
func (f *FlowLog) Observe(p *replay.Packet) error {
	now := p.Time.Unix()
	if !f.open || now >= f.window+f.interval {
		if err := f.endWindow(); err != nil {
			return err
		}
		f.window, f.open = p.Time.Truncate(time.Duration(f.interval)*time.Second).Unix(), true
	}
	if len(f.flows) >= maxFlows {
		if err := f.writeFlows(); err != nil {
			return err
		}
	}
	h := &p.Frame.Header
	hops := p.Outcome.Hops()
	for i, hop := range hops {
		if hop.Decision.Reason == sg.Exempt || !report.Readable(h) || recordedLater(hops[i:]) {
			continue
		}
		f.add(hop, h, now)
	}
	return nil
}

// recordedLater reports whether the first of some hops has no record of its own. A
// network ACL has none: what one denies is rejected at the interface on that side of the
// subnet's border, in place of what the interface's groups said (FL-03, NACL-65).
func recordedLater(hops []sg.Hop) bool {
	hop := &hops[0]
	if hop.Decision.Rule.ACL() != "" {
		return hop.Enforcer == nil || hop.Decision.Reason != sg.ACLDeny
	}
	for _, o := range hops[1:] {
		if o.Decision.Reason == sg.ACLDeny && o.Enforcer == hop.Enforcer && o.Direction == hop.Direction {
			return true
		}
	}
	return false
}

func (f *FlowLog) add(hop sg.Hop, h *packet.Header, now int64) {
	eni, ok := f.seen[hop.Enforcer]
	if !ok {
		if eni, ok = f.index[hop.Enforcer.ID()]; !ok {
			eni = f.addENI(&sg.ENI{ID: hop.Enforcer.ID()}) // that the topology given to us lacks
		}
		f.seen[hop.Enforcer] = eni
	}
	if hop.Decision.Verdict == sg.Unknown {
		f.enis[eni].skipped = true
		return
	}
	key := flowKey{h.Tuple(), hop.Direction, hop.Decision.Verdict, int32(eni)}
	if !hasPorts(h) {
		key.tuple.SrcPort, key.tuple.DstPort = 0, 0
	}
	i, ok := f.byKey[key]
	if !ok {
		i = len(f.flows)
		f.byKey[key] = i
		f.enis[eni].logged = true
		f.flows = append(f.flows, flow{key: key, first: now})
	}
	n := &f.flows[i]
	n.packets++
	n.bytes += uint64(h.Length)
	n.last = now
	n.tcpFlags |= loggedFlags(h.TCPFlags)
}

// shown is the address a record shows for the ENI's own side, also for an address of a
// delegated prefix, and for one that is not the ENI's (FL-06; VPC User Guide, "Flow log
// limitations", read 2026-11).
func (e *flowENI) shown(a netip.Addr) netip.Addr {
	if a.Is4() && e.primary.IsValid() {
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

// endWindow writes the records of a window. The last error is that of all: it stays with
// the writer.
func (f *FlowLog) endWindow() (err error) {
	if !f.open {
		return nil
	}
	err = f.writeFlows()
	for i := range f.enis {
		e := &f.enis[i]
		if e.skipped || !e.logged {
			r := e.record
			r.Fields &^= ofFlows
			r.Start, r.End, r.Status = f.window, f.window+f.interval-1, flowlog.NoData
			if e.skipped {
				r.Status = flowlog.SkipData
			}
			err = f.writeRecord(&r)
		}
		e.logged, e.skipped = false, false
	}
	f.open = false
	return err
}

// writeFlows writes the records of the flows so far, and forgets them.
func (f *FlowLog) writeFlows() (err error) {
	for i := range f.flows {
		err = f.writeFlow(&f.flows[i])
	}
	f.flows = f.flows[:0]
	clear(f.byKey)
	return err
}

func (f *FlowLog) writeFlow(n *flow) error {
	k := &n.key
	e := &f.enis[k.eni]
	r := e.record
	r.PktSrcAddr, r.PktDstAddr, r.Type = k.tuple.SrcAddr(), k.tuple.DstAddr(), "IPv4"
	if k.tuple.Family == packet.IPv6 {
		r.Type = "IPv6"
	}
	r.SrcAddr, r.DstAddr = r.PktSrcAddr, r.PktDstAddr
	if k.dir == sg.Egress {
		r.Direction, r.SrcAddr = flowlog.Egress, e.shown(r.SrcAddr)
	} else {
		r.Direction, r.DstAddr = flowlog.Ingress, e.shown(r.DstAddr)
	}
	r.SrcPort, r.DstPort, r.Protocol = k.tuple.SrcPort, k.tuple.DstPort, k.tuple.Protocol
	r.Packets, r.Bytes, r.Start, r.End = n.packets, n.bytes, n.first, n.last
	r.Action, r.Status, r.TCPFlags = flowlog.Reject, flowlog.OK, n.tcpFlags
	if k.verdict == sg.Accept {
		r.Action = flowlog.Accept
	}
	return f.writeRecord(&r)
}

func (f *FlowLog) writeRecord(r *flowlog.Record) error {
	if r.Start == (time.Time{}).Unix() { // of a capture without times
		r.Fields &^= flowlog.Fields(flowlog.FieldStart, flowlog.FieldEnd)
	}
	_, err := f.w.Write(append(f.format.AppendRecord(f.w.AvailableBuffer(), r), '\n'))
	return err
}

// Flush ends the window and writes what is left.
func (f *FlowLog) Flush() error {
	f.endWindow() // whose error the writer has too
	return f.w.Flush()
}
