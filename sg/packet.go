package sg

import (
	"fmt"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// A Packet is a packet in transit: its header, its time, and what its bytes do not
// tell. Nothing of it is kept, so the header may be reused.
type Packet struct {
	// Header is what [packet.Decode] read, or one of that package's constructors made.
	Header *packet.Header

	// Time must be one that [time.Time.UnixNano] can express, or the zero Time before
	// any other. A damaged timestamp outside that range, or far in the future, would
	// stop the connections' clock, which never runs backwards.
	Time time.Time

	Via Via

	// Err is the error of [packet.Decode], not wrapped; nil for nearly all packets.
	// Header holds what could be read before it. Such a packet is dropped as Cut or
	// Malformed, and no connection sees it. A frame without IP is not applicable: ARP
	// passes below security groups (EX-09).
	Err error

	placed bool // the caller named the ENI; it need not own an address of the packet
}

// Via tells about a packet's path what its bytes do not. The zero Via is the
// plain path inside the network.
type Via struct {
	// Appliance: routes lead through a middlebox, so no rule that names a group
	// matches (REF-12).
	Appliance bool

	// Tracked: AWS tracks every flow on the path, as through a Network Load
	// Balancer or a NAT gateway (CT-14). If one end is the interface of such a thing, in
	// the same VPC, that is known without.
	Tracked bool

	// Through is the interface of a Network Load Balancer or an Instance Connect
	// Endpoint through which the packet came with its client's address. At the
	// receiver the packet counts as sent by a member of that interface's groups.
	Through ENIID

	// VPC is that of the ends with an address that exists in several VPCs: no other ENI
	// with the address is meant, as a member of a group neither. Other ends need it not,
	// and if no ENI in it has the address, it decides nothing.
	VPC VPCID
}

// String returns those of "appliance", "tracked", "through=eni-nlb" and "vpc=vpc-1" that
// apply, separated by commas, or "".
func (v Via) String() string {
	var words []string
	if v.Appliance {
		words = append(words, "appliance")
	}
	if v.Tracked {
		words = append(words, "tracked")
	}
	if v.Through != "" {
		words = append(words, throughText+string(v.Through))
	}
	if v.VPC != "" {
		words = append(words, vpcText+string(v.VPC))
	}
	return strings.Join(words, ",")
}

const (
	throughText = "through="
	vpcText     = "vpc="
)

// MarshalText returns the text form.
func (v Via) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the text form; "nlb" is another word for "tracked".
func (v *Via) UnmarshalText(b []byte) error {
	var via Via
	if len(b) > 0 {
		for word := range strings.SplitSeq(string(b), ",") {
			through, named := strings.CutPrefix(word, throughText)
			vpc, inVPC := strings.CutPrefix(word, vpcText)
			switch {
			case word == "appliance":
				via.Appliance = true
			case word == "tracked", word == "nlb": // most people think of a load balancer
				via.Tracked = true
			case named && through != "":
				via.Through = ENIID(through)
			case inVPC && vpc != "":
				via.VPC = VPCID(vpc)
			default:
				return fmt.Errorf("%q: not appliance, tracked, nlb, through=ENI or vpc=ID", word)
			}
		}
	}
	*v = via
	return nil
}

// refusal returns the verdict on a packet with an Err. It compares with ==, since
// errors.Is would put the packet's header on the heap.
func refusal(err error) (Verdict, Reason) {
	switch err {
	case packet.ErrNotIP, packet.ErrLinkType:
		return NotApplicable, NotIP
	case packet.ErrCut:
		return Unknown, Cut
	}
	return Drop, Malformed
}
