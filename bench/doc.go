// Package bench measures whole paths through sgsim's public API: raw frames to
// decisions, captures to reports, topologies to policies. Benchmarks of single
// functions sit beside the code they measure.
//
// The cases that a peer can do as well carry the key impl in their names, and the
// peers' own figures are measured by the nested module bench/peers on the same
// packets. Names and what they mean are the same in both:
//
//	impl    what is measured: sgsim or a peer, see bench/peer
//	path    established, new, denied, untracked, icmp: what the packet meets
//	kind    what decides about the first packet of a connection, see corpus.Kind
//	hops    interfaces that judge the packet
//	family  v4, v6
//	rules   rules of the interface in the packet's direction
//	enis    interfaces that packets are drawn for, of so many in the topology
//	conns   live connections, packets drawn from all of them
//	size    bytes of a frame; of a capture, the mean
//	flows   connections of a capture
//	version  of flow log records, all fields up to it; in: what they come as
//	cores   processors that may be used
//	prefetch  packets that the table is told of before the first of them is judged
//
// What a run does once, since it takes long, is in functions called Once, and in
// those called Kernel what needs Linux and root; reports count both to the
// benchmark without the suffix.
//
// Everything at once, interleaved with the peers, in tables with the goals:
//
//	go run ./bench/report
package bench
