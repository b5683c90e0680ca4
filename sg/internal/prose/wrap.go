package prose

// Columns is how wide text for people gets. A single word that is wider stays whole.
const Columns = 80

// Wrap appends the words of s to a line that is col columns wide, and goes on in new
// lines behind indent blanks where a word would be too much. It returns the width of
// the last line too.
func Wrap[S string | []byte](b []byte, s S, col, indent int) ([]byte, int) {
	return WrapAt(Columns, b, s, col, indent)
}

// WrapAt is Wrap for a width of its own.
func WrapAt[S string | []byte](columns int, b []byte, s S, col, indent int) ([]byte, int) {
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
			b = Blanks(append(b, '\n'), indent)
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

// Blanks appends n blanks.
func Blanks(b []byte, n int) []byte {
	for ; n > 0; n-- {
		b = append(b, ' ')
	}
	return b
}
