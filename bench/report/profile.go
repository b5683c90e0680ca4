package main

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A profile says where a benchmark's time goes.
type profile struct {
	Name   string
	Shares []string // "31% conntrack.(*Table).Track", largest first
}

// profiled are the benchmarks whose goals are hardest, and what the stacks of
// their measured part have in them, so that what they prepare is left out.
var profiled = []struct{ section, rest, focus string }{
	{"Decode", "impl=sgsim/frame=tcp4/size=64", `measure\.Packets`},
	{"Track", "impl=sgsim/family=v4/conns=10000", `measure\.Packets`},
	{"Track", "impl=sgsim/family=v4/conns=1000000", `measure\.Packets`},
	{"Evaluate", "impl=sgsim/path=established/hops=1/family=v4/proto=tcp/rules=300/conns=10000", `measure\.Packets`},
	{"Open", "impl=sgsim/kind=group/hops=1/rules=300/enis=1", `measure\.Packets`},
	{"Open", "impl=sgsim/kind=group/hops=1/rules=300/enis=10000", `measure\.Packets`},
	{"Open", "impl=sgsim/kind=no-port/hops=1/rules=300/enis=1", `measure\.Packets`},
	{"Change", "impl=sgsim/change=rule/rules=300/enis=100000/conns=10000", `BenchmarkChange\.func`},
	{"Replay", "impl=sgsim/size=64/flows=200000/cores=1", `replay\.Run`},
}

// profile runs them once more, under the profiler.
func (r *runner) profile(only *regexp.Regexp) error {
	benchtime := time.Second // a hundred samples
	if r.quick {
		benchtime = r.benchtime
	}
	for i, p := range profiled {
		if !only.MatchString(p.section) {
			continue
		}
		name := p.section + "/" + p.rest
		r.progress("profile: " + name)
		file := filepath.Join(r.dir, fmt.Sprintf("%d.prof", i))
		pattern := "^Benchmark" + strings.ReplaceAll(regexp.QuoteMeta(name), "/", "$/^") + "$"
		out, err := r.command(r.own(), pattern, benchtime, "-test.cpuprofile="+file).CombinedOutput()
		if err != nil {
			return fmt.Errorf("profile of %s: %w\n%s", name, err, tail(string(out), 20))
		}
		if !strings.Contains(string(out), "ns/op") {
			continue // -quick leaves it out
		}
		top, err := exec.Command("go", "tool", "pprof", "-top", "-nodecount=6", "-relative_percentages", "-focus="+p.focus, r.own(), file).Output()
		if err != nil {
			return fmt.Errorf("profile of %s: %w", name, err)
		}
		r.profiles = append(r.profiles, profile{name, shares(string(top))})
	}
	return nil
}

// shares reads what pprof -top prints: flat, flat%, sum%, cum, cum%, name.
func shares(top string) (s []string) {
	_, rows, _ := strings.Cut(top, "cum%\n")
	for line := range strings.Lines(rows) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		name := f[5]
		name = name[strings.LastIndexByte(name, '/')+1:]
		var share float64
		if _, err := fmt.Sscanf(f[1], "%f%%", &share); err == nil {
			s = append(s, fmt.Sprintf("%.0f%% %s", share, name))
		}
	}
	return s
}

// where writes the profiles.
func (d document) where(w *strings.Builder) {
	if len(d.Profiles) == 0 {
		return
	}
	w.WriteString(`## Where the time goes

Of samples taken while the benchmark ran once more, the share that found the processor
in the function itself, callees left out; waiting for memory counts to whoever waits.

| benchmark | |
|---|---|
`)
	for _, p := range d.Profiles {
		fmt.Fprintf(w, "| %s | %s |\n", p.Name, strings.Join(p.Shares, "<br>"))
	}
	w.WriteString("\n")
}
