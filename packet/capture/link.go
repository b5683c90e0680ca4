package capture

import (
	"bytes"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/sgsim/sgsim/packet"
)

var ipLayers = gopacket.NewLayerClass([]gopacket.LayerType{layers.LayerTypeIPv4, layers.LayerTypeIPv6})

// decodeOther decodes frames of link types that packet.Decode does not read, such as
// 802.11 with its radio headers, FDDI and PFLOG: gopacket finds the IP header, and
// packet.Decode reads from there on. It allocates, as gopacket does.
func decodeOther(link packet.LinkType, frame []byte, length int, h *packet.Header) error {
	switch link {
	case packet.LinkType(layers.LinkTypeFDDI),
		packet.LinkType(layers.LinkTypeIEEE802_11),
		packet.LinkType(layers.LinkTypePFLog),
		packet.LinkType(layers.LinkTypePrismHeader),
		packet.LinkType(layers.LinkTypeIEEE80211Radio):
	default:
		return packet.ErrLinkType
	}
	frame = bytes.Clone(frame) // gopacket moves bytes within it, the padding of radio headers
	p := gopacket.NewPacket(frame, layers.LinkType(link), gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	ip := p.LayerClass(ipLayers)
	if ip == nil && p.ErrorLayer() != nil && len(frame) < length {
		return packet.ErrCut
	}
	if ip == nil {
		return packet.ErrNotIP
	}
	// Layers are slices of the frame, so the capacity left after the start of one
	// tells its offset.
	header := ip.LayerContents()
	off := cap(frame) - cap(header)
	if off < 0 || off >= len(frame) || len(header) == 0 || &frame[off] != &header[0] {
		return packet.ErrNotIP
	}
	return packet.Decode(packet.LinkRaw, frame[off:], max(length-off, 0), h)
}
