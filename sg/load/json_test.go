package load

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSyntaxErrors(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"empty", " \n", `x:2:1: empty: no JSON in it`},
		{"cut off in an object", "{\n  \"a\": 1", `x:2:9: ends where "," or "}" should be: the file is cut off`},
		{"cut off in a list", "[1", `x:1:3: ends where "," or "]" should be: the file is cut off`},
		{"cut off in a string", `{"a`, `x:1:4: ends where the end of a string should be: the file is cut off`},
		{"trailing comma in an object", "{\"a\": 1,\n}", `x:2:1: '}' where a key should be`},
		{"trailing comma in a list", `[1, ]`, `x:1:5: ']' where a value should be`},
		{"no colon", `{"a" 1}`, `x:1:6: '1' where ":" should be`},
		{"column in characters", `["äöü", x]`, `x:1:9: 'x' where a value should be`},
		{"bad literal", `[nul]`, `x:1:2: 'n' where a value should be`},
		{"bad number", `[-]`, `x:1:3: ']' where a digit should be`},
		{"leading zero", `[01]`, `x:1:3: '1' where "," or "]" should be`},
		{"bad fraction", `[1.]`, `x:1:4: ']' where a digit should be`},
		{"bad exponent", `[1e+]`, `x:1:5: ']' where a digit should be`},
		{"bad escape", `["a\q"]`, `x:1:4: bad escape inside a string`},
		{"bad hex escape", `["\u12g4"]`, `x:1:3: bad escape inside a string`},
		{"control character", "[\"a\nb\"]", `x:1:4: control character '\n' inside a string`},
		{"key twice", "{\"a\": 1,\n \"a\": 2}", `x:2:2: key "a" twice in one object`},
		{"too deep", strings.Repeat("[", 1200), `x:1:1002: nested more than 1000 deep`},
		{"YAML", "SecurityGroups:\n- x", `x:1:1: 'S' where a value should be`},
		{"more behind", `{} x`, `x:1:4: 'x' where a value should be`},
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

// Many keys are compared by other means than few.
func TestKeyTwiceAmongMany(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		b.WriteString(`"` + strings.Repeat("k", i+1) + `": 1, `)
	}
	for i := range 40 {
		_, err := parse(`{` + b.String() + `"` + strings.Repeat("k", i+1) + `": 2}`)
		require.NotNil(t, err, i)
		assert.ErrorContains(t, err.err, "twice")
	}
	_, err := parse(`{` + b.String() + `"other": 2}`)
	assert.Nil(t, err)
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
		v, err := parse(s)
		require.Nil(t, err)
		assert.Equal(t, want, v[0].text, s)
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
		docs, bad := parse(s)
		valid := json.Valid([]byte(s))
		if bad != nil {
			if bad.off < 0 || bad.off > len(s) {
				t.Fatalf("offset %d of %d bytes", bad.off, len(s))
			}
			newSource("x", s).position(bad.off)
			why := bad.err.Error()
			if valid && !strings.Contains(why, "twice") && !strings.Contains(why, "deep") {
				t.Fatalf("%q: valid, but %v", s, why)
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
		assert.Equal(t, want, plain(&docs[0]))
	})
}

// plain returns a value as encoding/json would.
func plain(v *value) any {
	switch v.kind {
	case boolean:
		return v.text == "true"
	case number:
		return json.Number(v.text)
	case str:
		return v.text
	case list:
		out := []any{}
		for i := range v.kids {
			out = append(out, plain(&v.kids[i].val))
		}
		return out
	case object:
		out := map[string]any{}
		for _, m := range v.kids {
			out[m.key] = plain(&m.val)
		}
		return out
	}
	return nil
}
