package flowlog

import (
	"bytes"
	"net/netip"

	"github.com/sgsim/sgsim/packet"
)

// An End is one of the two ends of a record.
type End uint8

// The zero End is neither.
const (
	Source End = iota + 1
	Destination
)

// Evidence is what shows who opened a connection, the weakest first.
type Evidence uint8

// The zero Evidence is none.
const (
	// ByOrder: the other half's first packet was seen at least a second earlier.
	// Times are up to a minute off.
	ByOrder Evidence = iota + 1

	// BySmallerPort: both ports are ephemeral, or neither is, and the end with the
	// smaller one is taken for the server, but for NFS.
	BySmallerPort

	// ByPorts: only one port is ephemeral, 32768 or more. Its end opened.
	ByPorts

	// ByOtherRecord: flags of the other half of the pair, or of an earlier record of
	// this half, show it.
	ByOtherRecord

	// ByAddress: the destination is a multicast or broadcast address, which opens
	// no connections.
	ByAddress

	// ByFlags: the record's TCP flags have a SYN, its own or in a SYN-ACK.
	ByFlags

	numEvidence
)

var evidence = [numEvidence]string{"nothing", "order", "smaller port", "ports", "other record", "address", "flags"}

// String returns a word or two, such as "other record".
func (e Evidence) String() string { return wordOf(evidence[:], uint8(e)) }

// An Opening says who opened the connection of a record, and how that is known.
type Opening struct {
	By       End // the zero End: unknown
	Evidence Evidence

	// Answered: the interface also has a record of the other direction, at or before
	// this one.
	Answered bool
}

// Openers finds for each record of a log who opened its connection, from the record
// and from earlier ones of the same interface. It never looks ahead: if neither
// flags nor ports of a pair tell, its first half stays undecided. It does not ask
// the rules.
//
// It remembers a limited number of connections, and forgets those without a record
// for longest, half of all at a time. Make one with [NewOpeners]; it is for one
// goroutine.
type Openers struct {
	limit    int // of each generation
	now, old map[connKey]connSeen
}

// A connKey is a connection at an interface, for records of either direction.
type connKey struct {
	eni   string
	tuple packet.FiveTuple // the smaller end is Src
}

// connSeen is what records told about a connection. Ends are those of its connKey.
type connSeen struct {
	opener End      // by flags
	first  [2]int64 // start of the first record from Src and from Dst, Unix seconds
	seen   [2]bool
}

// NewOpeners returns Openers that remember the given number of connections; 0
// means 262144. Each takes about 200 bytes, and as much again until the next
// garbage collection.
func NewOpeners(connections int) *Openers {
	if connections <= 0 {
		connections = 1 << 18
	}
	return &Openers{limit: max(1, connections/2), now: map[connKey]connSeen{}, old: map[connKey]connSeen{}}
}

// Of says who opened the connection of r, and remembers what r tells for later
// records. Give it the records in their order. It allocates for a connection that it
// does not remember.
func (o *Openers) Of(r *Record) Opening {
	t := r.Tuple()
	if t.Family == 0 {
		return Opening{}
	}
	told := flagsTell(r)
	if t.Protocol.HasPorts() && (!r.Has(FieldSrcPort) || !r.Has(FieldDstPort)) {
		return strongest(r, told, Opening{}) // connections cannot be told apart
	}
	key, src := connOf(r, t)
	c := o.recall(key)
	dst := 1 - src

	before := Opening{Answered: c.seen[dst]}
	switch {
	case c.opener == endOf(src):
		before.By, before.Evidence = Source, ByOtherRecord
	case c.opener == endOf(dst):
		before.By, before.Evidence = Destination, ByOtherRecord
	case c.seen[dst] && r.Has(FieldStart) && c.first[dst] < r.Start && (!c.seen[src] || c.first[dst] < c.first[src]):
		before.By, before.Evidence = Destination, ByOrder
	case c.seen[dst] && c.seen[src] && c.first[src] < c.first[dst]:
		before.By, before.Evidence = Source, ByOrder
	}

	switch told {
	case Source:
		c.opener = endOf(src)
	case Destination:
		c.opener = endOf(dst)
	}
	if !c.seen[src] {
		c.seen[src], c.first[src] = true, r.Start
	}
	o.now[key] = c
	return strongest(r, told, before)
}

// recall returns what is known about a connection, and makes room for it.
func (o *Openers) recall(key connKey) connSeen {
	c, ok := o.now[key]
	if ok {
		return c
	}
	c = o.old[key]
	if len(o.now) >= o.limit {
		o.now, o.old = o.old, o.now
		clear(o.now)
	}
	return c
}

// connOf returns the connection of a record with tuple t, and which of its ends, 0
// or 1, is the record's source.
func connOf(r *Record, t packet.FiveTuple) (key connKey, src int) {
	order := bytes.Compare(t.Src[:], t.Dst[:])
	if order > 0 || order == 0 && t.SrcPort > t.DstPort {
		t.Src, t.Dst, t.SrcPort, t.DstPort = t.Dst, t.Src, t.DstPort, t.SrcPort
		src = 1
	}
	eni := r.InterfaceID
	if eni == "" {
		eni = r.ResourceID
	}
	return connKey{eni, t}, src
}

func endOf(i int) End { return End(i + 1) }

// strongest returns the strongest evidence from the record itself and those before it.
func strongest(r *Record, told End, before Opening) Opening {
	by, e := before.By, before.Evidence
	if p, pe := portsTell(r); pe > e {
		by, e = p, pe
	}
	if dst := r.Dst(); e < ByAddress && (dst.IsMulticast() || dst == broadcast) {
		by, e = Source, ByAddress
	}
	if told != 0 {
		by, e = told, ByFlags
	}
	return Opening{by, e, before.Answered}
}

var broadcast = netip.AddrFrom4([4]byte{255, 255, 255, 255})

// flagsTell reads tcp-flags: AWS counts an ACK only together with a SYN, so 16 is in
// the flags of the answering side, and 2 without 16 in those of the opening side
// (FL-07).
func flagsTell(r *Record) End {
	switch {
	case r.Protocol != packet.TCP || !r.Has(FieldTCPFlags):
		return 0
	case r.TCPFlags&packet.ACK != 0:
		return Destination
	case r.TCPFlags&packet.SYN != 0:
		return Source
	}
	return 0
}

// ephemeral is the first port that Linux gives to the side that opens a
// connection; Windows begins at 49152. ip-sysctl, ip_local_port_range.
const ephemeral = 32768

// nfs is the port of NFS, such as EFS, whose clients open from reserved ports: 512 to
// 1023 (Linux: 665 and up, sunrpc.min_resvport).
const nfs = 2049

func portsTell(r *Record) (End, Evidence) {
	if !r.Protocol.HasPorts() || !r.Has(FieldSrcPort) || !r.Has(FieldDstPort) || r.SrcPort == r.DstPort {
		return 0, 0
	}
	e := ByPorts
	if (r.SrcPort >= ephemeral) == (r.DstPort >= ephemeral) {
		e = BySmallerPort
	}
	low, high := min(r.SrcPort, r.DstPort), max(r.SrcPort, r.DstPort)
	if lowOpens := high == nfs && low >= 512 && low < 1024; (r.SrcPort == high) != lowOpens {
		return Source, e
	}
	return Destination, e
}
