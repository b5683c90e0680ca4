package main

import (
	"errors"
	"flag"
	"fmt"
	"regexp"
	"strings"
	"time"
)

var (
	undefinedFlag = regexp.MustCompile(`^flag provided but not defined: -(.*)$`)
	unreadable    = regexp.MustCompile(`^invalid (?:boolean )?value "(.*)" for (?:flag )?-([^ ]+): parse error$`)
)

// clearer says what package flag does not: which flag may be meant, and what a value
// should have been.
func clearer(fs *flag.FlagSet, err error) error {
	if m := undefinedFlag.FindStringSubmatch(err.Error()); m != nil {
		if near := nearest(fs, m[1]); near != "" {
			return fmt.Errorf("no flag -%s: did you mean -%s?", m[1], near)
		}
		return fmt.Errorf("no flag -%s", m[1])
	}
	m := unreadable.FindStringSubmatch(err.Error())
	if m == nil {
		return err
	}
	want := "not readable"
	if g, ok := fs.Lookup(m[2]).Value.(flag.Getter); ok {
		switch g.Get().(type) {
		case bool:
			want = "neither true nor false"
		case time.Duration:
			want = "not a duration such as 10m"
		case int, uint64:
			want = "not a number"
		}
	}
	return errors.New("-" + m[2] + " " + m[1] + ": " + want)
}

// nearest returns the flag that a name may be a slip of, "" for none.
func nearest(fs *flag.FlagSet, name string) (best string) {
	least := 3 // slips that make another name
	fs.VisitAll(func(f *flag.Flag) {
		n := slips(name, f.Name)
		if len(name) > 1 && (strings.HasPrefix(f.Name, name) || strings.HasPrefix(name, f.Name+"=")) {
			n = 1
		}
		if n < least && n < len(f.Name) {
			best, least = f.Name, n
		}
	})
	return best
}

// slips counts the letters to change, add or leave out to make b of a.
func slips(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal, row[j+1] = row[j+1], min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
