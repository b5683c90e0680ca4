package packetlog

import (
	"io"
	"net/netip"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/replay"
)

// An Annotated is a [replay.Observer] that writes all packets to a pcapng file for
// Wireshark and others, as they were captured, and says of each in its comments what
// became of it:
//
//	accept, rule; in all drop, no_rule
//	web egress: web-sg egress[0] (all to 0.0.0.0/0)
//	db ingress: no ingress rule admits it
//	nearest: db-sg ingress[0]: port 5432, packet had 3306
//
// The first comment has verdict and reason at the interface of the file, in the text
// forms of [sg.Verdict] and [sg.Reason], and behind them those of the packet in all where
// the verdict is another. The next ones are the lines of [Text]. The last one is there where rules
// were asked in vain, and is the first of [sg.Enforcer.Near].
//
// Each ENI that meets packets is an interface of the file, with its name. A packet that
// meets two is there twice, outbound at the one and inbound at the other, with the same
// packet id, which is [replay.Packet.Number]; where the first one drops it, it is there once.
// A last interface, "no ENI", has what no ENI met. An ENI is several interfaces of the
// same name where its packets have several link types.
//
// Names of the ENIs' private addresses stand in front, of each that is of one ENI alone.
//
// The option for verdicts, epb_verdict, is not used: each of its kinds says that it was
// hardware or an eBPF program of Linux that decided, and here neither did
// (draft-ietf-opsawg-pcapng, section 4.3, read 2026-11).
//
// The zero Annotated is not usable; call [NewAnnotated], and Flush at the end.
type Annotated struct {
	w     *capture.Writer
	words *Text // says what there is to say
	topo  map[sg.ENIID]*sg.ENI
	via   sg.Via

	interfaces map[sg.ENIID]int // of the file; "" is no ENI
	comments   []string
	buf        []byte
	nearest    texts[nearKey]
}

// A nearKey is all that the rules look at, of packets that they do not admit.
type nearKey struct {
	eni       sg.ENIID
	direction sg.Direction
	tuple     packet.FiveTuple
	later     bool
	missing   packet.Missing
	appliance bool
}

// NewAnnotated returns an Annotated that writes to w, with names from topo, which must
// not change meanwhile. via is [replay.Options.Via].
func NewAnnotated(w io.Writer, topo *sg.Topology, via sg.Via) *Annotated {
	a := &Annotated{
		w: capture.NewWriter(w, capture.PcapNG, nil), via: via, topo: map[sg.ENIID]*sg.ENI{},
		words:      NewText(nil, replay.NamesOf(topo)),
		interfaces: map[sg.ENIID]int{},
	}
	for i := range topo.ENIs {
		a.topo[topo.ENIs[i].ID] = &topo.ENIs[i]
	}
	a.writeNames(topo)
	return a
}

// writeNames writes the names of addresses, which cannot fail before anything is
// flushed; if it does, the writer says so again.
func (a *Annotated) writeNames(topo *sg.Topology) {
	owners := map[netip.Addr]int{}
	for i := range topo.ENIs {
		for _, addr := range topo.ENIs[i].Addrs {
			owners[addr.Unmap()]++
		}
	}
	var names []capture.Name
	for i := range topo.ENIs {
		for _, addr := range topo.ENIs[i].Addrs {
			if addr = addr.Unmap().WithZone(""); owners[addr] == 1 {
				names = append(names, capture.Name{Addr: addr, Name: a.words.names.ENIName(topo.ENIs[i].ID)})
			}
		}
	}
	a.w.WriteNames(names)
}

// Observe implements [replay.Observer]. The error for a packet that pcapng cannot hold is a
// [*FrameError].
func (a *Annotated) Observe(p *replay.Packet) error {
	hops := p.Outcome.Hops()
	a.comments = a.words.appendWhy(append(a.comments[:0], ""), p) // "" is of the ENI, as write says
	for i := range hops {
		switch hops[i].Decision.Reason {
		case sg.NoRule, sg.MissingGroup, sg.MissingList, sg.UnknownReference:
			if s := a.near(p, &hops[i]); s != "" {
				a.comments = append(a.comments, s)
			}
		}
	}
	met := false
	for i := range hops {
		if hops[i].Decision.Rule.ACL() != "" {
			continue // it has no interface, and what it said is in the comments
		}
		met = true
		if err := a.write(p, &hops[i]); err != nil {
			return err
		}
	}
	if !met { // no interface did, or a network ACL kept it from the one that it was for
		return a.write(p, nil)
	}
	return nil
}

// Flush writes what is buffered.
func (a *Annotated) Flush() error { return a.w.Flush() }

// write writes the packet as an ENI met it, or as none did where hop is nil.
func (a *Annotated) write(p *replay.Packet, hop *sg.Hop) error {
	here := sg.Decision{Verdict: p.Outcome.Verdict, Reason: p.Outcome.Reason}
	var id sg.ENIID
	o := capture.PacketOptions{Comments: a.comments, ID: p.Number}
	if hop != nil {
		here, id = hop.Decision, hop.Enforcer.ID()
		o.Inbound, o.Outbound = hop.Direction == sg.Ingress, hop.Direction == sg.Egress
	}
	a.buf = appendVerdict(a.buf[:0], here.Verdict, here.Reason)
	if here.Verdict != p.Outcome.Verdict {
		a.buf = appendVerdict(append(a.buf, "; in all "...), p.Outcome.Verdict, p.Outcome.Reason)
	}
	a.comments[0] = string(a.buf)
	f := *p.Frame
	f.Interface = a.intf(id)
	return frameError(p, a.w.WriteFrameWith(&f, o))
}

func appendVerdict(b []byte, v sg.Verdict, r sg.Reason) []byte {
	b = append(b, v.String()...)
	if r != sg.NoReason {
		b = append(append(b, ", "...), r.String()...)
	}
	return b
}

// near is the comment about the rule that comes nearest, "" where there are none.
func (a *Annotated) near(p *replay.Packet, hop *sg.Hop) string {
	h, in := &p.Frame.Header, p.Asked(a.via)
	key := nearKey{hop.Enforcer.ID(), hop.Direction, h.Tuple(), h.LaterFragment(), h.Missing, in.Via.Appliance}
	if h.Protocol == packet.TCP || h.Protocol == packet.UDP {
		key.tuple.SrcPort = 0
	}
	text, ok := a.nearest.made[key]
	if !ok {
		if rules := hop.Enforcer.Near(hop.Direction, in); len(rules) > 0 {
			text = "nearest: " + a.words.names.Nearest(rules)
		}
		a.nearest.keep(key, text)
	}
	return text
}

// intf returns the number of an ENI's interface, for the writer.
func (a *Annotated) intf(id sg.ENIID) int {
	n, ok := a.interfaces[id]
	if ok {
		return n
	}
	n = len(a.interfaces)
	a.interfaces[id] = n
	d := capture.Interface{Name: "no ENI", Description: "packets that no ENI of the topology met"}
	if id != "" {
		d.Name, d.Description = a.words.names.ENIName(id), escape.Text(string(id))
		if e := a.topo[id]; e != nil {
			for _, g := range e.Groups {
				d.Description += " " + a.words.names.Group(g)
			}
		}
	}
	a.w.Describe(n, d)
	return n
}
