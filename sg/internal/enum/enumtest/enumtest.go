// Package enumtest tests the text forms of a type whose values stand for words.
package enumtest

import (
	"encoding"
	"testing"
)

// RoundTrip reports an error unless exactly the first n values have a word, a different one
// each, that reads back as the value. What is no word must be refused and change nothing.
func RoundTrip[T interface {
	~uint8
	String() string
	encoding.TextMarshaler
}](t *testing.T, n int) {
	t.Helper()
	read := func(v *T, text []byte) error { return any(v).(encoding.TextUnmarshaler).UnmarshalText(text) }
	seen := map[string]bool{}
	for i := range n {
		v, back := T(i), ^T(i)
		text, err := v.MarshalText()
		if err != nil || seen[string(text)] || v.String() != string(text) {
			t.Errorf("%T %d is %q, %v; String returns %q; already seen: %t", v, i, text, err, v, seen[string(text)])
		}
		seen[string(text)] = true
		if err := read(&back, text); err != nil || back != v {
			t.Errorf("%T %d is %q, which reads back as %d, %v", v, i, text, back, err)
		}
	}
	for i := n; i < 256; i++ {
		if text, err := T(i).MarshalText(); err == nil {
			t.Errorf("%T %d has a word: %q", T(i), i, text)
		}
	}
	v := T(1)
	if err := read(&v, []byte("sideways")); err == nil || v != T(1) {
		t.Errorf("%T reads %q as %d, %v", v, "sideways", v, err)
	}
}
