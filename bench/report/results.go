package main

import (
	"slices"
	"strconv"
	"strings"
)

// results holds the samples of every benchmark, one a round, by unit. Names are
// without "Benchmark" and without the suffix for processors, as in
// "Decode/impl=sgsim/frame=tcp4/size=64".
type results map[string]map[string][]float64

// parse adds the lines of a benchmark run to r and its skipped ones, with their
// reasons, to skipped. It returns the benchmarks that failed.
func (r results) parse(out string, skipped map[string]string) (failed []string) {
	said := "" // what the running benchmark printed last
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "--- SKIP: "):
			skipped[benchName(fields[2])] = said
		case strings.HasPrefix(line, "--- FAIL: "):
			failed = append(failed, benchName(fields[2])+": "+said)
		case strings.HasPrefix(line, "panic: "):
			failed = append(failed, line)
		case strings.HasPrefix(line, "Benchmark") && len(fields) >= 4:
			r.add(benchName(fields[0]), fields[2:])
		case strings.HasPrefix(line, "    "):
			_, said, _ = strings.Cut(strings.TrimSpace(line), ": ")
		}
	}
	return failed
}

// add takes the pairs of value and unit that follow the number of operations.
func (r results) add(name string, pairs []string) {
	for p := range slices.Chunk(pairs, 2) {
		v, err := strconv.ParseFloat(p[0], 64)
		if err != nil || len(p) < 2 {
			return
		}
		if r[name] == nil {
			r[name] = map[string][]float64{}
		}
		r[name][p[1]] = append(r[name][p[1]], v)
	}
}

// benchName drops what go test puts around a name. The kernel's cases and those
// of one round have functions of their own; they belong to those they stand beside.
func benchName(s string) string {
	s = strings.TrimPrefix(s, "Benchmark")
	if i := strings.LastIndexByte(s, '-'); i > 0 {
		if _, err := strconv.Atoi(s[i+1:]); err == nil {
			s = s[:i]
		}
	}
	return strings.Replace(strings.Replace(s, "Kernel/", "/", 1), "Once/", "/", 1)
}

// A stat is the median of samples and their range.
type stat struct{ median, min, max float64 }

func (r results) stat(name, unit string) (stat, bool) {
	s := slices.Sorted(slices.Values(r[name][unit]))
	if len(s) == 0 {
		return stat{}, false
	}
	m := s[len(s)/2]
	if len(s)%2 == 0 {
		m = (s[len(s)/2-1] + m) / 2
	}
	return stat{m, s[0], s[len(s)-1]}, true
}

// unit is what a benchmark's time is counted in: packets or changes where it
// says so, else operations.
func (r results) unit(name string) string {
	for _, u := range []string{"ns/pkt", "ns/change", "ns/conn"} {
		if r[name][u] != nil {
			return u
		}
	}
	return "ns/op"
}

// unitOr is the unit, or that of the benchmark's time if it is empty.
func (r results) unitOr(unit, name string) string {
	if unit != "" {
		return unit
	}
	return r.unit(name)
}

// ns returns the time of a benchmark in its own unit.
func (r results) ns(name string) (stat, bool) { return r.stat(name, r.unit(name)) }
