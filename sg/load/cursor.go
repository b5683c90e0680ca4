package load

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strconv"
)

// A problems list is where all that is found while reading is gathered.
type problems struct {
	errs  []error
	warns []Warning
	said  map[string]bool // a value may be looked at more than once
}

func (p *problems) fail(at Place, code, format string, args ...any) {
	err := &Error{Place: at, Code: code, Err: fmt.Errorf(format, args...)}
	if p.first(err.Error()) {
		p.errs = append(p.errs, err)
	}
}

func (p *problems) warn(at Place, code, format string, args ...any) {
	w := Warning{Place: at, Code: code, Text: fmt.Sprintf(format, args...)}
	if p.first(w.String()) {
		p.warns = append(p.warns, w)
	}
}

func (p *problems) first(s string) bool {
	if p.said[s] {
		return false
	}
	if p.said == nil {
		p.said = make(map[string]bool)
	}
	p.said[s] = true
	return true
}

// A cursor is a place in a document, there or not: reading below what is absent
// or null finds nothing, and reading what has the wrong type is reported. Paths
// are only built where one is asked for.
type cursor struct {
	src      *source
	v        *value // nil: absent
	up       *cursor
	key      string // in up, where that is an object
	index    int    // in up, where that is a list
	resource string
	p        *problems
}

func (c *cursor) there() bool { return c.v != nil && c.v.kind != null }

// field goes to a member of an object. Where it is absent, its line is the
// object's.
func (c *cursor) field(key string) *cursor {
	f := &cursor{src: c.src, up: c, key: key, resource: c.resource, p: c.p}
	if c.want(object) {
		f.v = c.v.get(key)
	}
	return f
}

// want reports whether the value is there and of kind k; a value of another kind
// is an error.
func (c *cursor) want(k kind) bool {
	if !c.there() {
		return false
	}
	if c.v.kind != k {
		c.fail("", "is %v, want %v", c.v.kind, k)
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
		for i := range c.v.kids {
			if !yield(&cursor{src: c.src, v: &c.v.kids[i].val, up: c, index: i, resource: c.resource, p: c.p}) {
				return
			}
		}
	}
}

// objects goes through the items of a list that are objects; others are errors.
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

// str returns a string, empty where it is absent.
func (c *cursor) str() string {
	if !c.want(str) {
		return ""
	}
	return c.v.text
}

// raw returns the text of a string or a number, empty where it is absent.
func (c *cursor) raw() string {
	if !c.there() {
		return ""
	}
	return c.v.text
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
	if c.v.text == "" {
		c.fail("", "is empty")
	}
	return c.v.text, c.v.text != ""
}

// flag returns a boolean, false where it is absent.
func (c *cursor) flag() bool { return c.want(boolean) && c.v.text == "true" }

var errNotWhole = errors.New("not a whole number")

// integer returns a whole number and whether it is there. Numbers beyond 32 bits
// are errors, since nothing that is counted here comes near.
func (c *cursor) integer() (int, bool) {
	if !c.want(number) {
		return 0, false
	}
	n, err := parseInt(c.v.text)
	if err != nil {
		c.fail(codeParameter, "%s is %w", clip(c.v.text), err)
		return 0, false
	}
	return n, true
}

func parseInt(s string) (int, error) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return int(n), nil
	}
	f, err := strconv.ParseFloat(s, 64) // 443.0 and 4.43e2 are whole
	if err != nil || f != float64(int32(f)) {
		return 0, errNotWhole
	}
	return int(f), nil
}

// addr returns an address that must be there.
func (c *cursor) addr() (netip.Addr, bool) {
	s, ok := c.need()
	if !ok {
		return netip.Addr{}, false
	}
	a, err := parseAddr(s)
	if err != nil {
		c.fail(codeParameter, "%s is %w", quote(s), err)
	}
	return a, err == nil
}

// prefix returns a CIDR block that must be there, its host bits cleared (SG-42),
// and as it was given.
func (c *cursor) prefix(f family) (p, given netip.Prefix, ok bool) {
	s, ok := c.need()
	if !ok {
		return p, p, false
	}
	given, err := parsePrefix(s, f)
	if err != nil {
		c.fail(codeParameter, "%s is %w", quote(s), err)
		return p, p, false
	}
	return given.Masked(), given, true
}

func (c *cursor) fail(code, format string, args ...any) { c.p.fail(c.place(), code, format, args...) }
func (c *cursor) warn(code, format string, args ...any) { c.p.warn(c.place(), code, format, args...) }

func (c *cursor) place() Place {
	at := c
	for at.v == nil && at.up != nil {
		at = at.up
	}
	return Place{File: c.src.name, Line: c.src.line(int(at.v.off)), Path: string(c.path(nil)), Resource: c.resource}
}

func (c *cursor) path(b []byte) []byte {
	if c.up == nil {
		return b
	}
	b = c.up.path(b)
	if c.key == "" {
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(c.index), 10)
		return append(b, ']')
	}
	if len(b) > 0 {
		b = append(b, '.')
	}
	return append(b, c.key...)
}

// clip keeps messages to a line.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}

func quote(s string) string { return strconv.Quote(clip(s)) }
