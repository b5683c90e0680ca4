package main

import (
	"fmt"
	"slices"
	"strings"
)

// A yardstick is something that no code of sgsim is part of and that was measured
// on the machine, and on the day, that the goals were set by. What it takes now,
// times what it took then, says how much of a missed goal is the machine's.
type yardstick struct {
	pace    pace
	what    string
	measure measure
	unit    string
	then    float64
}

// A pace is what of a machine a goal depends on. The empty one is nothing.
type pace string

const (
	core   pace = "core"   // instructions and the nearest caches
	memory pace = "memory" // waiting for memory
	file   pace = "file"   // a capture out of the page cache
	second pace = "second" // what a second processor adds
)

var yardsticks = []yardstick{
	{core, "dependent load, 16 KiB", in("Floor/load=dependent/KiB=16"), "ns", 2.6},
	{core, "dependent load, 1 MiB, small pages", in("Floor/load=dependent/KiB=1024"), "ns", 10.3},
	{core, "parse of a TCP/IPv4 frame to a key, by hand", in("Decode/impl=hand/frame=tcp4/size=64"), "ns", 7.2},
	{core, "tailscale's net/packet decoding it", in("Decode/impl=tailscale/frame=tcp4/size=64"), "ns", 12.1},
	{core, "gopacket.NewPacket decoding it", in("Decode/impl=gopacket-newpacket/frame=tcp4/size=64"), "ns", 1229},
	{core, "Go map look-up, 1,000 connections", in("Track/impl=gomap/family=v4/conns=1000"), "ns", 38},
	{memory, "dependent load, 512 MiB, large pages", in("Floor/load=dependent/KiB=524288"), "ns", 178},
	{memory, "independent loads, 512 MiB, large pages", in("Floor/load=independent/KiB=524288"), "ns", 15},
	{memory, "Go map look-up, 1 M connections", in("Track/impl=gomap/family=v4/conns=1000000"), "ns", 336},
	{memory, "Go map look-up, 10 M connections", in("Track/impl=gomap/family=v4/conns=10000000"), "ns", 498},
	{file, "mapped file, first byte of each packet, 64 bytes", in("Floor/walk/size=64"), "ns", 12},
	{file, "the same, mean 354 bytes", in("Floor/walk/size=354"), "ns", 60},
	{file, "pcapgo's zero-copy reader, 64 bytes", in("Capture/impl=pcapgo-zerocopy/decode=no/size=64"), "ns", 54},
	{file, "the same, mean 354 bytes", in("Capture/impl=pcapgo-zerocopy/decode=no/size=354"), "ns", 106},
	{file, "tcpdump copying the file, 64 bytes", in("Replay/impl=tcpdump/size=64/flows=10000/cores=1"), "ns", 137},
	{file, "the same, mean 354 bytes", in("Replay/impl=tcpdump/size=354/flows=10000/cores=1"), "ns", 210},
	{second, "arithmetic in registers on two processors, part of the time on one", ratio("Floor/spin/cores=2", "Floor/spin/cores=1"), "", 0.5},
}

// factor is the median over the pace's yardsticks of now over then.
func (p pace) factor(r results) (float64, bool) {
	var f []float64
	for _, y := range yardsticks {
		if s, ok := y.measure(r); ok && y.pace == p {
			f = append(f, s.median/y.then)
		}
	}
	if len(f) == 0 {
		return 0, false
	}
	slices.Sort(f)
	return (f[(len(f)-1)/2] + f[len(f)/2]) / 2, true
}

// paces writes the yardsticks and what follows from them.
func (d document) paces(w *strings.Builder) {
	w.WriteString(`## This machine beside the one of the goals

The goals were set on another day, by what other programs took then. The same, as far
as it is measured here, takes now:

| pace | | then | now | times |
|---|---|---|---|---|
`)
	for _, y := range yardsticks {
		if s, ok := y.measure(d.results); ok {
			fmt.Fprintf(w, "| %s | %s | %s %s | %s | %s |\n", y.pace, y.what, number(y.then), y.unit, s.text(true), number(s.median/y.then))
		}
	}
	w.WriteString("\nThe median of each pace, by which its goals are scaled in the tables below:")
	sep := " "
	for _, p := range []pace{core, memory, file, second} {
		if f, ok := p.factor(d.results); ok {
			fmt.Fprintf(w, "%s%s %s", sep, p, number(f))
			sep = ", "
		}
	}
	w.WriteString(".\n\n")
}
