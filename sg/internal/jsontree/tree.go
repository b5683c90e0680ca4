// Package jsontree reads JSON and YAML into a tree that costs little more than the text
// and knows the line of every value.
package jsontree

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A Kind is what a value is.
type Kind uint8

const (
	Null Kind = iota
	Boolean
	Number
	String
	List
	Object
)

var kindText = [...]string{"null", "a boolean", "a number", "a string", "a list", "an object"}

func (k Kind) String() string { return kindText[k] }

// A Tree is the values of one input, of which only the texts of keys and scalars are
// kept, one behind the other. A value is known by the number of its node, so that a
// text of nothing but zeros costs three times its size and the garbage collector has
// nothing to follow. Node 0 is no value. The zero Tree is empty.
//
// It is not safe for concurrent use.
type Tree struct {
	text  string   // what the nodes are parts of
	lines []uint32 // where in text each line begins

	nodes   []node // behind those of a text one for its end
	indexes map[uint32][]uint32
}

// An Error says where a text stops being JSON or YAML.
type Error struct {
	Line   int    // from 1; 0: not known
	Column int    // in characters from 1; 0 where Path says more
	Path   string // as a[1].b
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// A node is a value, or the key of a member, in the order of the text: where in text
// its first byte is, the only one of a list or object. It ends where the next begins.
// Behind that of a list or object is the number of the node behind all that is inside.
type node uint32

// LineOf returns the line on which a value begins, from 1.
func (t *Tree) LineOf(n uint32) int {
	line, _ := slices.BinarySearch(t.lines, uint32(t.nodes[n])+1)
	return line
}

// MaxDepth bounds nesting. Terraform modules nest, but nobody's reach a tenth of it.
const MaxDepth = 1000

// maxText bounds what one input may hold: nodes tell offsets by 32 bits.
const maxText = math.MaxUint32

// MaxDocs bounds the documents of a text: who appends one an hour needs eleven years.
const MaxDocs = 100_000

var (
	errCutOff  = errors.New("ends in the middle: the file is cut off")
	errEmpty   = errors.New("empty, no JSON in it: did the command that writes it fail?")
	errTooLong = errors.New("more than 4 GB")
	errTooMany = fmt.Errorf("more than %d documents in one file", MaxDocs)
	errTwice   = errors.New("key twice in one object")
	errTooDeep = fmt.Errorf("nested more than %d deep", MaxDepth)
)

// Read reads all documents of a text, JSON or YAML, and returns their nodes, those before
// an error included.
func (t *Tree) Read(in string) ([]uint32, *Error) {
	if IsJSON(in) {
		return t.parse(in)
	}
	in, bad := yamlToJSON(in)
	if bad != nil {
		return nil, bad
	}
	docs, bad := t.parse(in)
	if bad != nil {
		bad.Column = 0 // is that of the JSON
	}
	return docs, bad
}

// parse is Read for JSON: `aws ... >> all.json` makes several documents.
func (t *Tree) parse(in string) ([]uint32, *Error) {
	if uint64(len(in)) > maxText {
		return nil, &Error{Err: errTooLong}
	}
	t.lines = append(make([]uint32, 0, 1+strings.Count(in, "\n")), 0)
	t.nodes = make([]node, 1, mostNodes(in)) // 0 is no value
	var text strings.Builder
	text.Grow(unindented(in))
	defer func() {
		t.text = text.String()
		t.add(node(text.Len()))
	}()
	// Half surrogate pairs and bytes that are no UTF-8 become U+FFFD, as in encoding/json.
	d := jsontext.NewDecoder(strings.NewReader(in), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	var docs, open, keys []uint32
	for {
		off := int(d.InputOffset())
		token, err := d.ReadToken()
		switch {
		case err == io.EOF && len(docs) == 0:
			return nil, t.syntaxError(in, len(in), errEmpty)
		case err == io.EOF:
			return docs, nil
		case err != nil:
			return finished(docs, open), t.syntaxError(in, off, err)
		}
		for c := in[off]; c <= ' ' || c == ',' || c == ':'; c = in[off] {
			if c == '\n' {
				t.lines = append(t.lines, uint32(text.Len()))
			}
			off++
		}
		kind := token.Kind()
		if kind == '}' || kind == ']' {
			n := open[len(open)-1]
			t.nodes[n+1] = node(len(t.nodes))
			t.text = text.String()
			if key := t.twice(n, &keys); key != 0 {
				at := Error{Line: t.LineOf(key), Err: errTwice, Path: pathOf(d.StackPointer().AppendToken(t.Text(key)))}
				return finished(docs, open), &at
			}
			open = open[:len(open)-1]
			continue
		}
		n := t.add(node(text.Len()))
		text.WriteString(in[off:d.InputOffset()])
		if len(open) == 0 {
			if len(docs) == MaxDocs {
				return docs, t.syntaxError(in, off, errTooMany)
			}
			docs = append(docs, n)
		}
		if kind == '{' || kind == '[' {
			if len(open) > MaxDepth {
				return finished(docs, open), t.syntaxError(in, off, errTooDeep)
			}
			open = append(open, n)
			t.add(0) // known at its end
		}
	}
}

// twice returns a key that an object has twice, 0 if there is none. jsontext would
// find it with a map, which takes more memory than the text.
func (t *Tree) twice(n uint32, keys *[]uint32) uint32 {
	if t.Kind(n) != Object {
		return 0
	}
	sorted := t.sortedKeys(n, (*keys)[:0])
	*keys = sorted
	for i := range sorted {
		if i > 0 && t.Text(sorted[i]) == t.Text(sorted[i-1]) {
			return max(sorted[i], sorted[i-1])
		}
	}
	return 0
}

// sortedKeys appends the keys of an object in alphabetical order.
func (t *Tree) sortedKeys(n uint32, keys []uint32) []uint32 {
	for k, end := t.First(n), t.End(n); k < end; k = t.Next(k + 1) {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b uint32) int { return strings.Compare(t.Text(a), t.Text(b)) })
	return keys
}

// mostNodes returns how many nodes a text may need: what begins a value or a key, and an
// end for every list and object.
func mostNodes(text string) int {
	n := 3
	for _, c := range [...]string{",", ":", "{", "{", "[", "["} {
		n += strings.Count(text, c)
	}
	return n
}

// unindented returns the length of a text without what its lines begin with.
func unindented(text string) int {
	n := 0
	for line := range strings.Lines(text) {
		n += len(strings.TrimLeft(line, " "))
	}
	return n
}

// finished leaves out the document that an error ended.
func finished(docs, open []uint32) []uint32 {
	if len(open) > 0 {
		return docs[:len(docs)-1]
	}
	return docs
}

// syntaxError places what the decoder refused, at off where it does not say. The
// column counts characters.
func (t *Tree) syntaxError(in string, off int, err error) *Error {
	at := &Error{}
	if e := (*jsontext.SyntacticError)(nil); errors.As(err, &e) {
		off, err = int(e.ByteOffset), e.Err
		at.Path = pathOf(e.JSONPointer)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		off, err = len(in), errCutOff
	}
	at.Line = 1 + strings.Count(in[:off], "\n")
	at.Column = 1 + utf8.RuneCountInString(in[strings.LastIndexByte(in[:off], '\n')+1:off])
	at.Err = err
	return at
}

// pathOf writes a JSON pointer as the paths of all other places.
func pathOf(p jsontext.Pointer) string {
	var b []byte
	for name := range p.Tokens() {
		b = AppendStep(b, name, strings.Trim(name, "0123456789") == "")
	}
	return string(b)
}

// AppendStep writes a step of a path behind others: a name, or an index in brackets.
func AppendStep(b []byte, name string, index bool) []byte {
	switch {
	case index:
		return append(append(append(b, '['), name...), ']')
	case len(b) > 0:
		b = append(b, '.')
	}
	return append(b, name...)
}

func (t *Tree) add(n node) uint32 {
	t.nodes = append(t.nodes, n)
	return uint32(len(t.nodes) - 1)
}

// First returns the first item of a list or the first key of an object. Where there is
// none, it is the End.
func (t *Tree) First(n uint32) uint32 { return n + 2 }

// End returns the node behind a list or object and all that is inside.
func (t *Tree) End(n uint32) uint32 { return uint32(t.nodes[n+1]) }

// EmptyAt returns an object without members that stands where another does.
func (t *Tree) EmptyAt(n uint32) uint32 {
	at := t.add(t.nodes[n])
	t.add(node(at + 2))
	return at
}

// Kind returns what a value is.
func (t *Tree) Kind(n uint32) Kind {
	switch t.text[t.nodes[n]] {
	case '{':
		return Object
	case '[':
		return List
	case '"':
		return String
	case 't', 'f':
		return Boolean
	case 'n':
		return Null
	}
	return Number
}

// Next returns the node behind a value and all that is inside.
func (t *Tree) Next(n uint32) uint32 {
	switch t.text[t.nodes[n]] {
	case '{', '[':
		return t.End(n)
	}
	return n + 1
}

// Text returns a string or key unescaped, other scalars as they stand, and nothing
// of a list or object. It is part of the text itself where it holds nothing special.
func (t *Tree) Text(n uint32) string {
	if k := t.text[t.nodes[n]]; k == '{' || k == '[' {
		return ""
	}
	raw := t.raw(n)
	switch {
	case raw[0] != '"':
		return raw
	case strings.IndexByte(raw, '\\') < 0 && utf8.ValidString(raw):
		return raw[1 : len(raw)-1]
	}
	b, _ := jsontext.AppendUnquote(nil, raw) // an error says that it was no UTF-8, which is mended
	return string(b)
}

// raw returns a scalar or key as it stands.
func (t *Tree) raw(n uint32) string { return t.text[t.nodes[n]:t.nodes[n+1]] }

// Member returns the value of an object's member, 0 where there is none.
func (t *Tree) Member(n uint32, key string) uint32 {
	const few = 64
	end, seen := t.End(n), 0
	for k := t.First(n); k < end; k = t.Next(k + 1) {
		if t.isKey(k, key) {
			return k + 1
		}
		if seen++; seen == few { // module calls of Terraform, one looked for after the other
			return t.indexed(n, key)
		}
	}
	return 0
}

func (t *Tree) isKey(n uint32, key string) bool {
	raw := t.raw(n)
	raw = raw[1 : len(raw)-1]
	return raw == key || strings.IndexByte(raw, '\\') >= 0 && t.Text(n) == key
}

// indexed finds a member by an index of the object's keys in alphabetical order,
// which costs less than a map of them would.
func (t *Tree) indexed(n uint32, key string) uint32 {
	keys := t.indexes[n]
	if keys == nil {
		keys = t.sortedKeys(n, nil)
		if t.indexes == nil {
			t.indexes = make(map[uint32][]uint32)
		}
		t.indexes[n] = keys
	}
	i, ok := slices.BinarySearchFunc(keys, key, func(k uint32, key string) int { return strings.Compare(t.Text(k), key) })
	if !ok {
		return 0
	}
	return keys[i] + 1
}

// IsJSON reports whether a text begins as JSON does, or has nothing in it.
func IsJSON(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	return text == "" || strings.IndexByte("{[\"", text[0]) >= 0
}
