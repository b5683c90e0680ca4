package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/bench/peer"
)

// A document is what RESULTS.md and the README say.
type document struct {
	header
	results results
	skipped map[string]string
}

func (d document) markdown() string {
	var w strings.Builder
	m := d.machine
	fmt.Fprintf(&w, `# Results

Written by `+"`go run ./bench/report`"+`; nothing here is written by hand.

| | |
|---|---|
| machine | %s, %d processors, %s |
| kernel | %s |
| Go | %s |
| commit | %s |
| date | %s |
| rounds | %d, interleaved, in %s |

Figures are medians over the rounds, least and largest in brackets. One processor
unless cores=2 is said. What the keys of a name mean stands in the
[package documentation](doc.go).

![ns a packet against connections and against rules](growth.svg)

`, m.CPU, m.Cores, m.Memory, m.Kernel, m.Go, m.Commit, m.Date.Format("2006-01-02 15:04 UTC"), m.Rounds, m.Took.Round(1e9))
	d.paces(&w)
	d.goals(&w)
	d.where(&w)
	d.peers(&w)
	for _, s := range sections {
		d.table(&w, s.name)
	}
	if len(d.skipped) > 0 {
		w.WriteString("## Not measured here\n\n")
		for _, name := range slices.Sorted(maps.Keys(d.skipped)) {
			fmt.Fprintf(&w, "- %s: %s\n", name, d.skipped[name])
		}
	}
	return w.String()
}

func (d document) goals(w *strings.Builder) {
	w.WriteString("## Goals\n\nAt this pace: the goal times the factor above that its figure depends on.\n")
	room := ""
	var causes []reason
	for _, g := range goals {
		if g.room != room {
			because(w, causes)
			room, causes = g.room, nil
			fmt.Fprintf(w, "\n### %s\n\n| | goal | at this pace | measured | |\n|---|---|---|---|---|\n", room)
		}
		s, ok := g.measure(d.results)
		scaled := ""
		if f, ok := g.pace.factor(d.results); ok {
			scaled = g.limit(f)
		}
		outcome := g.outcome(d.results)
		if strings.HasPrefix(outcome, "missed") && g.why != "" && !slices.Contains(causes, g.why) {
			causes = append(causes, g.why)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", g.what, g.limit(1), scaled, s.text(ok), outcome)
	}
	because(w, causes)
	w.WriteString("\n")
}

// unmeasured are the goals whose benchmarks gave nothing, or are called otherwise.
func (d document) unmeasured() (what []string) {
	for _, g := range goals {
		if _, ok := g.measure(d.results); !ok {
			what = append(what, g.what)
		}
	}
	return what
}

func (s stat) text(ok bool) string {
	if !ok {
		return "-"
	}
	if s.min == s.max {
		return number(s.median)
	}
	return fmt.Sprintf("%s [%s .. %s]", number(s.median), number(s.min), number(s.max))
}

// time writes a stat of nanoseconds, long ones in milliseconds.
func (s stat) time() string {
	if s.median < 1e6 {
		return s.text(true) + " ns"
	}
	return stat{s.median / 1e6, s.min / 1e6, s.max / 1e6}.text(true) + " ms"
}

func (d document) peers(w *strings.Builder) {
	w.WriteString("## Who is compared, and what they leave undone\n\n")
	w.WriteString("Every case of sgsim keeps TCP state, timeouts and both directions, tells groups and zones\napart and names the rule or the connection that decided.\n\n")
	w.WriteString("| impl | what | not |\n|---|---|---|\n")
	for _, p := range peer.Peers {
		fmt.Fprintf(w, "| %s | %s | %s |\n", p.Impl, p.What, p.Not)
	}
	w.WriteString("\n")
}

// table writes a section with one row a case and one column an implementation.
func (d document) table(w *strings.Builder, section string) {
	rows := map[string]map[string]string{} // case to implementation to benchmark
	impls := map[string]bool{}
	for name := range d.results {
		what, keys, _ := strings.Cut(name, "/")
		if what != section {
			continue
		}
		impl, rest, ok := strings.Cut(keys, "/")
		if impl, ok = strings.CutPrefix(impl, "impl="); !ok {
			impl, rest = string(peer.Sgsim), keys
			if section == "Floor" {
				impl = "machine"
			}
		}
		if rows[rest] == nil {
			rows[rest] = map[string]string{}
		}
		rows[rest][impl] = name
		impls[impl] = true
	}
	if len(rows) == 0 {
		return
	}
	columns := slices.SortedFunc(maps.Keys(impls), func(a, b string) int { return order(a) - order(b) })
	fmt.Fprintf(w, "## %s\n\n| case |", section)
	for _, c := range columns {
		fmt.Fprintf(w, " %s |", c)
	}
	hasFloor := floorOf(section, "") != ""
	if hasFloor {
		w.WriteString(" x floor |")
	}
	w.WriteString(" besides |\n|---|" + strings.Repeat("---|", len(columns)+1))
	if hasFloor {
		w.WriteString("---|")
	}
	w.WriteString("\n")
	for _, c := range slices.SortedFunc(maps.Keys(rows), compareCases) {
		d.row(w, section, c, rows[c], columns, hasFloor)
	}
	w.WriteString("\n")
}

// row writes one case. A peer's figure is followed by how many times that of
// sgsim it is, where both did the case.
func (d document) row(w *strings.Builder, section, c string, names map[string]string, columns []string, hasFloor bool) {
	fmt.Fprintf(w, "| %s |", c)
	own, haveOwn := d.results.ns(names[string(peer.Sgsim)])
	for _, col := range columns {
		s, ok := d.results.ns(names[col])
		switch {
		case !ok:
			w.WriteString(" |")
		case col == string(peer.Sgsim) || !haveOwn:
			fmt.Fprintf(w, " %s |", s.time())
		default:
			fmt.Fprintf(w, " %s, x%s |", stat{s.median, s.median, s.median}.time(), number(s.median/own.median))
		}
	}
	if hasFloor {
		f, ok := d.results.ns(floorOf(section, c))
		if ok && haveOwn {
			fmt.Fprintf(w, " %s |", number(own.median/f.median))
		} else {
			w.WriteString(" |")
		}
	}
	name := names[string(peer.Sgsim)]
	if name == "" && len(names) == 1 {
		for _, name = range names {
		}
	}
	fmt.Fprintf(w, " %s |\n", d.besides(name))
}

// besides lists what a benchmark reports other than its time.
func (d document) besides(name string) string {
	var s []string
	units := d.results[name]
	for _, u := range slices.Sorted(maps.Keys(units)) {
		if u == d.results.unit(name) || u == "ns/op" || u == "B/op" || u == "allocs/op" {
			continue
		}
		m, _ := d.results.stat(name, u)
		if u == "allocs/pkt" && m.median == 0 {
			s = append(s, "no allocation")
			continue
		}
		s = append(s, number(m.median)+" "+u)
	}
	return strings.Join(s, ", ")
}

// floorOf names the benchmark of the machine that bounds a case from below: for
// tables, independent loads from memory of the table's size; for files, walking
// the mapped file; for decoding, the hand parse. Without a case it says whether
// the section has a floor.
func floorOf(section, c string) string {
	switch section {
	case "Decode":
		return "Decode/impl=hand/frame=tcp4/size=64"
	case "Capture", "Replay":
		if strings.Contains(c, "size=354") {
			return "Floor/walk/size=354"
		}
		return "Floor/walk/size=64"
	case "Track", "Evaluate", "Forward":
		return fmt.Sprintf("Floor/load=independent/KiB=%d", floorKiB(value(c, "conns")))
	}
	return ""
}

// floorKiB is the measured size of memory that comes nearest to a table of n
// connections.
func floorKiB(n int) int {
	switch {
	case n > 1_000_000:
		return 512 << 10
	case n > 20_000:
		return 64 << 10
	case n > 1_000:
		return 1 << 10
	}
	return 16
}

// value returns the number behind "key=" in a case, 0 if there is none.
func value(c, key string) int {
	for part := range strings.SplitSeq(c, "/") {
		if v, ok := strings.CutPrefix(part, key+"="); ok {
			n, _ := strconv.Atoi(v)
			return n
		}
	}
	return 0
}

// order is an implementation's place among the columns.
func order(impl string) int {
	return 1 + slices.IndexFunc(peer.Peers, func(p peer.Peer) bool { return string(p.Impl) == impl })
}

// compareCases sorts key by key, numbers by value.
func compareCases(a, b string) int {
	as, bs := strings.Split(a, "/"), strings.Split(b, "/")
	for i := range min(len(as), len(bs)) {
		ka, va, _ := strings.Cut(as[i], "=")
		kb, vb, _ := strings.Cut(bs[i], "=")
		if ka != kb {
			return strings.Compare(ka, kb)
		}
		na, err1 := strconv.Atoi(va)
		nb, err2 := strconv.Atoi(vb)
		if err1 == nil && err2 == nil && na != nb {
			return na - nb
		}
		if va != vb {
			return strings.Compare(va, vb)
		}
	}
	return len(as) - len(bs)
}
