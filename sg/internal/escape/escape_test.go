package escape

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

func TestEscape(t *testing.T) {
	for _, c := range []struct{ in, text, field, json string }{
		{"sg-0123", "sg-0123", "sg-0123", `"sg-0123"`},
		{"", "", "-", `""`},
		{"-", "-", `\x2d`, `"-"`},
		{"a b", "a b", `a\x20b`, `"a b"`},
		{"é", "é", `\u00e9`, `"é"`},
		{"a\nb\x1b[31m", `a\nb\x1b[31m`, `a\nb\x1b[31m`, `"a\u000ab\u001b[31m"`},
		{"\u202edrop\u2066", `\u202edrop\u2066`, `\u202edrop\u2066`, `"\u202edrop\u2066"`},
		{`"\`, `"\`, `\"\\`, `"\"\\"`},
		{"\xff\U000e0001", `\xff\U000e0001`, `\xff\U000e0001`, "\"\ufffd\\udb40\\udc01\""},
	} {
		assert.Equal(t, c.text, Text(c.in))
		assert.Equal(t, c.field, string(AppendField(nil, c.in)))
		assert.Equal(t, c.json, string(AppendJSON(nil, c.in)))
	}
	assert.Equal(t, "a\n\\x1b", Lines("a\n\x1b"))
	assert.Equal(t, "{\n \"a\": \"\\u202e\\u007f\"\n}", string(JSON([]byte("{\n \"a\": \"\u202e\x7f\"\n}"))))
}

// Everything prints, fields and JSON strings give back what they were made of.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "-", "a b", "\n", "\u202e", "\xff", `\"`, "\U000e0001", "\u00a0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		field, doc := string(AppendField(nil, s)), string(AppendJSON(nil, s))
		for _, out := range []string{Text(s), field, doc, strings.ReplaceAll(Lines(s), "\n", "")} {
			for _, r := range out {
				if !strconv.IsPrint(r) {
					t.Fatalf("%q is written as %q", s, out)
				}
			}
		}
		if strings.ContainsAny(field, " ") || field == "" {
			t.Fatalf("%q is the field %q", s, field)
		}
		if back, err := strconv.Unquote(`"` + field + `"`); field != "-" && (err != nil || back != s) || (field == "-") != (s == "") {
			t.Fatalf("%q is the field %q, which is %q", s, field, back)
		}
		var back string
		if err := json.Unmarshal([]byte(doc), &back); err != nil || utf8.ValidString(s) && back != s {
			t.Fatalf("%q is the JSON %s, which is %q, %v", s, doc, back, err)
		}
		whole, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var again string
		if err := json.Unmarshal(JSON(whole), &again); err != nil || again != back {
			t.Fatalf("%s is written as %s", whole, JSON(whole))
		}
	})
}
