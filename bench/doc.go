// Package bench measures whole paths through sgsim's public API: raw frames to
// decisions, captures to reports, topologies to policies. Benchmarks of single
// functions sit beside the code they measure.
//
// The names of benchmarks are keys and values:
//
//	impl      what is measured: sgsim, or one of those below
//	path      established, new, denied, untracked, icmp: what the packet meets
//	kind      what decides about the first packet of a connection, see corpus.Kind
//	hops      interfaces that judge the packet
//	family    v4, v6
//	rules     rules of the interface in the packet's direction
//	enis      interfaces that packets are drawn for, of so many in the topology
//	conns     live connections, packets drawn from all of them
//	size      bytes of a frame; of a capture, the mean
//	flows     connections of a capture
//	version   of flow log records, all fields up to it; in: what they come as
//	cores     processors that may be used
//	prefetch  packets that the table is told of before the first of them is judged
//
// sgsim keeps TCP state, timeouts and both directions in every case, tells groups and
// zones apart, and names the rule or the connection that decided. What the others are, and
// what they leave undone:
//
//	floor              what the machine takes: for a packet of a connection, one load that
//	                   nothing waits for, from memory as large as the table; for one of a
//	                   file, the load of its first byte
//	headers            the making of the headers that Track is given
//	hand               the cheapest correct parse of TCP over IPv4 in Ethernet to a key of 40
//	                   bytes: no other link type, VLAN, extension header, ICMP or fragment
//	walk               every rule of every group of the interface in order, membership in a
//	                   Go map; no connections, no change of rules
//	gomap-tracking     a Go map from a key of 40 bytes to 16, asked in either direction, the
//	                   new expiry written back; established TCP alone, nothing removes the dead
//	gomap              the same map, looked up: one direction, no state, no timeouts
//	gomap-netip        a Go map whose key has two netip.Addr, looked up
//	bart               gaissmai/bart, one table of the CIDRs of the rules: no ports, no
//	                   protocols, no groups, one prefix where several match
//	gopacket-newpacket gopacket's NewPacket, lazy, without copying: builds layers that can be
//	                   walked and printed
//	gopacket-parser    gopacket's DecodingLayerParser: no fragments, nothing of ICMP errors,
//	                   but more fields and options than a filter needs
//	tailscale          tailscale's net/packet and wgengine/filter: admits a TCP segment that is
//	                   not a SYN without looking, keeps 512 UDP flows, names no rule
//	gvisor             gVisor's connection tracking and iptables hooks on a parsed packet:
//	                   walks its rules for established packets too, so that rules=0 is nearest
//	                   to sgsim; translates addresses; ten million connections would take it
//	                   hours to open
//	nftables           nf_tables and nf_conntrack between two pairs of veth, less the time of
//	                   the same path without rules: a difference, so small figures are vague
//	pcapgo             gopacket's pcapgo.Reader: reads, and allocates each packet
//	pcapgo-zerocopy    the same without allocating
//	tcpdump            tcpdump -r FILE -w /dev/null: copies, decodes nothing; the start of a
//	                   process is in it
//	parser-map         pcapgo-zerocopy, gopacket-parser and a Go map of pairs of gopacket.Flow:
//	                   no state, no timeouts, no rules
//	tutorial           pcapgo, NewPacket and a Go map, as introductions have it
//
// The peers that are modules of others are measured by the nested module bench/peers, on
// the same packets and under the same names. Functions may end in Once for what takes long
// and runs in one round, in Kernel for what needs Linux and root, in Floor for impl=floor;
// reports count all of them to the benchmark without the ending.
//
// Everything at once, in turn with the peers:
//
//	cd bench/report && go run .
package bench
