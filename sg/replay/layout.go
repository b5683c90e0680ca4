package replay

import (
	"fmt"

	"github.com/sgsim/sgsim/sg"
)

// columns is how wide text for people gets. A single word that is wider stays whole.
const columns = 80

// wrap appends the words of s to a line that is col columns wide, and goes on in new
// lines behind indent blanks where a word would be too much. It returns the width of
// the last line too.
func wrap[S string | []byte](b []byte, s S, col, indent int) ([]byte, int) {
	return wrapAt(columns, b, s, col, indent)
}

// wrapAt is wrap for a width of its own.
func wrapAt[S string | []byte](columns int, b []byte, s S, col, indent int) ([]byte, int) {
	if col+len(s) <= columns { // as nearly all do
		return append(b, s...), col + width(s)
	}
	for i, start := 0, 0; i <= len(s); i++ {
		if i < len(s) && s[i] != ' ' {
			continue
		}
		word := s[start:i]
		n := width(word)
		switch {
		case start == 0:
		case col+1+n <= columns:
			b = append(b, ' ')
			col++
		default:
			b = blanks(append(b, '\n'), indent)
			col = indent
		}
		b = append(b, word...)
		col += n
		start = i + 1
	}
	return b, col
}

// width counts runes: ids and names are rarely wider than that.
func width[S string | []byte](s S) int {
	n := 0
	for i := range len(s) {
		if s[i]&0xc0 != 0x80 {
			n++
		}
	}
	return n
}

func blanks(b []byte, n int) []byte {
	for ; n > 0; n-- {
		b = append(b, ' ')
	}
	return b
}

func padLeft(b, s []byte, width int) []byte { return append(blanks(b, width-len(s)), s...) }

// ANSI colours of verdicts: red, green, and grey for what nobody judged.
var verdictColor = [...]string{sg.Drop: "31", sg.Accept: "32", sg.NotApplicable: "90"}

// paint appends a word of a verdict's colour, and fills up to a width.
func paint(b []byte, on bool, v sg.Verdict, word string, width int) []byte {
	if on {
		b = append(append(append(append(append(b, "\x1b["...), verdictColor[v]...), 'm'), word...), "\x1b[0m"...)
	} else {
		b = append(b, word...)
	}
	return blanks(b, width-len(word))
}

func plural(n uint64, word string) string { return fmt.Sprintf("%d %s", n, noun(n, word)) }

// noun returns the word for n of what word names.
func noun(n uint64, word string) string {
	switch {
	case n == 1:
		return word
	case word[len(word)-1] == 'y':
		return word[:len(word)-1] + "ies"
	}
	return word + "s"
}
