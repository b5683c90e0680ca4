// Package escape decides what a field of each output may hold. Ids, names and
// descriptions come from files and hold anything: line breaks that would forge a
// record, sequences that a terminal obeys, controls that show text in another order
// than it has. All of it is written so that it can be seen.
package escape

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Text returns s as one line for people: what does not print is escaped as in Go.
func Text(s string) string { return text(s, "") }

// Lines is Text for what may be several lines.
func Lines(s string) string { return text(s, "\n") }

func text(s, but string) string {
	if plain(s) {
		return s
	}
	var b []byte
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if strconv.IsPrint(r) && (r != utf8.RuneError || n > 1) || strings.ContainsRune(but, r) {
			b = append(b, s[:n]...)
		} else {
			b = appendEscaped(b, s[:n])
		}
		s = s[n:]
	}
	return string(b)
}

// plain reports whether s holds nothing but ASCII that prints, as nearly all do.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// appendEscaped appends one rune, or one byte that belongs to none, as Go writes it
// in a string.
func appendEscaped(b []byte, r string) []byte {
	q := strconv.AppendQuoteToASCII(nil, r)
	return append(b, q[1:len(q)-1]...)
}

// AppendField appends s as a field of a record whose fields have blanks between them:
// "-" where s is empty, and no blank. Anything but ASCII that prints is escaped as in
// Go, and so are quotes and backslashes, so that strconv.Unquote gives s back from the
// field in quotes.
func AppendField(b []byte, s string) []byte {
	switch s {
	case "":
		return append(b, '-')
	case "-":
		return append(b, `\x2d`...)
	}
	for len(s) > 0 {
		_, n := utf8.DecodeRuneInString(s)
		if s[0] == ' ' {
			b = append(b, `\x20`...)
		} else {
			b = appendEscaped(b, s[:n])
		}
		s = s[n:]
	}
	return b
}

// AppendJSON appends s as a JSON string in which everything prints. Bytes that are
// not UTF-8 become U+FFFD, as encoding/json has it.
func AppendJSON(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case strconv.IsPrint(r):
			b = utf8.AppendRune(b, r)
		default:
			b = appendUnicode(b, r)
		}
	}
	return append(b, '"')
}

// JSON returns a JSON document in which everything in its strings prints. It is for
// what encoding/json wrote, which escapes the controls below U+0020 alone.
func JSON(doc []byte) []byte {
	if plain(string(doc)) {
		return doc
	}
	var b []byte
	for _, r := range string(doc) {
		if r == '\n' || r == '\t' || strconv.IsPrint(r) {
			b = utf8.AppendRune(b, r)
		} else {
			b = appendUnicode(b, r)
		}
	}
	return b
}

func appendUnicode(b []byte, r rune) []byte {
	if r > 0xffff {
		high, low := utf16.EncodeRune(r)
		return appendUnicode(appendUnicode(b, high), low)
	}
	const hex = "0123456789abcdef"
	return append(b, '\\', 'u', hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
