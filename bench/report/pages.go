package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// write writes the pages, into the repository if it may.
func (r *runner) write(may bool) error {
	r.results, r.cpu = read(r.raw.Bytes())
	old, err := os.ReadFile(filepath.Join(r.root, "README.md"))
	readme, err2 := r.readme(string(old))
	chart, err3 := growth(r.results)
	all := errors.Join(err, err2, err3)
	pages := map[string]string{"raw.txt": r.raw.String(), "README.md": readme, "bench/RESULTS.md": r.markdown(), "bench/growth.svg": chart}
	for name, text := range pages {
		path := filepath.Join(os.TempDir(), "sgsim-bench", filepath.Base(name))
		if may && all == nil && name != "raw.txt" {
			path = filepath.Join(r.root, name)
		}
		all = errors.Join(all, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
		fmt.Fprintln(os.Stderr, "wrote", path)
	}
	return all
}

// markdown is RESULTS.md.
func (r *runner) markdown() string {
	var w strings.Builder
	fmt.Fprintf(&w, `# Results

Written by bench/report; nothing here is written by hand.

| | |
|---|---|
| machine | %s, %d processors, %s, %s |
| commit | %s |
| rounds | %d, %s, in %s |
| load average | %s at the end: more than 2 is other work |

Each figure is the median over the rounds. Behind sgsim's stands how far the least and the
largest lie from it. The other columns are peers, "floor", which is what the machine itself
takes, and an older commit if one was asked for, with the ratio to sgsim, after ~ where the
rounds do not tell the two apart (Mann-Whitney U test, p ≥ 0.05: it takes four rounds). The
[package documentation](doc.go) says what the keys mean and what each peer leaves undone.

![ns a packet against connections](growth.svg)
`, r.cpu, runtime.NumCPU(), output(".", "uname", "-sr"), runtime.Version(), r.commit,
		r.rounds, r.began.UTC().Format("2006-01-02 15:04 UTC"), time.Since(r.began).Round(time.Second), output(".", "cut", "-d ", "-f1-3", "/proc/loadavg"))
	for _, name := range names {
		r.table(&w, name)
	}
	return w.String()
}

// table writes a benchmark: a row for each case, a column for each implementation.
func (r *runner) table(w *strings.Builder, benchmark string) {
	var impls, cases []string
	for _, c := range r.results {
		if c.benchmark == benchmark && !slices.Contains(impls, c.impl) {
			impls = append(impls, c.impl)
		}
		if c.benchmark == benchmark && !slices.Contains(cases, c.keys) {
			cases = append(cases, c.keys)
		}
	}
	if cases == nil {
		return
	}
	fmt.Fprintf(w, "\n## %s\n\n| case | %s |\n|---|%s\n", benchmark, strings.Join(impls, " | "), strings.Repeat("---|", len(impls)))
	for _, keys := range cases {
		fmt.Fprintf(w, "| %s |", keys)
		own := r.results.find(benchmark, "sgsim", keys)
		for _, impl := range impls {
			if c := r.results.find(benchmark, impl, keys); c != nil {
				fmt.Fprintf(w, " %s", c.cell(own))
			}
			w.WriteString(" |")
		}
		w.WriteString("\n")
	}
}

// The rows of the README's table: what is measured, in which unit, and the case.
var rows = [][3]string{
	{"read the headers of a TCP/IPv4 frame", "sec/pkt", "Decode/frame=tcp4/size=64"},
	{"a packet of an open connection, frame to decision, 10,000 open", "sec/pkt", "Evaluate/" + open + "300/conns=10000"},
	{"the same, 1 M open", "sec/pkt", "Evaluate/" + open + "300/conns=1000000"},
	{"the same, 10 M open", "sec/pkt", "Evaluate/" + open + "300/conns=10000000"},
	{"the same, in batches of 32 packets", "sec/pkt", "Evaluate/" + open + "300/conns=10000000/prefetch=32"},
	{"the connection table's part of it, 1 M open", "sec/pkt", "Track/family=v4/conns=1000000"},
	{"the first packet of a connection against 300 rules", "sec/pkt", "Match/kind=cidr/rules=300/enis=1/of=100"},
	{"memory of an open connection, IPv4, 1 M open", "B/conn", "Memory/family=v4/conns=1000000"},
	{"a capture of 64-byte packets, 10,000 connections, from file to report", "sec/pkt", "Replay/size=64/flows=10000/cores=1"},
}

// readme puts the table between the two marker lines of the README.
func (r *runner) readme(text string) (string, error) {
	const begin, end = "<!-- bench: written by bench/report -->\n", "<!-- /bench -->"
	head, rest, ok := strings.Cut(text, begin)
	_, foot, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		return "", fmt.Errorf("README.md: no marker lines %q and %q", begin, end)
	}
	var w strings.Builder
	fmt.Fprintf(&w, "%s%s\nOne core of an %s, %s, commit %s. Times are per packet. All cases and\ntheir spread: [bench/RESULTS.md](bench/RESULTS.md); what each of the other tools leaves\nout: [bench/doc.go](bench/doc.go).\n\n| | sgsim | others, same packets, same run |\n|---|---|---|\n",
		head, begin, r.cpu, runtime.Version(), r.commit)
	for _, row := range rows {
		var all []string
		for _, c := range r.results {
			if c.benchmark+"/"+c.keys == row[2] && c.impl != r.base {
				all = append(all, strings.TrimPrefix(c.impl+" "+c.text(row[1]), "sgsim "))
			}
		}
		if all != nil {
			fmt.Fprintf(&w, "| %s | %s | %s |\n", row[0], all[0], strings.Join(all[1:], ", "))
		}
	}
	return w.String() + "\n" + end + foot, nil
}
