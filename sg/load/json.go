package load

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sgsim/sgsim/sg"
)

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

// A source is one input: its values, of which only the texts of keys and scalars are
// kept, one behind the other. A value is known by the index of its node, so that a
// text of nothing but zeros costs five times its size and the garbage collector has
// nothing to follow.
type source struct {
	name  string
	p     *problems       // of what is read from it
	list  sg.PrefixListID // whose entries it holds, as the caller says
	text  string          // what the nodes are parts of
	lines []uint32        // where in text each line begins

	nodes   [][]node // all but the last of chunkSize
	indexes map[uint32][]uint32

	resources map[uint32]string // Terraform's addresses of what is inside these
}

// quiet returns the source for reading what is no concern of anybody.
func (s *source) quiet() *source {
	q := *s
	q.p = &problems{}
	return &q
}

// A node is a value, or the key of a member, in the order of the text.
type node struct {
	off uint32 // of its first byte in text, the only one of a list or object
	end uint32 // behind its last byte; of a list or object, the node behind all that is inside
}

const chunkSize = 1 << 16 // chunks are not copied as the nodes grow

// line returns the line of an offset, from 1.
func (s *source) line(off uint32) int {
	n, _ := slices.BinarySearch(s.lines, off+1)
	return n
}

// maxDepth bounds nesting. Terraform modules nest, but nobody's reach a tenth of it.
const maxDepth = 1000

// maxText bounds what one input may hold: nodes tell offsets by 32 bits.
const maxText = math.MaxUint32

// maxDocs bounds the documents of a text: who appends one an hour needs eleven years.
const maxDocs = 100_000

var (
	errCutOff  = errors.New("ends in the middle: the file is cut off")
	errEmpty   = errors.New("empty: no JSON in it")
	errTooLong = errors.New("more than 4 GB")
	errTooMany = fmt.Errorf("more than %d documents in one file", maxDocs)
	errTwice   = errors.New("key twice in one object")
	errTooDeep = fmt.Errorf("nested more than %d deep", maxDepth)
)

// read is parse for a text that may be YAML.
func (s *source) read(in string) ([]uint32, *Error) {
	if isJSON(in) {
		return s.parse(in)
	}
	in, bad := s.yamlToJSON(in)
	if bad != nil {
		return nil, bad
	}
	docs, bad := s.parse(in)
	if bad != nil {
		bad.Column = 0 // is that of the JSON
	}
	return docs, bad
}

// parse reads all documents of a text: `aws ... >> all.json` makes several. It
// returns their nodes, those before an error included.
func (s *source) parse(in string) ([]uint32, *Error) {
	if uint64(len(in)) > maxText {
		return nil, &Error{Place: Place{File: s.name}, Err: errTooLong}
	}
	s.lines = append(make([]uint32, 0, 1+strings.Count(in, "\n")), 0)
	s.add(node{}, len(in)) // so that 0 is no value
	var text strings.Builder
	text.Grow(unindented(in))
	defer func() { s.text = text.String() }()
	// Half surrogate pairs and bytes that are no UTF-8 become U+FFFD, as in encoding/json.
	d := jsontext.NewDecoder(strings.NewReader(in), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	var docs, open, keys []uint32
	for {
		off := int(d.InputOffset())
		token, err := d.ReadToken()
		switch {
		case err == io.EOF && len(docs) == 0:
			return nil, s.syntaxError(in, len(in), errEmpty)
		case err == io.EOF:
			return docs, nil
		case err != nil:
			return finished(docs, open), s.syntaxError(in, off, err)
		}
		for c := in[off]; c <= ' ' || c == ',' || c == ':'; c = in[off] {
			if c == '\n' {
				s.lines = append(s.lines, uint32(text.Len()))
			}
			off++
		}
		kind := token.Kind()
		if kind == '}' || kind == ']' {
			n := open[len(open)-1]
			s.node(n).end = s.count()
			s.text = text.String()
			if key := s.twice(n, &keys); key != 0 {
				at := Place{File: s.name, Line: s.line(s.node(key).off), Path: pathOf(d.StackPointer().AppendToken(s.string(key)))}
				return finished(docs, open), &Error{Place: at, Err: errTwice}
			}
			open = open[:len(open)-1]
			continue
		}
		start := uint32(text.Len())
		text.WriteString(in[off:d.InputOffset()])
		n := s.add(node{start, uint32(text.Len())}, len(in))
		if len(open) == 0 {
			if len(docs) == maxDocs {
				return docs, s.syntaxError(in, off, errTooMany)
			}
			docs = append(docs, n)
		}
		if kind == '{' || kind == '[' {
			if len(open) > maxDepth {
				return finished(docs, open), s.syntaxError(in, off, errTooDeep)
			}
			open = append(open, n)
		}
	}
}

// twice returns a key that an object has twice, 0 if there is none. jsontext would
// find it with a map, which takes more memory than the text.
func (s *source) twice(n uint32, keys *[]uint32) uint32 {
	if s.kind(n) != object {
		return 0
	}
	sorted := s.sortedKeys(n, (*keys)[:0])
	*keys = sorted
	for i := range sorted {
		if i > 0 && s.string(sorted[i]) == s.string(sorted[i-1]) {
			return max(sorted[i], sorted[i-1])
		}
	}
	return 0
}

// sortedKeys appends the keys of an object in alphabetical order.
func (s *source) sortedKeys(n uint32, keys []uint32) []uint32 {
	for k, end := n+1, s.node(n).end; k < end; k = s.next(k + 1) {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b uint32) int { return strings.Compare(s.string(a), s.string(b)) })
	return keys
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
func (s *source) syntaxError(in string, off int, err error) *Error {
	at := Place{File: s.name}
	if e := (*jsontext.SyntacticError)(nil); errors.As(err, &e) {
		off, err = int(e.ByteOffset), e.Err
		at.Path = clip(pathOf(e.JSONPointer))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		off, err = len(in), errCutOff
	}
	at.Line = 1 + strings.Count(in[:off], "\n")
	at.Column = 1 + utf8.RuneCountInString(in[strings.LastIndexByte(in[:off], '\n')+1:off])
	return &Error{Place: at, Err: err}
}

// pathOf writes a JSON pointer as the paths of all other places.
func pathOf(p jsontext.Pointer) string {
	var b []byte
	for name := range p.Tokens() {
		b = appendStep(b, name, strings.Trim(name, "0123456789") == "")
	}
	return string(b)
}

func appendStep(b []byte, name string, index bool) []byte {
	switch {
	case index:
		return append(append(append(b, '['), name...), ']')
	case len(b) > 0:
		b = append(b, '.')
	}
	return append(b, name...)
}

// add adds a node of a text of about size bytes.
func (s *source) add(n node, size int) uint32 {
	if last := len(s.nodes) - 1; last < 0 || len(s.nodes[last]) == chunkSize {
		s.nodes = append(s.nodes, make([]node, 0, min(chunkSize, size/2+2)))
	}
	last := &s.nodes[len(s.nodes)-1]
	*last = append(*last, n)
	return s.count() - 1
}

func (s *source) count() uint32 {
	return uint32((len(s.nodes)-1)*chunkSize + len(s.nodes[len(s.nodes)-1]))
}

func (s *source) node(n uint32) *node { return &s.nodes[n/chunkSize][n%chunkSize] }

// emptyAt returns an object without members that stands where another does.
func (s *source) emptyAt(n uint32) uint32 { return s.add(node{s.node(n).off, s.count() + 1}, 0) }

func (s *source) kind(n uint32) kind {
	switch s.text[s.node(n).off] {
	case '{':
		return object
	case '[':
		return list
	case '"':
		return str
	case 't', 'f':
		return boolean
	case 'n':
		return null
	}
	return number
}

// next returns the node behind a value and all that is inside.
func (s *source) next(n uint32) uint32 {
	switch s.text[s.node(n).off] {
	case '{', '[':
		return s.node(n).end
	}
	return n + 1
}

// string returns a string or key unescaped, other scalars as they stand, and nothing
// of a list or object. It is part of the text itself where it holds nothing special.
func (s *source) string(n uint32) string {
	at := s.node(n)
	if k := s.text[at.off]; k == '{' || k == '[' {
		return ""
	}
	raw := s.text[at.off:at.end]
	switch {
	case raw[0] != '"':
		return raw
	case strings.IndexByte(raw, '\\') < 0 && utf8.ValidString(raw):
		return raw[1 : len(raw)-1]
	}
	b, _ := jsontext.AppendUnquote(nil, raw) // an error says that it was no UTF-8, which is mended
	return string(b)
}

// member returns the value of an object's member, 0 where there is none.
func (s *source) member(n uint32, key string) uint32 {
	const few = 64
	end, seen := s.node(n).end, 0
	for k := n + 1; k < end; k = s.next(k + 1) {
		if s.isKey(k, key) {
			return k + 1
		}
		if seen++; seen == few { // module calls of Terraform, one looked for after the other
			return s.indexed(n, key)
		}
	}
	return 0
}

func (s *source) isKey(n uint32, key string) bool {
	at := s.node(n)
	raw := s.text[at.off+1 : at.end-1]
	return raw == key || strings.IndexByte(raw, '\\') >= 0 && s.string(n) == key
}

// indexed finds a member by an index of the object's keys in alphabetical order,
// which costs less than a map of them would.
func (s *source) indexed(n uint32, key string) uint32 {
	keys := s.indexes[n]
	if keys == nil {
		keys = s.sortedKeys(n, nil)
		if s.indexes == nil {
			s.indexes = make(map[uint32][]uint32)
		}
		s.indexes[n] = keys
	}
	i, ok := slices.BinarySearchFunc(keys, key, func(k uint32, key string) int { return strings.Compare(s.string(k), key) })
	if !ok {
		return 0
	}
	return keys[i] + 1
}
