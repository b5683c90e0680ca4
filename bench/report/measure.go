package main

import (
	"fmt"
	"math"
)

// A measure takes a figure from results; false if a part of it is missing.
type measure func(results) (stat, bool)

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
func ratio(name, over string) measure { return ratioIn("", name, over) }

// ratioIn is the ratio of figures of a unit.
func ratioIn(unit, name, over string) measure {
	return func(r results) (stat, bool) {
		u, v := r.unitOr(unit, name), r.unitOr(unit, over)
		a, b := r[name][u], r[over][v]
		ma, ok := r.stat(name, u)
		mb, ok2 := r.stat(over, v)
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
			all = append(all, as(name, r.unitOr(unit, name), 1))
		}
		return largestOf(r, all)
	}
}

func worstRatio(name, over string, parts ...string) measure {
	return func(r results) (stat, bool) {
		var all []measure
		for _, p := range parts {
			all = append(all, ratio(fmt.Sprintf(name, p), fmt.Sprintf(over, p)))
		}
		return largestOf(r, all)
	}
}

func largestOf(r results, all []measure) (worst stat, ok bool) {
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
