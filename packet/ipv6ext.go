package packet

import (
	"encoding/binary"
	"math"
)

// Bounds on the extension headers of one packet. A chain is walked header by
// header, so without them one crafted packet could cost thousands of steps.
const (
	maxExtensions     = 64
	maxExtensionBytes = 2048
)

const (
	hopByHop    Protocol = 0
	routing     Protocol = 43
	fragment    Protocol = 44
	destOptions Protocol = 60
)

// isExtension reports whether p is an IPv6 header that Decode skips. AH and ESP
// are not: rules can name them, and they end a chain (CTS-45).
func (p Protocol) isExtension() bool {
	switch p {
	case hopByHop, routing, fragment, destOptions:
		return true
	}
	return false
}

// extensions is the result of walking a chain of extension headers.
type extensions struct {
	next       Protocol // after the chain, or the header that is not whole
	length     int      // bytes
	end        int      // bytes with the header that is not whole, at least
	fragOffset uint16
	moreFrags  bool
	fragID     uint32
	tooLong    bool
}

// skipExtensions walks the headers at the start of b, the first of which is next.
// ok is false if the chain is longer than b or than the bounds allow. The chain
// ends at a later fragment, which holds no more headers (RFC 8200, 4.5).
func skipExtensions(next Protocol, b []byte) (e extensions, ok bool) {
	e.next = next
	for range maxExtensions {
		if !e.next.isExtension() || e.fragOffset != 0 {
			return e, true
		}
		rest, size := b[e.length:], 8
		if e.next != fragment && len(rest) >= 2 {
			size += int(rest[1]) * 8
		}
		if e.end = e.length + size; e.end > maxExtensionBytes {
			break
		}
		if size > len(rest) {
			return e, false
		}
		// The first fragment header counts: one after it belongs to a datagram
		// that was already fragmented.
		if e.next == fragment && !e.moreFrags {
			word := binary.BigEndian.Uint16(rest[2:])
			e.fragOffset, e.moreFrags = word&^7, word&1 != 0
			e.fragID = binary.BigEndian.Uint32(rest[4:])
		}
		e.next = Protocol(rest[0])
		e.length += size
	}
	e.tooLong = true
	return e, false
}

// jumbo returns the payload length of an IPv6 packet whose length field is 0: that
// of its jumbo option (RFC 2675), or the rest of the frame if the payload is too
// long for the field, as segmentation offload leaves it, or if the capture cut the
// option off. Any other 0 is really 0.
func jumbo(b []byte, wire int) int {
	rest := wire - 40
	if rest <= 65535 {
		rest = 0
	}
	if Protocol(b[6]) != hopByHop {
		return rest
	}
	end := 48
	if len(b) >= 42 {
		end += int(b[41]) * 8
	}
	opts := b[min(42, len(b)):min(end, len(b))]
	for len(opts) >= 2 {
		switch {
		case opts[0] == 0: // Pad1
			opts = opts[1:]
			continue
		case opts[0] == 0xc2 && opts[1] == 4 && len(opts) >= 6:
			if n := binary.BigEndian.Uint32(opts[2:]); n > 65535 && n <= math.MaxInt32-40 {
				return int(n)
			}
			return 0
		}
		opts = opts[min(len(opts), 2+int(opts[1])):]
	}
	if len(b) < end { // the capture may have cut the option off
		return rest
	}
	return 0
}
