package load

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/sg/internal/jsontree"
)

// A cursor is a place in a document, present or not. Reading below an absent or
// null value finds nothing; reading a value of the wrong type is reported. Paths
// are built only on demand.
type cursor struct {
	src   *source
	n     uint32 // its node in src; 0: absent
	up    *cursor
	key   string // in up, if that is an object
	index uint32 // in up, if that is a list
}

func (c *cursor) there() bool { return c.n != 0 && c.src.Kind(c.n) != null }

// is reports whether the value is present and of kind k.
func (c *cursor) is(k kind) bool { return c.n != 0 && c.src.Kind(c.n) == k }

// has reports whether an object has a member, even null.
func (c *cursor) has(key string) bool { return c.is(object) && c.src.Member(c.n, key) != 0 }

// field goes to a member of an object. If it is absent, its line is the object's.
func (c *cursor) field(key string) *cursor {
	f := &cursor{src: c.src, up: c, key: key}
	if c.want(object) {
		f.n = c.src.Member(c.n, key)
	}
	return f
}

// want reports whether the value is present and of kind k; a value of another
// kind is an error.
func (c *cursor) want(k kind) bool {
	if !c.there() {
		return false
	}
	if is := c.src.Kind(c.n); is != k {
		c.fail("", "is %v, want %v", is, k)
		return false
	}
	return true
}

// each goes through the items of a list.
func (c *cursor) each() iter.Seq[*cursor] {
	return func(yield func(*cursor) bool) {
		if !c.want(list) {
			return
		}
		i := uint32(0)
		for n, end := c.src.First(c.n), c.src.End(c.n); n < end; n = c.src.Next(n) {
			if !yield(&cursor{src: c.src, n: n, up: c, index: i}) {
				return
			}
			i++
		}
	}
}

// members goes through the members of an object.
func (c *cursor) members() iter.Seq[*cursor] {
	return func(yield func(*cursor) bool) {
		if !c.want(object) {
			return
		}
		for k, end := c.src.First(c.n), c.src.End(c.n); k < end; k = c.src.Next(k + 1) {
			if !yield(&cursor{src: c.src, n: k + 1, up: c, key: c.src.Text(k)}) {
				return
			}
		}
	}
}

// filled reports whether the value is a list with anything in it.
func (c *cursor) filled() bool { return c.is(list) && c.src.First(c.n) < c.src.End(c.n) }

// objects goes through the items of a list, which have to be objects.
func (c *cursor) objects() iter.Seq[*cursor] {
	return func(yield func(*cursor) bool) {
		for item := range c.each() {
			if !item.there() {
				item.fail("", "is null, want an object")
				continue
			}
			if item.want(object) && !yield(item) {
				return
			}
		}
	}
}

// str returns a string, empty if it is absent.
func (c *cursor) str() string {
	if !c.want(str) {
		return ""
	}
	return c.src.Text(c.n)
}

// raw returns the text of a string or a number, empty if it is absent.
func (c *cursor) raw() string {
	if !c.there() {
		return ""
	}
	return c.src.Text(c.n)
}

// need returns a string that must be there and not be empty.
func (c *cursor) need() (string, bool) {
	if !c.there() {
		c.fail(codeMissingParam, "is missing")
		return "", false
	}
	if !c.want(str) {
		return "", false
	}
	text := c.src.Text(c.n)
	if text == "" {
		c.fail("", "is empty")
	}
	return text, text != ""
}

// flag returns a boolean, false if it is absent.
func (c *cursor) flag() bool { return c.want(boolean) && c.raw() == "true" }

// integer returns a whole number and whether it is present. Numbers beyond 32
// bits are errors, since nothing counted here comes near.
func (c *cursor) integer() (int, bool) {
	if !c.want(number) {
		return 0, false
	}
	f, err := strconv.ParseFloat(c.raw(), 64) // 443.0 and 4.43e2 are whole
	if err != nil || f != float64(int32(f)) {
		c.fail(codeParameter, "%s is not a whole number", clip(c.raw()))
		return 0, false
	}
	return int(f), true
}

// addr returns an address, if there is one.
func (c *cursor) addr() (a netip.Addr, ok bool) {
	if c.there() {
		a, ok = parsed(c, parseAddr)
	}
	return a, ok
}

// block returns a required CIDR block as given.
func (c *cursor) block(f family) (netip.Prefix, bool) {
	return parsed(c, func(s string) (netip.Prefix, error) { return parsePrefix(s, f) })
}

// prefix is block with the host bits cleared (SG-42).
func (c *cursor) prefix(f family) (netip.Prefix, bool) {
	p, ok := c.block(f)
	return p.Masked(), ok
}

func parsed[T any](c *cursor, parse func(string) (T, error)) (x T, ok bool) {
	s, ok := c.need()
	if !ok {
		return x, false
	}
	x, err := parse(s)
	if err != nil {
		c.fail(codeParameter, "%s is %w", quote(s), err)
	}
	return x, err == nil
}

func (c *cursor) fail(code, format string, args ...any) {
	if p := c.src.p; len(p.errs) < maxProblems {
		p.add(&Error{Place: c.place(), Code: code, Err: fmt.Errorf(format, args...)})
	} else {
		p.moreErrs++
	}
}

func (c *cursor) warn(code, format string, args ...any) {
	if p := c.src.p; len(p.warns) == maxProblems {
		p.moreWarns++
	} else if w := (Warning{Place: c.place(), Code: code, Text: fmt.Sprintf(format, args...)}); p.first(w.String()) {
		p.warns = append(p.warns, w)
	}
}

// place returns where the value is, or where it is missing. A value from no text has
// no line.
func (c *cursor) place() Place {
	at := Place{File: c.src.name, Path: string(c.path(nil))}
	for up := c; up != nil; up = up.up {
		if at.Line == 0 && up.n != 0 {
			at.Line = c.src.LineOf(up.n)
		}
		if at.Resource == "" && up.n != 0 {
			at.Resource = c.src.resources[up.n]
		}
	}
	return at
}

func (c *cursor) path(b []byte) []byte {
	if c.up == nil {
		return b
	}
	b = c.up.path(b)
	if c.key == "" {
		return jsontree.AppendStep(b, strconv.Itoa(int(c.index)), true)
	}
	return jsontree.AppendStep(b, c.key, false)
}

// clip shortens text so that messages fit a line.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

func quote(s string) string { return strconv.Quote(clip(s)) }

type family uint8

const (
	anyFamily family = iota
	ipv4
	ipv6
)

var (
	errNotAddr  = errors.New("not an IP address")
	errNotCIDR  = errors.New("not a CIDR block")
	errNoLength = errors.New("not a CIDR block: it has no prefix length")
	errWant4    = errors.New("not an IPv4 CIDR block")
	errWant6    = errors.New("not an IPv6 CIDR block")
)

func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, errNotAddr
	}
	return a.Unmap(), nil
}

func parsePrefix(s string, f family) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(s)
	switch {
	case err != nil && !strings.Contains(s, "/"):
		return p, errNoLength // SG-44
	case err != nil || p.Addr().Is4In6():
		return netip.Prefix{}, errNotCIDR
	case f == ipv4 && !p.Addr().Is4():
		return p, errWant4
	case f == ipv6 && p.Addr().Is4():
		return p, errWant6
	}
	return p, nil
}
