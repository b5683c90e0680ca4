package sgtest

import (
	"encoding/binary"
	"io"
	"net/netip"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
)

// A tap writes what is sent to a capture file.
type tap struct {
	w      *capture.Writer
	number int
	err    error // the first error; nothing is written after it
	buf    []byte
}

// Capture writes every packet sent from now on to w, as pcapng, for Wireshark and for
// package capture. Its time is that of the network's clock. Dropped packets are
// written too; they just get no answer. Packets of [Network.Dial] and [Network.Send]
// have zeros as payload; claims send nothing.
//
// w is complete once stop has been called, which returns the first error. For
// protocols other than TCP, UDP and ICMP, only the IP header is real.
func (n *Network) Capture(w io.Writer) (stop func() error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := &tap{w: capture.NewWriter(w, capture.PcapNG, nil)}
	n.taps = append(n.taps, t)
	return func() error {
		n.mu.Lock()
		defer n.mu.Unlock()
		for i, o := range n.taps {
			if o == t {
				n.taps = append(n.taps[:i:i], n.taps[i+1:]...)
				if err := t.w.Flush(); t.err == nil {
					t.err = err
				}
			}
		}
		return t.err
	}
}

func (t *tap) write(n *Network, h *packet.Header, data []byte, at time.Time) {
	if t.err != nil {
		return
	}
	hint := n.whole
	if h.TCPFlags&packet.SYN != 0 {
		ports := packet.TCPHeader(netip.AddrPortFrom(h.SrcAddr(), 0), netip.AddrPortFrom(h.DstAddr(), 0), 0)
		hint = n.mtu(h.SrcAddr()) - int(ports.Length)
	}
	t.buf = appendIP(t.buf[:0], h, data, hint)
	t.number++
	t.err = t.w.WriteFrame(&capture.Frame{
		Time: at, Number: t.number, LinkType: packet.LinkRaw, Length: len(t.buf), Data: t.buf,
	})
}

// appendIP appends the packet that h describes. hint is what a header does not say: the
// maximum segment size in a SYN's options, or for a first fragment the length of its
// datagram.
func appendIP(b []byte, h *packet.Header, data []byte, hint int) []byte {
	start := len(b)
	next := byte(h.Protocol)
	src, dst := h.SrcAddr().AsSlice(), h.DstAddr().AsSlice()
	if h.Family == packet.IPv4 {
		word := h.FragOffset / 8
		switch {
		case h.MoreFrags:
			word |= 0x2000
		case !h.Fragment():
			word |= 0x4000 // do not fragment
		}
		b = append(b, 0x45, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(h.Length))
		b = binary.BigEndian.AppendUint16(b, uint16(h.FragID))
		b = binary.BigEndian.AppendUint16(b, word)
		b = append(b, h.HopLimit, next, 0, 0)
		b = append(append(b, src...), dst...)
		binary.BigEndian.PutUint16(b[start+10:], checksum(b[start:], 0))
	} else {
		if h.Fragment() {
			next = 44
		}
		b = append(b, 0x60, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(h.Length-40))
		b = append(b, next, h.HopLimit)
		b = append(append(b, src...), dst...)
		if h.Fragment() {
			word := h.FragOffset
			if h.MoreFrags {
				word |= 1
			}
			b = append(b, byte(h.Protocol), 0)
			b = binary.BigEndian.AppendUint16(b, word)
			b = binary.BigEndian.AppendUint32(b, h.FragID)
		}
	}
	body := len(b)
	if !h.LaterFragment() {
		b = appendTransport(b, h, int(h.Length-h.PayloadLen)-(body-start), hint)
	}
	b = append(b, data...)
	b = append(b, make([]byte, max(int(h.Length)-(len(b)-start), 0))...)
	if at := checksumAt(h); at >= 0 && !h.Fragment() {
		sum := uint32(h.Protocol) + uint32(len(b)-body)
		if h.Protocol == packet.ICMP {
			sum = 0
		} else {
			sum = sumOf(sumOf(sum, src), dst)
		}
		binary.BigEndian.PutUint16(b[body+at:], checksum(b[body:], sum))
	}
	return b
}

// appendTransport appends a transport header of some length, bytes.
func appendTransport(b []byte, h *packet.Header, length, hint int) []byte {
	switch h.Protocol {
	case packet.TCP:
		b = binary.BigEndian.AppendUint16(b, h.SrcPort)
		b = binary.BigEndian.AppendUint16(b, h.DstPort)
		b = binary.BigEndian.AppendUint32(b, h.Seq)
		b = binary.BigEndian.AppendUint32(b, h.Ack)
		b = append(b, byte(length)<<2, byte(h.TCPFlags))
		b = binary.BigEndian.AppendUint16(b, h.Window)
		b = append(b, 0, 0, 0, 0)
		if length == 20+optionBytes {
			b = append(b, 2, 4, byte(hint>>8), byte(hint), 1, 3, 3, windowShift)
		}
	case packet.UDP:
		b = binary.BigEndian.AppendUint16(b, h.SrcPort)
		b = binary.BigEndian.AppendUint16(b, h.DstPort)
		if !h.MoreFrags {
			hint = int(h.PayloadLen) + udpHeader
		}
		b = binary.BigEndian.AppendUint16(b, uint16(hint))
		b = append(b, 0, 0)
	case packet.ICMP, packet.ICMPv6:
		b = append(b, h.ICMPType, h.ICMPCode, 0, 0)
		b = binary.BigEndian.AppendUint16(b, h.ICMPID)
		b = append(b, 0, 0)
	}
	return b
}

// checksumAt returns where the transport header of a packet has its checksum; -1 if
// it is not known.
func checksumAt(h *packet.Header) int {
	switch h.Protocol {
	case packet.TCP:
		return 16
	case packet.UDP:
		return 6
	case packet.ICMP, packet.ICMPv6:
		return 2
	}
	return -1
}

// checksum is that of RFC 1071, over b and the bytes already in sum. It is never
// zero, which UDP would read as no checksum.
func checksum(b []byte, sum uint32) uint16 {
	sum = sumOf(sum, b)
	if c := ^uint16(sum); c != 0 {
		return c
	}
	return 0xffff
}

// sumOf returns the ones' complement sum of sum and the words of b.
func sumOf(sum uint32, b []byte) uint32 {
	total := uint64(sum)
	for ; len(b) > 1; b = b[2:] {
		total += uint64(b[0])<<8 | uint64(b[1])
	}
	if len(b) > 0 {
		total += uint64(b[0]) << 8
	}
	for total > 0xffff {
		total = total>>16 + total&0xffff
	}
	return uint32(total)
}
