// Package enum gives small numbers that stand for words their text forms.
package enum

import (
	"fmt"
	"strconv"
)

// Text returns the word for v, and "Kind(7)" where there is none.
func Text[T ~uint8](words []string, kind string, v T) string {
	if int(v) < len(words) {
		return words[v]
	}
	return kind + "(" + strconv.Itoa(int(v)) + ")"
}

// Marshal returns the word for v.
func Marshal[T ~uint8](words []string, v T) ([]byte, error) {
	if int(v) >= len(words) {
		return nil, fmt.Errorf("%d: not one of %q", v, words)
	}
	return []byte(words[v]), nil
}

// Unmarshal sets v to what the word stands for.
func Unmarshal[T ~uint8](words []string, word []byte, v *T) error {
	for i, s := range words {
		if s == string(word) {
			*v = T(i)
			return nil
		}
	}
	return fmt.Errorf("%q: not one of %q", word, words)
}
