package main

import (
	"fmt"
	"math"

	"github.com/sgsim/sgsim/bench/corpus"
)

// A goal is a figure that was set before the code was written. Exactly one of
// most and least is set.
type goal struct {
	room    string
	what    string
	measure measure
	unit    string
	most    float64
	least   float64
	wish    float64 // better than the goal, hoped for; 0 if there is none
	why     string  // what stands in the way; shown while the goal is missed
}

// A measure takes a figure from results; false if a part of it is missing.
type measure func(results) (stat, bool)

const evaluate4 = "Evaluate/impl=sgsim/path=%s/hops=1/family=v4/proto=%s/rules=300"

var goals = []goal{
	{room: "packet", what: "decode TCP/IPv4, 64 bytes", measure: in("Decode/impl=sgsim/frame=tcp4/size=64"), unit: "ns", most: 10},
	{room: "packet", what: "the same, times the cheapest correct parse",
		measure: ratio("Decode/impl=sgsim/frame=tcp4/size=64", "Decode/impl=hand/frame=tcp4/size=64"), unit: "x", most: 2},
	{room: "packet", what: "allocations of a decode", measure: as("Decode/impl=sgsim/frame=tcp4/size=64", "allocs/pkt", 1), most: 0},
	{room: "packet", what: "read and decode a file, 64 bytes, times pcapgo's zero-copy reader alone",
		measure: ratio("Capture/impl=sgsim/decode=yes/size=64", "Capture/impl=pcapgo-zerocopy/decode=no/size=64"), unit: "x", most: 1},
	{room: "packet", what: "the same, mean 354 bytes",
		measure: ratio("Capture/impl=sgsim/decode=yes/size=354", "Capture/impl=pcapgo-zerocopy/decode=no/size=354"), unit: "x", most: 1},

	track(10_000, 30),
	track(1_000_000, 100),
	track(10_000_000, 130),
	againstMap(10_000),
	againstMap(100_000),
	againstMap(1_000_000),
	againstMap(10_000_000),
	{room: "conntrack", what: "allocations of a hit", measure: as("Track/impl=sgsim/family=v4/conns=10000", "allocs/pkt", 1), most: 0},
	{room: "conntrack", what: "memory of an IPv4 connection, 10 M of them", measure: as("Memory/impl=sgsim/family=v4/conns=10000000", "B/conn", 1), unit: "B", most: 64, wish: 48},
	{room: "conntrack", what: "memory of an IPv6 connection, 1 M of them", measure: as("Memory/impl=sgsim/family=v6/conns=1000000", "B/conn", 1), unit: "B", most: 96, wish: 88},
	{room: "conntrack", what: "memory of 10 M IPv4 connections", measure: as("Memory/impl=sgsim/family=v4/conns=10000000", "B/conn", 10e6/1e9), unit: "GB", most: 0.7},
	{room: "conntrack", what: "forced garbage collection, 10 M connections live, beyond that with none", measure: as("Memory/impl=sgsim/family=v4/conns=10000000", "gc-ms", 1), unit: "ms", most: 10},
	{room: "conntrack", what: "worst single insert while growing to 10 M", measure: as("Memory/impl=sgsim/family=v4/conns=10000000", "worst-us", 1e-3), unit: "ms", most: 1},

	{room: "sg", what: "first packet at a busy ENI, 300 rules, admitted or dropped, worst kind", measure: worst("Open/impl=sgsim/kind=%s/hops=1/rules=300/enis=1", "", kinds()...), unit: "ns", most: 250, wish: 120},
	{room: "sg", what: "the same, no rule has the port", measure: in("Open/impl=sgsim/kind=no-port/hops=1/rules=300/enis=1"), unit: "ns", most: 30},
	{room: "sg", what: "first packet over 10,000 ENIs at random, worst kind", measure: worst("Open/impl=sgsim/kind=%s/hops=1/rules=300/enis=10000", "", kinds()...), unit: "ns", most: 850, wish: 400},
	{room: "sg", what: "matching 1,000 rules, times 300, worst kind", measure: worstRatio("Match/impl=sgsim/kind=%s/rules=1000/enis=1/of=100", "Match/impl=sgsim/kind=%s/rules=300/enis=1/of=100", kinds()...), unit: "x", most: 1.5, wish: 1.1},
	{room: "sg", what: "allocations of a first packet, worst kind", measure: worst("Open/impl=sgsim/kind=%s/hops=1/rules=300/enis=1", "allocs/pkt", kinds()...), most: 0},
	established(10_000, 40, 25),
	established(1_000_000, 110, 70),
	established(10_000_000, 140, 80),
	{room: "sg", what: "allocations of a raw frame to decision, worst path", measure: worst("Evaluate/impl=sgsim/path=%s", "allocs/pkt",
		"established/hops=1/family=v4/proto=tcp/rules=300/conns=10000", "icmp/hops=1/family=v4/proto=icmp/rules=300/conns=10000",
		"untracked/hops=1/family=v4/proto=tcp/rules=300", "denied/hops=1/family=v4/proto=tcp/rules=300", "new/hops=1/family=v4/proto=tcp/rules=300"), most: 0},
	{room: "sg", what: "compile 10,000 ENIs, 5,000 groups of 60 rules", measure: as("Compile/impl=sgsim/enis=10000", "ns/op", 1e-9), unit: "s", most: 0.5, wish: 0.15},
	{room: "sg", what: "compile 100,000 ENIs", measure: as("Compile/impl=sgsim/enis=100000", "ns/op", 1e-9), unit: "s", most: 1.2, wish: 0.4},
	change("membership", 1, 0.3),
	change("rule", 20, 10),
	change("entry", 10, 3),

	replay("64 bytes, 10,000 connections, one core", "size=64/flows=10000/cores=1", 8),
	replay("64 bytes, 200,000 connections, one core", "size=64/flows=200000/cores=1", 5),
	replay("mean 354 bytes, 10,000 connections, one core", "size=354/flows=10000/cores=1", 5),
	replay("mean 354 bytes, 200,000 connections, one core", "size=354/flows=200000/cores=1", 5),
	twoCores("64 bytes, 10,000 connections", "size=64/flows=10000"),
	twoCores("64 bytes, 200,000 connections", "size=64/flows=200000"),
	replay("to JSON Lines, 64 bytes, one core", "size=64/flows=10000/cores=1/out=jsonl", 1),
}

func kinds() (s []string) {
	for _, k := range corpus.Kinds {
		s = append(s, string(k))
	}
	return s
}

func track(n int, most float64) goal {
	return goal{room: "conntrack", what: fmt.Sprintf("hit with TCP state update, %s connections", count(n)),
		measure: in(fmt.Sprintf("Track/impl=sgsim/family=v4/conns=%d", n)), unit: "ns", most: most}
}

func againstMap(n int) goal {
	return goal{room: "conntrack", what: fmt.Sprintf("the same, times a Go map's bare look-up, %s", count(n)),
		measure: ratio(fmt.Sprintf("Track/impl=sgsim/family=v4/conns=%d", n), fmt.Sprintf("Track/impl=gomap/family=v4/conns=%d", n)), unit: "x", most: 0.4}
}

func established(n int, most, wish float64) goal {
	return goal{room: "sg", what: fmt.Sprintf("established, raw frame to decision, %s connections", count(n)),
		measure: in(fmt.Sprintf(evaluate4, "established", "tcp") + fmt.Sprintf("/conns=%d", n)), unit: "ns", most: most, wish: wish}
}

func change(what string, most, wish float64) goal {
	return goal{room: "sg", what: "one change of a " + what + ", 100,000 ENIs, until visible",
		measure: as("Change/impl=sgsim/change="+what+"/rules=300/enis=100000/conns=10000", "ns/change", 1e-3), unit: "us", most: most, wish: wish}
}

func replay(what, keys string, least float64) goal {
	return goal{room: "replay", what: what, measure: as("Replay/impl=sgsim/"+keys, "Mpkt/s", 1), unit: "Mpkt/s", least: least}
}

func twoCores(what, keys string) goal {
	return goal{room: "replay", what: what + ", two cores, times one",
		measure: ratio("Replay/impl=sgsim/"+keys+"/cores=1", "Replay/impl=sgsim/"+keys+"/cores=2"), unit: "x", least: 1.5}
}

// in is the benchmark's time.
func in(name string) measure {
	return func(r results) (stat, bool) { return r.ns(name) }
}

// as is another unit of the benchmark, scaled.
func as(name, unit string, scale float64) measure {
	return func(r results) (stat, bool) {
		s, ok := r.stat(name, unit)
		return stat{s.median * scale, s.min * scale, s.max * scale}, ok
	}
}

// ratio is the time of one benchmark over that of another: of their medians, and
// of the rounds one by one for the range.
func ratio(name, over string) measure {
	return func(r results) (stat, bool) {
		a, b := r[name][r.unit(name)], r[over][r.unit(over)]
		ma, ok := r.ns(name)
		mb, ok2 := r.ns(over)
		if !ok || !ok2 {
			return stat{}, false
		}
		s := stat{ma.median / mb.median, math.Inf(1), math.Inf(-1)}
		for i := range min(len(a), len(b)) {
			s.min, s.max = min(s.min, a[i]/b[i]), max(s.max, a[i]/b[i])
		}
		return s, true
	}
}

// worst is the largest of several benchmarks whose names a pattern makes; the
// time if unit is empty.
func worst(pattern, unit string, parts ...string) measure {
	return func(r results) (stat, bool) {
		var all []measure
		for _, p := range parts {
			name := fmt.Sprintf(pattern, p)
			u := unit
			if u == "" {
				u = r.unit(name)
			}
			all = append(all, as(name, u, 1))
		}
		return largest(r, all)
	}
}

func worstRatio(name, over string, parts ...string) measure {
	return func(r results) (stat, bool) {
		var all []measure
		for _, p := range parts {
			all = append(all, ratio(fmt.Sprintf(name, p), fmt.Sprintf(over, p)))
		}
		return largest(r, all)
	}
}

func largest(r results, all []measure) (worst stat, ok bool) {
	for i, m := range all {
		s, ok := m(r)
		if !ok {
			return stat{}, false
		}
		if i == 0 || s.median > worst.median {
			worst = s
		}
	}
	return worst, true
}

// outcome says in words whether the goal is reached.
func (g goal) outcome(s stat, measured bool) string {
	limit, missed := g.most, s.median > g.most
	factor := s.median / limit
	if g.least != 0 {
		limit, missed = g.least, s.median < g.least
		factor = limit / s.median
	}
	switch {
	case !measured:
		return "not measured"
	case !missed && g.wish != 0 && s.median <= g.wish:
		return fmt.Sprintf("reached, and the hoped-for %s", number(g.wish))
	case !missed:
		return "reached"
	case g.most == 0 && g.least == 0:
		return "missed" + because(g.why)
	}
	return fmt.Sprintf("missed, by %.2f x", factor) + because(g.why)
}

func because(why string) string {
	if why == "" {
		return ""
	}
	return ": " + why
}

// limit returns the goal as text: "<= 30 ns".
func (g goal) limit() string {
	if g.least != 0 {
		return fmt.Sprintf("≥ %s %s", number(g.least), g.unit)
	}
	return fmt.Sprintf("≤ %s %s", number(g.most), g.unit)
}

// number writes a figure with three significant digits and no exponent.
func number(v float64) string {
	switch a := math.Abs(v); {
	case v == math.Trunc(v) && a < 1e6:
		return fmt.Sprintf("%.0f", v)
	case a >= 100:
		return fmt.Sprintf("%.0f", v)
	case a >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// count writes a round number as people do.
func count(n int) string {
	switch {
	case n >= 1_000_000 && n%1_000_000 == 0:
		return fmt.Sprintf("%d M", n/1_000_000)
	case n >= 1000 && n%1000 == 0:
		return fmt.Sprintf("%d,000", n/1000)
	}
	return fmt.Sprint(n)
}
