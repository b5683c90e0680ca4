package capture

import (
	"errors"
	"io"
	"iter"
	"net"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/sgsim/sgsim/packet"
)

// A Source yields the packets of a gopacket source. Use it from one goroutine at a
// time.
type Source struct {
	read  func() ([]byte, gopacket.CaptureInfo, error)
	link  packet.LinkType
	frame Frame
}

// NewSource wraps src, whose frames are of type link: for gopacket's LinkType()
// methods, packet.LinkType(handle.LinkType()). If src can read without copying, it
// does. If src names each packet's link type itself, as pcapgo's NgReader does when
// asked for mixed link types, that type counts.
func NewSource(src gopacket.PacketDataSource, link packet.LinkType) *Source {
	read := src.ReadPacketData
	if z, ok := src.(gopacket.ZeroCopyPacketDataSource); ok {
		read = z.ZeroCopyReadPacketData
	}
	return &Source{read: read, link: link}
}

// Frames yields the packets of the source as they come. Frame.Interface is the
// source's InterfaceIndex. The loop ends silently at io.EOF. Any other error it
// yields as the source returned it, and ends; after a network timeout it just reads
// again. A second loop goes on with the next packet, so a caller can continue after
// an error that it knows to be temporary.
func (s *Source) Frames() iter.Seq2[*Frame, error] {
	return func(yield func(*Frame, error) bool) {
		fr := &s.frame
		for {
			data, ci, err := s.read()
			if err != nil {
				var n net.Error
				if errors.As(err, &n) && n.Timeout() {
					continue
				}
				if err != io.EOF {
					yield(nil, err)
				}
				return
			}
			fr.LinkType = s.link
			if len(ci.AncillaryData) > 0 {
				if l, ok := ci.AncillaryData[0].(layers.LinkType); ok {
					fr.LinkType = packet.LinkType(l)
				}
			}
			fr.Data, fr.Length = data, ci.Length
			fr.Time, fr.Interface = time.Time{}, ci.InterfaceIndex
			if expressible(ci.Timestamp.Unix()) {
				fr.Time = ci.Timestamp.UTC()
			}
			fr.Number++
			fr.decode()
			if !yield(fr, nil) {
				return
			}
		}
	}
}
