package main

import (
	"fmt"

	"github.com/sgsim/sgsim/bench/corpus"
)

// The benchmarks that goals are about, with what varies left open.
const (
	decode4      = "Decode/impl=%s/frame=tcp4/size=64"
	track4       = "Track/impl=%s/family=v4/conns=%d"
	memoryOf     = "Memory/impl=%s/family=v4/conns=%d"
	established4 = "Evaluate/impl=%s/path=established/hops=1/family=v4/proto=tcp/rules=300/conns=%d"
	openAt       = "Open/impl=sgsim/kind=%%s/hops=1/rules=300/enis=%d"
	feed         = "ReplayMemory/impl=sgsim/size=354/flows=1000000/GB=%d"
	matchAt      = "Match/impl=sgsim/kind=%%s/rules=%d/enis=%d/of=%d"
)

// ahead ends the name of a benchmark whose table is told of a batch of packets
// before it is asked about the first.
const (
	ahead = "/prefetch=%d"
	batch = 32
)

// named fills a name in.
var named = fmt.Sprintf

var goals = []goal{
	{room: "packet", what: "decode TCP/IPv4, 64 bytes", measure: in(named(decode4, "sgsim")), unit: "ns", most: 10, pace: core, why: decoding,
		parts: []part{{"a parse by hand", in(named(decode4, "hand")), "ns"}}},
	{room: "packet", what: "the same, times the cheapest correct parse",
		measure: ratio(named(decode4, "sgsim"), named(decode4, "hand")), unit: "x", most: 2, why: decoding},
	{room: "packet", what: "allocations of a decode", measure: as(named(decode4, "sgsim"), "allocs/pkt", 1), most: 0},
	{room: "packet", what: "read and decode a file, 64 bytes, times pcapgo's zero-copy reader alone",
		measure: ratio("Capture/impl=sgsim/decode=yes/size=64", "Capture/impl=pcapgo-zerocopy/decode=no/size=64"), unit: "x", most: 1, why: decoding},
	{room: "packet", what: "the same, mean 354 bytes",
		measure: ratio("Capture/impl=sgsim/decode=yes/size=354", "Capture/impl=pcapgo-zerocopy/decode=no/size=354"), unit: "x", most: 1, why: decoding},

	track(10_000, 30, core),
	trackAhead(10_000, 30, core),
	track(1_000_000, 100, memory),
	trackAhead(1_000_000, 100, memory),
	track(10_000_000, 130, memory),
	trackAhead(10_000_000, 130, memory),
	againstMap(10_000),
	besideLookUp(10_000),
	againstMap(100_000),
	besideLookUp(100_000),
	againstMap(1_000_000),
	besideLookUp(1_000_000),
	againstMap(10_000_000),
	besideLookUp(10_000_000),
	{room: "conntrack", what: "allocations of a hit", measure: as(named(track4, "sgsim", 10_000), "allocs/pkt", 1), most: 0},
	{room: "conntrack", what: "memory of an IPv4 connection, 10 M of them", measure: as(named(memoryOf, "sgsim", 10_000_000), "B/conn", 1), unit: "B", most: 64, wish: 48, why: records},
	{room: "conntrack", what: "memory of an IPv6 connection, 1 M of them", measure: as("Memory/impl=sgsim/family=v6/conns=1000000", "B/conn", 1), unit: "B", most: 96, wish: 88, why: records},
	{room: "conntrack", what: "memory of 10 M IPv4 connections", measure: as(named(memoryOf, "sgsim", 10_000_000), "B/conn", 10e6/1e9), unit: "GB", most: 0.7, why: records},
	{room: "conntrack", what: "forced garbage collection, 10 M connections live, beyond that with none", measure: as(named(memoryOf, "sgsim", 10_000_000), "gc-ms", 1), unit: "ms", most: 10, pace: core, why: pauses},
	{room: "conntrack", what: "worst insert while growing to 10 M, by the processor time of sixteen in a row", measure: as(named(memoryOf, "sgsim", 10_000_000), "worst-cpu-us/16", 1e-3), unit: "ms", most: 1, pace: memory, why: pauses,
		parts: []part{{"the first touch of a page of 2 MiB, the longest of 256,", as("Floor/touch/KiB=2048", "worst-us", 1e-3), "ms"},
			{"of small pages, the longest of 131,072,", as("Floor/touch/KiB=4", "worst-us", 1e-3), "ms"}}},
	{room: "conntrack", what: "beside it: the worst single one by the clock, with what else the machine did", measure: as(named(memoryOf, "sgsim", 10_000_000), "worst-us", 1e-3), unit: "ms", beside: true},

	{room: "sg", what: "first packet at a busy ENI, 300 rules, admitted or dropped, worst kind", measure: worst(named(openAt, 1), "", kinds()...), unit: "ns", most: 250, wish: 120, pace: core, why: first,
		parts: []part{{"matching the rules alone", worst(named(matchAt, 300, 1, 100_000), "", kinds()...), "ns"},
			{"a packet that no rule admits, and so opens nothing,", in(named(named(openAt, 1), corpus.NoPeer)), "ns"}}},
	{room: "sg", what: "the same, no rule has the port", measure: in(named(named(openAt, 1), corpus.NoPort)), unit: "ns", most: 30, pace: core, why: firstNoPort,
		parts: []part{{"matching the rules alone", in(named(named(matchAt, 300, 1, 100_000), corpus.NoPort)), "ns"}}},
	{room: "sg", what: "first packet over 10,000 ENIs at random, worst kind", measure: worst(named(openAt, 10_000), "", kinds()...), unit: "ns", most: 850, wish: 400, pace: memory, why: firstCold,
		parts: []part{{"matching the rules alone", worst(named(matchAt, 300, 10_000, 100_000), "", kinds()...), "ns"}, waiting(10_000_000)}},
	{room: "sg", what: "matching 1,000 rules, times 300, worst kind", measure: worstRatio(named(matchAt, 1000, 1, 100), named(matchAt, 300, 1, 100), kinds()...), unit: "x", most: 1.5, wish: 1.1, why: first},
	{room: "sg", what: "allocations of a first packet, worst kind", measure: worst(named(openAt, 1), "allocs/pkt", kinds()...), most: 0},
	established(10_000, 40, 25, core),
	establishedAhead(10_000, 40, 25, core),
	established(1_000_000, 110, 70, memory),
	establishedAhead(1_000_000, 110, 70, memory),
	established(10_000_000, 140, 80, memory),
	establishedAhead(10_000_000, 140, 80, memory),
	{room: "sg", what: "allocations of a raw frame to decision, worst path", measure: worst("Evaluate/impl=sgsim/path=%s", "allocs/pkt",
		"established/hops=1/family=v4/proto=tcp/rules=300/conns=10000", "icmp/hops=1/family=v4/proto=icmp/rules=300/conns=10000",
		"untracked/hops=1/family=v4/proto=tcp/rules=300", "denied/hops=1/family=v4/proto=tcp/rules=300", "new/hops=1/family=v4/proto=tcp/rules=300"), most: 0},
	{room: "sg", what: "compile 10,000 ENIs, 5,000 groups of 60 rules", measure: as("Compile/impl=sgsim/enis=10000", "ns/op", 1e-9), unit: "s", most: 0.5, wish: 0.15, pace: core, why: compiling},
	{room: "sg", what: "compile 100,000 ENIs", measure: as("Compile/impl=sgsim/enis=100000", "ns/op", 1e-9), unit: "s", most: 1.2, wish: 0.4, pace: core, why: compiling},
	change("a membership", "membership", 1, 0.3),
	change("a rule", "rule", 20, 10),
	change("an entry of a prefix list", "entry", 10, 3),

	replay("64 bytes, 10,000 connections, one core", 64, 10_000, 8),
	replay("64 bytes, 200,000 connections, one core", 64, 200_000, 5),
	replay("mean 354 bytes, 10,000 connections, one core", 354, 10_000, 5),
	replay("mean 354 bytes, 200,000 connections, one core", 354, 200_000, 5),
	twoCores("64 bytes, 10,000 connections", 64, 10_000),
	twoCores("64 bytes, 200,000 connections", 64, 200_000),
	{room: "replay", what: "peak memory of replaying a capture of 20 GB, 1 M connections, times that of 1 GB",
		measure: ratioIn("peak-MB", named(feed, 20), named(feed, 1)), unit: "x", most: 1.05, why: buffers},
	{room: "replay", what: "beside it: that peak, table, buffers and report, for each connection", measure: as(named(feed, 20), "B/conn", 1), unit: "B", beside: true},
	{room: "replay", what: "to JSON Lines, 64 bytes, one core", measure: as("Replay/impl=sgsim/size=64/flows=10000/cores=1/out=jsonl", "Mpkt/s", 1), unit: "Mpkt/s", least: 1, pace: file, why: replaying},
}

func kinds() (s []string) {
	for _, k := range corpus.Kinds {
		s = append(s, string(k))
	}
	return s
}

func track(n int, most float64, p pace) goal {
	return goal{room: "conntrack", what: fmt.Sprintf("hit with TCP state update, %s connections", count(n)),
		measure: in(named(track4, "sgsim", n)), unit: "ns", most: most, pace: p, why: hit, parts: []part{waiting(n)}}
}

// trackAhead is track for a table that is told of packets ahead, as the goals were:
// what they come from worked on 32 packets at a time.
func trackAhead(n int, most float64, p pace) goal {
	return goal{room: "conntrack", what: fmt.Sprintf("the same, the table told of %d packets ahead, %s", batch, count(n)),
		measure: in(named(track4+ahead, "sgsim", n, batch)), unit: "ns", most: most, pace: p, why: hit}
}

// waiting is what one load costs that has to be waited for, of a table of n
// connections.
func waiting(n int) part {
	return part{"a load that has to be waited for", in(fmt.Sprintf("Floor/load=dependent/KiB=%d", floorKiB(n))), "ns"}
}

func againstMap(n int) goal {
	return goal{room: "conntrack", what: fmt.Sprintf("the same, times a Go map that does the same (either direction, expiry written back), %s", count(n)),
		measure: ratio(named(track4, "sgsim", n), named(track4, "gomap-tracking", n)), unit: "x", most: 0.4, why: hit}
}

func besideLookUp(n int) goal {
	return goal{room: "conntrack", what: fmt.Sprintf("beside it: times a Go map's bare look-up (one direction, nothing written), %s", count(n)),
		measure: ratio(named(track4, "sgsim", n), named(track4, "gomap", n)), unit: "x", beside: true}
}

func established(n int, most, wish float64, p pace) goal {
	return goal{room: "sg", what: fmt.Sprintf("established, raw frame to decision, %s connections", count(n)),
		measure: in(named(established4, "sgsim", n)), unit: "ns", most: most, wish: wish, pace: p, why: frame,
		parts: []part{{"decoding", in(named(decode4, "sgsim")), "ns"}, {"the table alone", in(named(track4, "sgsim", n)), "ns"}}}
}

func establishedAhead(n int, most, wish float64, p pace) goal {
	return goal{room: "sg", what: fmt.Sprintf("the same, packets that come %d at a time, the table told of them ahead, %s", batch, count(n)),
		measure: in(named(established4+ahead, "sgsim", n, batch)), unit: "ns", most: most, wish: wish, pace: p, why: frame}
}

func change(what, key string, most, wish float64) goal {
	return goal{room: "sg", what: "one change of " + what + ", 100,000 ENIs, until visible", pace: core, why: changes,
		measure: as("Change/impl=sgsim/change="+key+"/rules=300/enis=100000/conns=10000", "ns/change", 1e-3), unit: "us", most: most, wish: wish}
}

func replay(what string, size, flows int, least float64) goal {
	return goal{room: "replay", what: what, pace: file, why: replaying,
		measure: as(named("Replay/impl=sgsim/size=%d/flows=%d/cores=1", size, flows), "Mpkt/s", 1), unit: "Mpkt/s", least: least,
		parts: []part{
			{"reading and decoding the file alone", as(named("Capture/impl=sgsim/decode=yes/size=%d", size), "Mpkt/s", 1), "Mpkt/s"},
			{"tcpdump copying it", as(named("Replay/impl=tcpdump/size=%d/flows=%d/cores=1", size, flows), "Mpkt/s", 1), "Mpkt/s"},
		}}
}

func twoCores(what string, size, flows int) goal {
	one := named("Replay/impl=sgsim/size=%d/flows=%d/cores=1", size, flows)
	return goal{room: "replay", what: what + ", two cores, times one", pace: second, why: twoThreads,
		measure: ratio(one, named("Replay/impl=sgsim/size=%d/flows=%d/cores=2", size, flows)), unit: "x", least: 1.5,
		parts: []part{{"arithmetic in registers gains", ratio("Floor/spin/cores=1", "Floor/spin/cores=2"), "x"}}}
}
