package load_test

import (
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/internal/jsontree"
	"github.com/sgsim/sgsim/sg/load"
)

func TestSyntaxErrors(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"empty", " \n", `x:2:1: empty, no JSON in it: did the command that writes it fail?`},
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
		{"too many", strings.Repeat("{}\n", jsontree.MaxDocs+1), `x:100001:1: more than 100000 documents in one file`},
		{"more behind", `{} x`, `x:1:4: invalid character 'x' at start of value`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := load.New()
			l.Add("x", strings.NewReader(tc.in))
			_, _, err := l.Topology()
			require.Error(t, err)
			first, _, _ := strings.Cut(err.Error(), "\n")
			assert.Equal(t, tc.want, first)
		})
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
			l := load.New()
			l.Add("x", strings.NewReader(tc.in))
			topo, _, err := l.Topology()
			require.NoError(t, err)
			assert.EqualValues(t, "sg-\u00fc\U0001f600", topo.Groups[0].ID)
			assert.Equal(t, 2, l.GroupPlace(topo.Groups[0].ID).Line)
		})
	}
	l := load.New()
	l.Add("x", strings.NewReader("\xff\xfea"))
	_, _, err := l.Topology()
	assert.EqualError(t, err, "x: UTF-16 with an odd number of bytes: the file is cut off")
}
