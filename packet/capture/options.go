package capture

import (
	"encoding/binary"
	"math"
	"net/netip"
)

// PacketOptions are what a pcapng file can say about a packet besides its bytes.
// Zero fields are left out.
type PacketOptions struct {
	Comments []string // for people, in this order; only the first 65535 bytes of each
	ID       uint64   // the same for one packet wherever it was captured
	Inbound  bool     // the interface received it
	Outbound bool     // the interface sent it
}

// Numbers of pcapng options. draft-ietf-opsawg-pcapng, sections 3.5, 4.2 and 4.3.
const (
	optionEnd         = 0
	optionComment     = 1
	optionFlags       = 2 // of a packet
	optionPacketID    = 5
	optionName        = 2 // of an interface
	optionDescription = 3
	optionResolution  = 9
	optionOffset      = 14
)

func (o *PacketOptions) append(b []byte) []byte {
	for _, c := range o.Comments {
		b = appendOption(b, optionComment, c)
	}
	var buf [8]byte
	switch {
	case o.Inbound:
		b = appendOption(b, optionFlags, le(buf[:0], 1))
	case o.Outbound:
		b = appendOption(b, optionFlags, le(buf[:0], 2))
	}
	if o.ID != 0 {
		b = appendOption(b, optionPacketID, le(buf[:0], uint32(o.ID), uint32(o.ID>>32)))
	}
	if len(b) > 0 {
		b = appendOption(b, optionEnd, "")
	}
	return b
}

// appendOption appends an option, or a record of a name resolution block, which looks
// the same.
func appendOption[V string | []byte](b []byte, code uint16, value V) []byte {
	value = value[:min(len(value), math.MaxUint16)]
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	b = append(b, value...)
	return append(b, make([]byte, -len(value)&3)...)
}

// Describe sets the Name and Description, from i, of the interface that frames name
// with id, in place of what the frames' own file says. Call it before the first such
// frame.
func (w *Writer) Describe(id int, i Interface) { w.given[id] = i }

// A Name is what people call an address.
type Name struct {
	Addr netip.Addr // valid, without a zone
	Name string     // without zero bytes; only its first 1024 bytes are written
}

// maxNames is how many names go into a block: less than a megabyte.
const maxNames = 512

// WriteNames writes names of addresses, for readers of the file, in name resolution
// blocks. They hold for the whole file, so they are best written first. For a pcap
// file, which can hold none, it does nothing.
func (w *Writer) WriteNames(names []Name) error {
	if w.format != PcapNG {
		return nil
	}
	w.begin(0)
	var err error
	for ; len(names) > 0 && err == nil; names = names[min(len(names), maxNames):] {
		var records []byte
		for _, n := range names[:min(len(names), maxNames)] {
			record := uint16(2) // nrb_record_ipv6
			if n.Addr.Is4() {
				record = 1
			}
			value := append(n.Addr.AsSlice(), n.Name[:min(len(n.Name), 1024)]...)
			records = appendOption(records, record, append(value, 0))
		}
		err = w.writeBlock(blockNames, appendOption(records, optionEnd, ""), nil, nil)
	}
	return err
}
