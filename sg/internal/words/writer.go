package words

import (
	"strings"
	"time"
)

// A Writer writes statements, one a line. The zero Writer is ready.
type Writer struct{ b []byte }

// Lines returns all that was written, and a line break where that is anything.
func (w *Writer) Lines() string {
	if len(w.b) == 0 {
		return ""
	}
	return string(w.b) + "\n"
}

// Words returns what was written, without a blank before it.
func (w *Writer) Words() string { return strings.TrimPrefix(string(w.b), " ") }

// Text writes words that are quoted already.
func (w *Writer) Text(s string) { w.b = append(append(w.b, ' '), s...) }

// Start begins a statement.
func (w *Writer) Start(kind string, ids ...string) {
	if len(w.b) > 0 {
		w.b = append(w.b, '\n')
	}
	w.b = append(w.b, kind...)
	for _, id := range ids {
		w.Bare(id)
	}
}

// Bare writes a word without a key.
func (w *Writer) Bare(s string) { w.Text(Quote(s)) }

// Keep writes a field even where it is empty, Field only where it is not.
func (w *Writer) Keep(key, s string) {
	w.b = append(append(append(append(w.b, ' '), key...), '='), Quote(s)...)
}

func (w *Writer) Field(key, s string) {
	if s != "" {
		w.Keep(key, s)
	}
}

// Flag writes a word where it is set.
func (w *Writer) Flag(key string, set bool) {
	if set {
		w.Bare(key)
	}
}

// Duration is Field for a duration, where 0 is empty.
func (w *Writer) Duration(key string, d time.Duration) {
	if d != 0 {
		w.Field(key, d.String())
	}
}

// WriteAll writes what is valid of addresses or CIDR blocks.
func WriteAll[T interface {
	IsValid() bool
	String() string
}](w *Writer, s []T) {
	for _, x := range s {
		if x.IsValid() {
			w.Bare(x.String())
		}
	}
}
