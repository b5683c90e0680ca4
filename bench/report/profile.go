package main

import (
	"cmp"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A profile says where a benchmark's time goes.
type profile struct {
	Name string
	Self []share // of functions themselves
	With []share // and with what they call
}

// A share is a part of a profile's samples, in percent.
type share struct {
	Func    string
	Percent float64
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
		top, err := exec.Command("go", "tool", "pprof", "-top", "-cum", "-nodecount=100", "-relative_percentages", "-focus="+p.focus, r.own(), file).Output()
		if err != nil {
			return fmt.Errorf("profile of %s: %w", name, err)
		}
		r.profiles = append(r.profiles, profileOf(name, string(top)))
	}
	return nil
}

// profileOf reads what pprof -top prints: flat, flat%, sum%, cum, cum%, name.
func profileOf(name, top string) profile {
	p := profile{Name: name}
	_, rows, _ := strings.Cut(top, "cum%\n")
	for line := range strings.Lines(rows) {
		f := strings.Fields(line)
		if len(f) < 6 {
			continue
		}
		fn := f[5]
		fn = fn[strings.LastIndexByte(fn, '/')+1:]
		var self, with float64
		if _, err := fmt.Sscanf(f[1]+" "+f[4], "%f%% %f%%", &self, &with); err != nil {
			continue
		}
		p.Self = append(p.Self, share{fn, self})
		// Those that everything goes through say nothing.
		if with < 95 && with > self {
			p.With = append(p.With, share{fn, with})
		}
	}
	p.Self, p.With = largest(p.Self), largest(withoutWrappers(p.With))
	return p
}

// largest are the first few by size.
func largest(s []share) []share {
	slices.SortStableFunc(s, func(a, b share) int { return cmp.Compare(b.Percent, a.Percent) })
	return s[:min(7, len(s))]
}

// withoutWrappers drops functions that do little but call the one before them, or
// are called by it.
func withoutWrappers(s []share) (out []share) {
	for _, x := range s {
		if n := len(out); n == 0 || out[n-1].Percent-x.Percent >= 2 {
			out = append(out, x)
		}
	}
	return out
}

// where writes the profiles.
func (d document) where(w *strings.Builder) {
	if len(d.Profiles) == 0 {
		return
	}
	w.WriteString(`## Where the time goes

Samples taken while the benchmark ran once more, what it prepares left out: the share that
found the processor in a function itself, where waiting for memory counts to whoever waits,
and that in a function or in what it calls.

| benchmark | itself | with what it calls |
|---|---|---|
`)
	for _, p := range d.Profiles {
		fmt.Fprintf(w, "| %s | %s | %s |\n", p.Name, list(p.Self), list(p.With))
	}
	w.WriteString("\n")
}

func list(shares []share) string {
	var s []string
	for _, x := range shares {
		s = append(s, fmt.Sprintf("%.0f%% %s", x.Percent, x.Func))
	}
	return strings.Join(s, "<br>")
}
