package load

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSyntaxErrors(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"empty", " \n", `x:2:1: empty: no JSON in it`},
		{"cut off in an object", "{\n  \"a\": 1", `x:2:9: ends in the middle: the file is cut off`},
		{"cut off in a list", `{"a": [{}, {"b": [1`, `x:1:20: a[1].b: ends in the middle: the file is cut off`},
		{"cut off in a string", `{"a`, `x:1:4: ends in the middle: the file is cut off`},
		{"trailing comma in an object", "{\"a\": 1,\n}", `x:1:8: invalid character ',' at start of value`},
		{"trailing comma in a list", `[1, ]`, `x:1:3: invalid character ',' at start of value`},
		{"no colon", `{"a" 1}`, `x:1:6: a: invalid character '1' after object name (expecting ':')`},
		{"column in characters", `["äöü", x]`, `x:1:9: [1]: invalid character 'x' at start of value`},
		{"bad literal", `[nul]`, `x:1:5: [0]: invalid character ']' in literal null (expecting 'l')`},
		{"bad number", `[-]`, `x:1:3: [0]: invalid character ']' in number (expecting digit)`},
		{"leading zero", `[01]`, `x:1:3: invalid character '1' after array element (expecting ',' or ']')`},
		{"bad escape", `["a\q"]`, "x:1:4: [0]: invalid escape sequence `\\q` in string"},
		{"control character", "[\"a\nb\"]", `x:1:4: [0]: invalid character '\n' in string (expecting non-control character)`},
		{"key twice", "{\"a\": 1,\n \"a\": 2}", `x:2: a: key twice in one object`},
		{"too deep", strings.Repeat("[", 1200), `x:1:1002: nested more than 1000 deep`},
		{"too many", strings.Repeat("{}\n", maxDocs+1), `x:100001:1: more than 100000 documents in one file`},
		{"more behind", `{} x`, `x:1:4: invalid character 'x' at start of value`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := New()
			l.Add("x", strings.NewReader(tc.in))
			_, _, err := l.Topology()
			require.Error(t, err)
			first, _, _ := strings.Cut(err.Error(), "\n")
			assert.Equal(t, tc.want, first)
		})
	}
}

// parse reads a text that is JSON.
func parse(t *testing.T, text string) (*source, []uint32) {
	s := &source{name: "x"}
	docs, err := s.parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s, docs
}

// Members are found by other means among many than among few.
func TestMembers(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 5000} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k\u0030%d": {"k1": [%d]}, `, i*11%n, i)
		}
		s, docs := parse(t, `[{`+b.String()+`"last": 1}]`)
		root := docs[0] + 1
		for i := range n {
			v := s.member(root, fmt.Sprintf("k0%d", i*11%n))
			require.NotZero(t, v)
			assert.Equal(t, strconv.Itoa(i), s.string(v+3))
		}
		assert.Equal(t, "1", s.string(s.member(root, "last")))
		assert.Equal(t, n >= 64, s.indexes != nil, "many keys have an index")
		assert.Zero(t, s.member(root, "k1"))
		assert.Zero(t, s.member(root, "other"))
	}
}

func TestEncodings(t *testing.T) {
	const text = "{\"SecurityGroups\": [\n{\"GroupId\": \"sg-\u00fc\U0001f600\"}]}"
	wide := func(order string) string {
		out := order
		for _, u := range utf16.Encode([]rune(text)) {
			pair := []byte{byte(u), byte(u >> 8)}
			if order == "\xfe\xff" {
				pair[0], pair[1] = pair[1], pair[0]
			}
			out += string(pair)
		}
		return out
	}
	for _, tc := range []struct{ name, in string }{
		{"UTF-8", text},
		{"UTF-8 with a mark", "\xef\xbb\xbf" + text},
		{"UTF-16 little endian, as PowerShell redirects", wide("\xff\xfe")},
		{"UTF-16 big endian", wide("\xfe\xff")},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := New()
			l.Add("x", strings.NewReader(tc.in))
			topo, _, err := l.Topology()
			require.NoError(t, err)
			assert.EqualValues(t, "sg-\u00fc\U0001f600", topo.Groups[0].ID)
			assert.Equal(t, 2, l.GroupPlace(topo.Groups[0].ID).Line)
		})
	}
	l := New()
	l.Add("x", strings.NewReader("\xff\xfea"))
	_, _, err := l.Topology()
	assert.EqualError(t, err, "x: UTF-16 with an odd number of bytes: the file is cut off")
}

func TestStrings(t *testing.T) {
	for _, s := range []string{
		`""`, `"a\"b\\c\/d\b\f\n\r\t"`, `"\u00e4\uD83D\uDE00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, "\"a\xffb\"", "\"\u2028\"",
	} {
		var want string
		require.NoError(t, json.Unmarshal([]byte(s), &want))
		src, docs := parse(t, s)
		assert.Equal(t, want, src.string(docs[0]), s)
	}
}

// The parser takes what encoding/json takes, except where it says why not, and
// reads the same from it.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{
		`{"a": [1, -2.5e3, true, null, "x\u0041"], "b": {}}`, `[01]`, `{"a":1,"a":2}`, `"\ud800"`, "\"\xff\"", `[`, `1 2`, `-0`, `1E+5`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		src := &source{name: "x", p: &problems{}}
		docs, bad := src.parse(s)
		valid := json.Valid([]byte(s))
		if bad != nil {
			if bad.Line == 0 || bad.Column == 0 && bad.Err != errTwice {
				t.Fatalf("%v: no place", bad)
			}
			if valid && !strings.Contains(bad.Error(), "twice") && !strings.Contains(bad.Error(), "deep") {
				t.Fatalf("%q: valid, but %v", s, bad)
			}
			return
		}
		if len(docs) != 1 {
			return
		}
		if !valid {
			t.Fatalf("%q: not valid", s)
		}
		d := json.NewDecoder(strings.NewReader(s))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		assert.Equal(t, want, plain(&cursor{src: src, n: docs[0]}))
	})
}

// plain returns a value as encoding/json would.
func plain(c *cursor) any {
	switch c.src.kind(c.n) {
	case boolean:
		return c.flag()
	case number:
		return json.Number(c.raw())
	case str:
		return c.str()
	case list:
		out := []any{}
		for item := range c.each() {
			out = append(out, plain(item))
		}
		return out
	case object:
		out := map[string]any{}
		for member := range c.members() {
			out[member.key] = plain(member)
		}
		return out
	}
	return nil
}
