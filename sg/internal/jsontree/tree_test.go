package jsontree

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// parse reads a text that is JSON.
func parse(t *testing.T, text string) (*Tree, []uint32) {
	s := &Tree{}
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
		root := s.First(docs[0])
		for i := range n {
			v := s.Member(root, fmt.Sprintf("k0%d", i*11%n))
			require.NotZero(t, v)
			assert.Equal(t, strconv.Itoa(i), s.Text(s.First(s.First(v)+1)))
		}
		assert.Equal(t, "1", s.Text(s.Member(root, "last")))
		assert.Equal(t, n >= 64, s.indexes != nil, "many keys have an index")
		assert.Zero(t, s.Member(root, "k1"))
		assert.Zero(t, s.Member(root, "other"))
	}
}

func TestStrings(t *testing.T) {
	for _, s := range []string{
		`""`, `"a\"b\\c\/d\b\f\n\r\t"`, `"\u00e4\uD83D\uDE00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\u0041"`, "\"a\xffb\"", "\"\u2028\"",
	} {
		var want string
		require.NoError(t, json.Unmarshal([]byte(s), &want))
		src, docs := parse(t, s)
		assert.Equal(t, want, src.Text(docs[0]), s)
	}
}

// The values of a text cost a few times its size, whatever they are.
func TestNodesAreSmall(t *testing.T) {
	for _, s := range []string{strings.Repeat("0,", 300_000) + "0", strings.Repeat("[[]],", 100_000) + "0", strings.Repeat("{\"\":{}},\n", 50_000) + "0"} {
		src, _ := parse(t, "["+s+"]")
		bytes := len(src.text) + 4*cap(src.lines) + 4*cap(src.nodes)
		assert.Less(t, bytes, 5*len(s), s[:10])
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
		src := &Tree{}
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
		assert.Equal(t, want, plain(src, docs[0]))
	})
}

// plain returns a value as encoding/json would.
func plain(t *Tree, n uint32) any {
	switch t.Kind(n) {
	case Boolean:
		return t.Text(n) == "true"
	case Number:
		return json.Number(t.Text(n))
	case String:
		return t.Text(n)
	case List:
		out := []any{}
		for item := t.First(n); item < t.End(n); item = t.Next(item) {
			out = append(out, plain(t, item))
		}
		return out
	case Object:
		out := map[string]any{}
		for key := t.First(n); key < t.End(n); key = t.Next(key + 1) {
			out[t.Text(key)] = plain(t, key+1)
		}
		return out
	}
	return nil
}
