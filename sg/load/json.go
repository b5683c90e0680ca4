package load

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/sgsim/sgsim/sg"
)

// encoding/json tells no offsets of values, which every message here needs, so
// documents are parsed into a tree that keeps them.

type kind uint8

const (
	null kind = iota
	boolean
	number
	str
	list
	object
)

var kindText = [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}

func (k kind) String() string { return kindText[k] }

// A value is one JSON value. text holds a string unescaped, and numbers and
// booleans as they stand.
type value struct {
	kind kind
	off  uint32   // bytes from the start of the text
	text string   // part of the text itself where it holds no escapes
	kids []member // items of a list, without keys, or members of an object, in order
}

type member struct {
	key string
	val value
}

// get returns the member's value, or nil.
func (v *value) get(key string) *value {
	if v == nil || v.kind != object {
		return nil
	}
	return find(v.kids, key)
}

func find(kids []member, key string) *value {
	for i := range kids {
		if kids[i].key == key {
			return &kids[i].val
		}
	}
	return nil
}

// A source is one input, decoded to UTF-8.
type source struct {
	name  string
	text  string
	lines []uint32        // offset of each line's first byte
	list  sg.PrefixListID // whose entries it holds, as the caller says
}

func newSource(name, text string) *source {
	s := &source{name: name, text: text, lines: make([]uint32, 1, 1+strings.Count(text, "\n"))}
	for i := range len(text) {
		if text[i] == '\n' {
			s.lines = append(s.lines, uint32(i+1))
		}
	}
	return s
}

// line returns the line of an offset, from 1.
func (s *source) line(off int) int {
	n, _ := slices.BinarySearch(s.lines, uint32(off+1))
	return n
}

// position returns line and column of an offset, both from 1, the column in
// characters. These are counted from the start of the line, which may be all of a
// large file.
func (s *source) position(off int) (line, col int) {
	line = s.line(off)
	return line, 1 + utf8.RuneCountInString(s.text[s.lines[line-1]:off])
}

// maxDepth bounds nesting. Terraform modules nest, but nobody's reach a tenth of it.
const maxDepth = 1000

// A syntaxError is where and why a text is not JSON.
type syntaxError struct {
	off int
	err error
}

// parse reads all documents of a text: `aws ... >> all.json` makes several.
func parse(text string) ([]value, *syntaxError) {
	if len(text) > math.MaxUint32 {
		return nil, &syntaxError{0, errors.New("more than 4 GB")}
	}
	p := parser{s: text}
	var docs []value
	for {
		p.space()
		if p.off == len(p.s) {
			break
		}
		v, ok := p.value(0)
		if !ok {
			return docs, &syntaxError{p.off, p.err}
		}
		docs = append(docs, v)
	}
	if len(docs) == 0 {
		return nil, &syntaxError{p.off, errors.New("empty: no JSON in it")}
	}
	return docs, nil
}

type parser struct {
	s    string
	off  int
	err  error
	open []member // of the lists and objects that have not ended, so that each is allocated once
}

// close ends a list or object whose first member is at start in p.open.
func (p *parser) close(v value, start int) (value, bool) {
	v.kids = slices.Clone(p.open[start:])
	clear(p.open[start:])
	p.open = p.open[:start]
	return v, true
}

// fail notes what is wrong at the current offset.
func (p *parser) fail(format string, args ...any) (value, bool) {
	p.err = fmt.Errorf(format, args...)
	return value{}, false
}

// unexpected says what stands where something else was wanted.
func (p *parser) unexpected(want string) (value, bool) {
	if p.off >= len(p.s) {
		return p.fail("ends where %s should be: the file is cut off", want)
	}
	r, _ := utf8.DecodeRuneInString(p.s[p.off:])
	return p.fail("%q where %s should be", r, want)
}

func (p *parser) space() {
	for p.off < len(p.s) {
		switch p.s[p.off] {
		case ' ', '\t', '\n', '\r':
			p.off++
		default:
			return
		}
	}
}

// eat skips white space and then c, if that is what follows.
func (p *parser) eat(c byte) bool {
	p.space()
	if p.off < len(p.s) && p.s[p.off] == c {
		p.off++
		return true
	}
	return false
}

func (p *parser) value(depth int) (value, bool) {
	p.space()
	if depth > maxDepth {
		return p.fail("nested more than %d deep", maxDepth)
	}
	if p.off == len(p.s) {
		return p.unexpected("a value")
	}
	v := value{off: uint32(p.off)}
	switch c := p.s[p.off]; {
	case c == '{':
		return p.object(v, depth)
	case c == '[':
		return p.list(v, depth)
	case c == '"':
		text, ok := p.string()
		v.kind, v.text = str, text
		return v, ok
	case c == '-' || '0' <= c && c <= '9':
		return p.number(v)
	}
	for _, lit := range [...]struct {
		text string
		kind kind
	}{{"null", null}, {"true", boolean}, {"false", boolean}} {
		if n := len(lit.text); len(p.s)-p.off >= n && p.s[p.off:p.off+n] == lit.text {
			p.off += n
			v.kind, v.text = lit.kind, lit.text
			return v, true
		}
	}
	return p.unexpected("a value")
}

func (p *parser) list(v value, depth int) (value, bool) {
	v.kind = list
	p.off++ // [
	if p.eat(']') {
		return v, true
	}
	start := len(p.open)
	for {
		item, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		p.open = append(p.open, member{val: item})
		if p.eat(']') {
			return p.close(v, start)
		}
		if !p.eat(',') {
			return p.unexpected(`"," or "]"`)
		}
	}
}

func (p *parser) object(v value, depth int) (value, bool) {
	v.kind = object
	p.off++ // {
	if p.eat('}') {
		return v, true
	}
	start := len(p.open)
	var seen map[string]bool // only where there are many keys
	for {
		p.space()
		if p.off == len(p.s) || p.s[p.off] != '"' {
			return p.unexpected("a key")
		}
		at := p.off
		key, ok := p.string()
		if !ok {
			return v, false
		}
		members, twice := p.open[start:], false
		switch {
		case len(members) < 16:
			twice = find(members, key) != nil
		case seen == nil:
			seen = make(map[string]bool)
			for i := range members {
				seen[members[i].key] = true
			}
			fallthrough
		default:
			twice = seen[key]
			seen[key] = true
		}
		if twice {
			p.off = at
			return p.fail("key %q twice in one object", key)
		}
		if !p.eat(':') {
			return p.unexpected(`":"`)
		}
		val, ok := p.value(depth + 1)
		if !ok {
			return v, false
		}
		p.open = append(p.open, member{key, val})
		if p.eat('}') {
			return p.close(v, start)
		}
		if !p.eat(',') {
			return p.unexpected(`"," or "}"`)
		}
	}
}

func (p *parser) number(v value) (value, bool) {
	start := p.off
	digits := func() bool {
		n := p.off
		for p.off < len(p.s) && '0' <= p.s[p.off] && p.s[p.off] <= '9' {
			p.off++
		}
		return p.off > n
	}
	next := func(chars string) bool {
		for i := range len(chars) {
			if p.off < len(p.s) && p.s[p.off] == chars[i] {
				p.off++
				return true
			}
		}
		return false
	}
	next("-")
	if !next("0") && !digits() {
		return p.unexpected("a digit")
	}
	if next(".") && !digits() {
		return p.unexpected("a digit")
	}
	if next("eE") {
		next("+-")
		if !digits() {
			return p.unexpected("a digit")
		}
	}
	v.kind, v.text = number, p.s[start:p.off]
	return v, true
}

// string reads a string and unescapes it. Invalid UTF-8 and half surrogate pairs
// become U+FFFD, as in encoding/json.
func (p *parser) string() (string, bool) {
	p.off++ // opening quote
	start := p.off
	for p.off < len(p.s) { // most strings hold nothing special
		c := p.s[p.off]
		if c == '"' {
			p.off++
			return p.s[start : p.off-1], true
		}
		if c == '\\' || c < ' ' || c >= utf8.RuneSelf {
			break
		}
		p.off++
	}
	buf := []byte(p.s[start:p.off])
	for p.off < len(p.s) {
		c := p.s[p.off]
		switch {
		case c == '"':
			p.off++
			return string(buf), true
		case c < ' ':
			p.fail("control character %q inside a string", c)
			return "", false
		case c == '\\':
			r, ok := p.escape()
			if !ok {
				return "", false
			}
			buf = utf8.AppendRune(buf, r)
		default:
			r, n := utf8.DecodeRuneInString(p.s[p.off:])
			buf = utf8.AppendRune(buf, r)
			p.off += n
		}
	}
	p.unexpected("the end of a string")
	return "", false
}

func (p *parser) escape() (rune, bool) {
	if p.off+1 < len(p.s) {
		switch c := p.s[p.off+1]; c {
		case '"', '\\', '/':
			p.off += 2
			return rune(c), true
		case 'b', 'f', 'n', 'r', 't':
			p.off += 2
			return map[byte]rune{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}[c], true
		case 'u':
			r, ok := p.hex(p.off)
			if !ok {
				break
			}
			p.off += 6
			if !utf16.IsSurrogate(r) {
				return r, true
			}
			if low, ok := p.hex(p.off); ok {
				if r := utf16.DecodeRune(r, low); r != utf8.RuneError {
					p.off += 6
					return r, true
				}
			}
			return utf8.RuneError, true
		}
	}
	p.fail("bad escape inside a string")
	return 0, false
}

// hex reads \uXXXX at off.
func (p *parser) hex(off int) (rune, bool) {
	if off+6 > len(p.s) || p.s[off] != '\\' || p.s[off+1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(p.s[off+2:off+6], 16, 16)
	return rune(n), err == nil
}
