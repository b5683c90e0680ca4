// Package words splits a line of the text forms of rules and scenarios into
// words, and writes words that split again into the same.
package words

import (
	"fmt"
	"strconv"
	"strings"
)

// A Word is one word of a line: a bare word, or a key with its value.
type Word struct {
	Key   string // before "=", empty for a bare word
	Value string // unquoted
	Start int    // byte offset in the line
}

// Split cuts line into words at blanks. A word may be key=value; a value, or a
// bare word, that holds blanks stands in double quotes with Go's escapes. From a
// word that starts with "#" on, the rest of the line is a comment. Quotes after a bracket,
// as in aws_instance.web["a"], belong to the word.
func Split(line string) ([]Word, error) { return split(line, " \t") }

// SplitList is Split for a line in which a comma outside of quotes is a blank.
func SplitList(line string) ([]Word, error) { return split(line, " \t,") }

func split(line, blanks string) ([]Word, error) {
	blank := func(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }
	var ws []Word
	for i := 0; ; {
		for i < len(line) && blank(line[i]) {
			i++
		}
		if i == len(line) || line[i] == '#' {
			return ws, nil
		}
		w := Word{Start: i}
		j := i
		for j < len(line) && !blank(line[j]) && line[j] != '"' && line[j] != '=' {
			j++
		}
		if j < len(line) && line[j] == '=' {
			w.Key = line[i:j]
			if w.Key == "" {
				return nil, fmt.Errorf("column %d: \"=\" without a key before it", i+1)
			}
			i, j = j+1, j+1
		} else {
			j = i
		}
		if j < len(line) && line[j] == '"' {
			q, err := strconv.QuotedPrefix(line[j:])
			if err != nil {
				return nil, fmt.Errorf("column %d: quote without an end", j+1)
			}
			w.Value, _ = strconv.Unquote(q)
			j += len(q)
			if j < len(line) && !blank(line[j]) {
				return nil, fmt.Errorf("column %d: %q follows a closing quote", j+1, line[j:j+1])
			}
		} else {
			for j < len(line) && !blank(line[j]) {
				if line[j] == '"' {
					key, err := strconv.QuotedPrefix(line[j:])
					if err != nil || j == i || line[j-1] != '[' {
						return nil, fmt.Errorf("column %d: quote inside a word", j+1)
					}
					j += len(key) - 1
				}
				j++
			}
			w.Value = line[i:j]
		}
		i = j
		ws = append(ws, w)
	}
}

// Quote returns s as a word: itself, or in quotes where Split or SplitList would
// read something else.
func Quote(s string) string {
	if s == "" || s[0] == '#' || strings.ContainsAny(s, " \t,\"=\\\n\r") || !printable(s) {
		return strconv.Quote(s)
	}
	return s
}

func printable(s string) bool {
	for _, r := range s {
		if !strconv.IsPrint(r) {
			return false
		}
	}
	return true
}
