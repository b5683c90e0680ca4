package main

import (
	"fmt"
	"os"
	"strings"
)

// A shortRow is a case of the README's table.
type shortRow struct {
	what  string
	own   string // benchmark
	unit  string // empty: its time
	peers []rival
}

type rival struct{ who, name string }

var shortRows = []shortRow{
	{"read the headers of a TCP/IPv4 frame", named(decode4, "sgsim"), "", []rival{
		{"gopacket's DecodingLayerParser", named(decode4, "gopacket-parser")},
		{"gopacket.NewPacket", named(decode4, "gopacket-newpacket")}}},
	openConns("a packet of an open connection, frame to decision, 10,000 open", 10_000,
		rival{"nftables", named(established4, "nftables", 10_000)}, rival{"gVisor", gvisor(10_000)}),
	openConns("the same, 1 M open", 1_000_000,
		rival{"a Go map doing the table's part", named(track4, "gomap-tracking", 1_000_000)}, rival{"gVisor", gvisor(1_000_000)}),
	openConns("the same, 10 M open", 10_000_000,
		rival{"a Go map doing the table's part", named(track4, "gomap-tracking", 10_000_000)}),
	{"the same, 10 M open, packets that come 32 at a time", named(established4+ahead, "sgsim", 10_000_000, batch), "", nil},
	{"the first packet of a connection against 300 rules", named(named(matchAt, 300, 1, 100), "cidr"), "", []rival{
		{"walking them", "Match/impl=walk/kind=cidr/rules=300/enis=1/of=100"},
		{"tailscale's filter", "Match/impl=tailscale/kind=cidr/rules=300/enis=1/of=100"}}},
	{"memory of an open connection, IPv4, 1 M open", named(memoryOf, "sgsim", 1_000_000), "B/conn", []rival{
		{"a Go map", named(memoryOf, "gomap-tracking", 1_000_000)}}},
	{"a capture of 64-byte packets, 10,000 connections, from file to report", "Replay/impl=sgsim/size=64/flows=10000/cores=1", "Mpkt/s", []rival{
		{"tcpdump copying it", "Replay/impl=tcpdump/size=64/flows=10000/cores=1"},
		{"gopacket and a Go map", "Replay/impl=tutorial/size=64/flows=10000/cores=1"}}},
}

func openConns(what string, n int, peers ...rival) shortRow {
	return shortRow{what, named(established4, "sgsim", n), "", peers}
}

// gvisor names the case of gVisor that is nearest to ours: it walks its rules for
// every packet, and so is given none.
func gvisor(conns int) string {
	return named("Evaluate/impl=gvisor/path=established/hops=1/family=v4/proto=tcp/rules=0/conns=%d", conns)
}

// short is the table of the README.
func (d document) short() string {
	var w strings.Builder
	m := d.machine
	fmt.Fprintf(&w, `
One core of an %s, %s, commit %s. Times are those of one packet. The
goals, the ranges, the machine, and what each of the others leaves undone stand in
[bench/RESULTS.md](bench/RESULTS.md).

| | sgsim | others, same packets, same run |
|---|---|---|
`, m.CPU, m.Go, m.Commit)
	for _, row := range shortRows {
		own, ok := d.results.short(row.own, row.unit)
		if !ok {
			continue
		}
		var beside []string
		for _, p := range row.peers {
			if s, ok := d.results.short(p.name, row.unit); ok {
				beside = append(beside, p.who+" "+s)
			}
		}
		fmt.Fprintf(&w, "| %s | %s | %s |\n", row.what, own, strings.Join(beside, ", "))
	}
	w.WriteString("\n")
	return w.String()
}

// short is a median with its unit, as people say it.
func (r results) short(name, unit string) (string, bool) {
	s, ok := r.stat(name, r.unitOr(unit, name))
	switch unit {
	case "":
		unit = "ns"
	case "Mpkt/s":
		unit = "M packets/s"
	case "B/conn":
		unit = "bytes"
	}
	return number(s.median) + " " + unit, ok
}

const (
	markerBegin = "<!-- bench: written by go run ./bench/report -->"
	markerEnd   = "<!-- /bench -->"
)

// replaceBetweenMarkers writes text between the two marker lines of a file, and
// leaves the rest of it alone.
func replaceBetweenMarkers(path, text string) error {
	b, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, ok := strings.Cut(string(b), markerBegin+"\n")
	_, foot, ok2 := strings.Cut(rest, markerEnd)
	if !ok || !ok2 {
		return fmt.Errorf("%s: no marker lines %q and %q", path, markerBegin, markerEnd)
	}
	return os.WriteFile(path, []byte(head+markerBegin+"\n"+text+markerEnd+foot), 0o644)
}
