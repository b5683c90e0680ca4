package packet

import "strconv"

// linkNames are the link types that Decode reads and others that users are likely
// to have, under their names at tcpdump.org in lower case.
var linkNames = map[LinkType]string{
	LinkNull: "null", LinkEthernet: "ethernet", LinkPPP: "ppp", LinkPPPHDLC: "ppp-hdlc", LinkPPPoE: "pppoe",
	LinkRaw: "raw", LinkHDLC: "hdlc", LinkLoop: "loop", LinkSLL: "sll", LinkPPPD: "pppd", LinkPPPDir: "ppp-dir",
	LinkMPLS: "mpls", LinkIPv4: "ipv4", LinkIPv6: "ipv6", LinkNFLOG: "nflog", LinkSLL2: "sll2",
	linkRaw12: "raw", linkRaw14: "raw",

	3: "ax25", 6: "ieee802.5", 7: "arcnet-bsd", 8: "slip", 10: "fddi", 99: "symantec-firewall", 100: "atm-rfc1483",
	105: "ieee802.11", 106: "atm-clip", 107: "frelay", 109: "enc", 114: "ltalk", 117: "pflog",
	119: "ieee802.11-prism", 122: "ip-over-fc", 123: "sunatm", 127: "ieee802.11-radiotap", 129: "arcnet-linux",
	138: "apple-ip-over-ieee1394", 139: "mtp2-with-phdr", 140: "mtp2", 141: "mtp3", 142: "sccp", 143: "docsis",
	144: "linux-irda", 163: "ieee802.11-avs", 165: "bacnet-ms-tp", 169: "gprs-llc", 177: "linux-lapd",
	182: "mfr", 187: "bluetooth-hci-h4", 189: "usb-linux", 190: "can20b", 192: "ppi", 195: "ieee802.15.4",
	197: "erf", 201: "bluetooth-hci-h4-with-phdr", 202: "ax25-kiss", 203: "lapd", 205: "hdlc-with-dir",
	206: "frelay-with-dir", 207: "lapb-with-dir", 209: "i2c-linux", 210: "flexray", 212: "lin",
	215: "ieee802.15.4-nonask-phy", 220: "usb-linux-mmapped", 224: "fc-2", 225: "fc-2-with-frame-delims",
	226: "ipnet", 227: "can-socketcan", 230: "ieee802.15.4-nofcs", 231: "dbus", 235: "dvb-ci", 236: "mux27010",
	237: "stanag-5066", 240: "netanalyzer", 241: "netanalyzer-transparent", 242: "ipoib", 243: "mpeg-2-ts",
	244: "ng40", 245: "nfc-llcp", 247: "infiniband", 248: "sctp", 249: "usbpcap", 250: "rtac-serial",
	251: "bluetooth-le-ll", 253: "netlink", 254: "bluetooth-linux-monitor", 255: "bluetooth-bredr-bb",
	256: "bluetooth-le-ll-with-phdr", 257: "profibus-dl", 258: "pktap", 259: "epon", 264: "iso-14443",
	265: "rds", 266: "usb-darwin", 268: "sdlc", 270: "loratap", 271: "vsock", 272: "nordic-ble",
	273: "docsis31-xra31", 274: "ethernet-mpacket", 275: "displayport-aux", 279: "ebhscr", 280: "vpp-dispatch",
	281: "dsa-tag-brcm", 282: "dsa-tag-brcm-prepend", 283: "ieee802.15.4-tap", 284: "dsa-tag-dsa",
	285: "dsa-tag-edsa", 287: "z-wave-serial", 288: "usb-2.0", 289: "atsc-alp", 290: "etw",
}

// String returns a short name such as "ethernet", or "link type 302" if none is
// known.
func (l LinkType) String() string {
	if s, ok := linkNames[l]; ok {
		return s
	}
	if 147 <= l && l <= 162 {
		return "user" + strconv.Itoa(int(l-147))
	}
	return "link type " + strconv.Itoa(int(l))
}
