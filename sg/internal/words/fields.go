package words

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Fields say where the words of a statement go, by key: "" takes bare words, and
// "flag x" the bare word x.
type Fields map[string]func(string) error

// Set passes each word on. It ends at the first that no field takes.
func (fs Fields) Set(ws []Word) error {
	for _, w := range ws {
		f, shown := fs[w.Key], w.Value
		if w.Key != "" {
			shown = w.Key + "=" + w.Value
		} else if flag := fs["flag "+w.Value]; flag != nil {
			f = flag
		}
		if f == nil {
			return fmt.Errorf("%q: not understood here%s", shown, fs.hint(w))
		}
		if err := f(w.Value); err != nil {
			return err
		}
	}
	return nil
}

// hint says what could stand in place of a word that no field takes.
func (fs Fields) hint(w Word) string {
	if fs["name"] != nil && w.Key == "" {
		return ": to name it, write name=" + Quote(w.Value)
	}
	var known []string
	for key := range fs {
		if flag, ok := strings.CutPrefix(key, "flag "); ok {
			known = append(known, flag)
		} else if key != "" {
			known = append(known, key+"=")
		}
	}
	if len(known) == 0 {
		return ""
	}
	slices.Sort(known)
	return ", only " + strings.Join(known, ", ")
}

// Text sets p.
func Text[T ~string](p *T) func(string) error {
	return func(s string) error { *p = T(s); return nil }
}

// List appends to p.
func List[T ~string](p *[]T) func(string) error {
	return func(s string) error { *p = append(*p, T(s)); return nil }
}

// Flag sets p to true.
func Flag(p *bool) func(string) error {
	return func(string) error { *p = true; return nil }
}

// Number sets p to an integer.
func Number(p *int) func(string) error { return set(p, strconv.Atoi, "not a number") }

// Duration sets p to a duration as [time.ParseDuration] reads it.
func Duration(p *time.Duration) func(string) error {
	return set(p, time.ParseDuration, "not a duration such as 350s")
}

// Addrs appends an IP address to p.
func Addrs(p *[]netip.Addr) func(string) error {
	return appendTo(p, netip.ParseAddr, "not an IP address")
}

// CIDRs appends a CIDR block to p, with the host bits that it has.
func CIDRs(p *[]netip.Prefix) func(string) error {
	return appendTo(p, netip.ParsePrefix, "not a CIDR block")
}

func set[T any](p *T, parse func(string) (T, error), wrong string) func(string) error {
	return func(s string) error {
		x, err := parse(s)
		if err != nil {
			return fmt.Errorf("%q: %s", s, wrong)
		}
		*p = x
		return nil
	}
}

func appendTo[T any](p *[]T, parse func(string) (T, error), wrong string) func(string) error {
	var x T
	f := set(&x, parse, wrong)
	return func(s string) error {
		err := f(s)
		if err == nil {
			*p = append(*p, x)
		}
		return err
	}
}
