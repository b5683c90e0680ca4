package packet

import (
	"strconv"
	"strings"
)

// protocolNames are the keywords of IANA's Assigned Internet Protocol Numbers, by number and
// in lower case; empty where there is none.
var protocolNames = [...]string{
	"hopopt", "icmp", "igmp", "ggp", "ipv4", "st", "tcp", "cbt", "egp", "igp", "bbn-rcc-mon",
	"nvp-ii", "pup", "argus", "emcon", "xnet", "chaos", "udp", "mux", "dcn-meas", "hmp", "prm",
	"xns-idp", "trunk-1", "trunk-2", "leaf-1", "leaf-2", "rdp", "irtp", "iso-tp4", "netblt",
	"mfe-nsp", "merit-inp", "dccp", "3pc", "idpr", "xtp", "ddp", "idpr-cmtp", "tp++", "il",
	"ipv6", "sdrp", "ipv6-route", "ipv6-frag", "idrp", "rsvp", "gre", "dsr", "bna", "esp", "ah",
	"i-nlsp", "swipe", "narp", "mobile", "tlsp", "", "ipv6-icmp", "ipv6-nonxt", "ipv6-opts", "",
	"cftp", "", "sat-expak", "kryptolan", "rvd", "ippc", "", "sat-mon", "visa", "ipcv", "cpnx",
	"cphb", "wsn", "pvp", "br-sat-mon", "sun-nd", "wb-mon", "wb-expak", "iso-ip", "vmtp",
	"secure-vmtp", "vines", "ttp", "nsfnet-igp", "dgp", "tcf", "eigrp", "ospfigp", "sprite-rpc",
	"larp", "mtp", "ax.25", "ipip", "micp", "scc-sp", "etherip", "encap", "", "gmtp", "ifmp",
	"pnni", "pim", "aris", "scps", "qnx", "a/n", "ipcomp", "snp", "compaq-peer", "ipx-in-ip",
	"vrrp", "pgm", "", "l2tp", "dd", "iatp", "stp", "srp", "uti", "smp", "sm", "ptp",
	"isis-over-ipv4", "fire", "crtp", "crudp", "sscopmce", "iplt", "sps", "pipe", "sctp", "fc",
	"rsvp-e2e-ignore", "mobility-header", "udplite", "mpls-in-ip", "manet", "hip", "shim6",
	"wesp", "rohc",
}

// String returns IANA's name in lower case, "tcp" or "gre", and "icmpv6" for ICMPv6; the
// number where there is no name or where that means something else to most: 4 and 41 are
// no "ipv4" and "ipv6", 27 is not the "rdp" of remote desktops, "a/n" looks like two words,
// and 0 is the first of all more than it is "hopopt". [ParseProtocol] reads all of these.
func (p Protocol) String() string {
	switch p {
	case ICMPv6:
		return "icmpv6"
	case 0, 4, 27, 41, 107:
		return p.Number()
	}
	if int(p) < len(protocolNames) && protocolNames[p] != "" {
		return protocolNames[p]
	}
	return p.Number()
}

// Number returns the number as text.
func (p Protocol) Number() string { return strconv.Itoa(int(p)) }

// ParseProtocol reads any of IANA's names, "icmpv6" or "icmp6", in either case, or a number
// up to 255, and reports whether it is one.
func ParseProtocol(s string) (Protocol, bool) {
	for i, name := range protocolNames {
		if name != "" && strings.EqualFold(s, name) {
			return Protocol(i), true
		}
	}
	if strings.EqualFold(s, "icmpv6") || strings.EqualFold(s, "icmp6") {
		return ICMPv6, true
	}
	n, err := strconv.ParseUint(s, 10, 8)
	return Protocol(n), err == nil
}
