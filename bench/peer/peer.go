// Package peer names what the benchmarks measure beside sgsim, and what each of
// them leaves undone, so that nobody is compared unfairly.
package peer

// An Impl is the value of the key impl in a benchmark's name.
type Impl string

// The implementations.
const (
	Sgsim      Impl = "sgsim"
	Hand       Impl = "hand"
	Walk       Impl = "walk"
	GoMapTrack Impl = "gomap-tracking"
	GoMap      Impl = "gomap"
	GoMapNetip Impl = "gomap-netip"
	Bart       Impl = "bart"
	NewPacket  Impl = "gopacket-newpacket"
	Parser     Impl = "gopacket-parser"
	Pcapgo     Impl = "pcapgo"
	PcapgoZero Impl = "pcapgo-zerocopy"
	Tutorial   Impl = "tutorial"
	ParserMap  Impl = "parser-map"
	Tailscale  Impl = "tailscale"
	Gvisor     Impl = "gvisor"
	Nftables   Impl = "nftables"
	Tcpdump    Impl = "tcpdump"
)

// A Peer says what an implementation is and what it does not do of what sgsim
// does in the same case.
type Peer struct {
	Impl
	What string
	Not  string
}

// Peers are all implementations but sgsim, in the order of their tables.
var Peers = []Peer{
	{Hand, "the cheapest correct parse: TCP over IPv4 in Ethernet II to a 40-byte key, lengths checked",
		"no other link type, no VLAN, no extension headers, no ICMP, no fragments, no record of what is missing"},
	{NewPacket, "gopacket v1.1.19, NewPacket, Lazy and NoCopy, network and transport layer asked for",
		"nothing left out; it builds layers that can be walked and printed, and allocates them"},
	{Parser, "gopacket v1.1.19, DecodingLayerParser over Ethernet, IPv4, IPv6, TCP, UDP, ICMP",
		"no fragments, no quoted packets of ICMP errors; more fields and options than a filter needs"},
	{GoMapTrack, "a Go map from a 40-byte pointer-free key to 16 bytes, asked in either direction; expiry and flags are tested and the new expiry is written back",
		"established TCP segments only: no other state, nothing that removes the dead"},
	{GoMap, "the same map, looked up",
		"one direction only, and the look-up alone: no TCP state, no timeouts, nothing written"},
	{GoMapNetip, "a Go map from a key with two netip.Addr to 8 bytes, looked up",
		"as gomap"},
	{Bart, "github.com/gaissmai/bart, one Table of the CIDRs of the rules, longest prefix looked up",
		"addresses only: no ports, no protocol, no groups, one prefix where several match, no connections"},
	{Walk, "every rule of every group of the ENI in order; group membership in a Go map",
		"no connections, no change of rules"},
	{Tailscale, "tailscale.com v1.102.5: net/packet and wgengine/filter RunIn",
		"admits every TCP segment that is not a SYN without looking anything up; UDP state for 512 flows; no timeouts, no groups that change, no rule in the answer"},
	{Gvisor, "gVisor netstack, connection tracking and iptables hooks, called on a parsed packet",
		"rules are walked for established packets too; no groups; a packet buffer is made for each packet; it translates addresses, which sgsim does not; a million connections are measured in one round, ten million, which would take a hundred times as long to open, not at all"},
	{Nftables, "Linux nf_tables and nf_conntrack between two veth ends in network namespaces; the time beyond the same path without rules",
		"nothing left out of the tracking, and sequence windows besides; groups only as sets of addresses; the difference of two runs, so small figures are uncertain"},
	{Pcapgo, "gopacket v1.1.19, pcapgo.Reader ReadPacketData",
		"reads only; allocates each packet"},
	{PcapgoZero, "gopacket v1.1.19, pcapgo.Reader ZeroCopyReadPacketData",
		"reads only"},
	{Tcpdump, "tcpdump -r FILE -w /dev/null",
		"copies packets only: no decoding, no state, no rules; includes the start of a process"},
	{ParserMap, "pcapgo ZeroCopy, DecodingLayerParser and a Go map keyed by the pair of gopacket.Flow",
		"no TCP state, no timeouts, no rules"},
	{Tutorial, "pcapgo ReadPacketData, gopacket.NewPacket Lazy and a Go map, as tutorials have it",
		"no TCP state, no timeouts, no rules"},
}
