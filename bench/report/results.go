package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchmath"
	"golang.org/x/perf/benchunit"
)

// A result is what the rounds say about a case, "Decode/impl=sgsim/frame=tcp4/size=64".
type result struct {
	benchmark, impl, keys string
	unit                  string // of its time: the one that begins with "sec/"
	samples               map[string][]float64
}

// results are in order of appearance, but for those of sgsim, which come first.
type results []*result

// read takes results out of what benchmarks print, and the name of the processor.
func read(raw []byte) (rs results, cpu string) {
	for in := benchfmt.NewReader(bytes.NewReader(raw), ""); in.Scan(); {
		line, ok := in.Result().(*benchfmt.Result)
		if !ok {
			continue // only begins like a benchmark's line
		}
		cpu = strings.TrimSpace(line.GetConfig("cpu")) // some are filled up with blanks
		benchmark, keys, _ := strings.Cut(line.Name.String(), "/")
		impl, keys, _ := strings.Cut(strings.TrimPrefix(keys, "impl="), "/")
		r := rs.find(benchmark, impl, keys)
		if r == nil {
			r = &result{benchmark: benchmark, impl: impl, keys: keys, samples: map[string][]float64{}}
			rs = append(rs, r)
		}
		for _, v := range line.Values {
			r.samples[v.Unit] = append(r.samples[v.Unit], v.Value)
			if strings.HasPrefix(v.Unit, "sec/") && r.unit != "sec/pkt" {
				r.unit = v.Unit
			}
		}
	}
	slices.SortStableFunc(rs, func(a, b *result) int { return strings.Index(b.impl, "sgsim") - strings.Index(a.impl, "sgsim") })
	return rs, cpu
}

// find returns a result, or nil.
func (rs results) find(benchmark, impl, keys string) *result {
	for _, r := range rs {
		if r.benchmark == benchmark && r.impl == impl && r.keys == keys {
			return r
		}
	}
	return nil
}

func (r *result) sample(unit string) *benchmath.Sample {
	return benchmath.NewSample(r.samples[unit], &benchmath.DefaultThresholds)
}

// median is that of a unit, 0 where there is none.
func (r *result) median(unit string) float64 {
	if r == nil || r.samples[unit] == nil {
		return 0
	}
	return benchmath.AssumeNothing.Summary(r.sample(unit), 0.95).Center
}

// text is the median of a unit with three digits, without what it is for each of: "15.6 ns".
func (r *result) text(unit string) string {
	m, s := r.median(unit), benchunit.NoOpScaler
	if strings.HasPrefix(unit, "sec") || benchunit.ClassOf(unit) == benchunit.Binary {
		s = benchunit.CommonScale([]float64{m}, benchunit.ClassOf(unit))
		s.Prec--
	}
	unit, _, _ = strings.Cut(strings.Replace(unit, "sec", "s", 1), "/")
	return strings.TrimSuffix(s.Format(m), s.Prefix) + " " + s.Prefix + unit
}

// cell is the time beside that of sgsim: the ratio, and ~ if the rounds do not tell the two
// apart. Sgsim's own has how far the extremes lie from it, and what else it reports.
func (r *result) cell(own *result) string {
	s, m, text := r.sample(r.unit), r.median(r.unit), r.text(r.unit)
	if own != nil && r != own {
		if c := benchmath.AssumeNothing.Compare(own.sample(own.unit), s); c.P >= c.Alpha {
			text += " ~"
		}
		return fmt.Sprintf("%s x%.2f", text, m/own.median(own.unit))
	}
	text += fmt.Sprintf(" %+.0f%% %+.0f%%", 100*(s.Values[0]/m-1), 100*(s.Values[len(s.Values)-1]/m-1))
	for _, u := range slices.Sorted(maps.Keys(r.samples)) {
		if u != r.unit {
			text += ", " + r.text(u) + u[strings.Index(u+"/", "/"):]
		}
	}
	return text
}
