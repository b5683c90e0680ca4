package flowlog

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// A FieldError says which field of a line could not be read.
type FieldError struct {
	Field Field
	Err   error
}

func (e *FieldError) Error() string { return e.Field.String() + ": " + e.Err.Error() }

func (e *FieldError) Unwrap() error { return e.Err }

// A CountError says that a line and its format have different numbers of fields.
type CountError struct {
	Got    int
	Format Format
}

func (e *CountError) Error() string {
	return fmt.Sprintf("%d fields, want the %d of %s", e.Got, e.Format.Len(), e.Format)
}

// Parse reads a line of this format, without its newline, into r, which it overwrites. On
// error, a [*FieldError] or a [*CountError], r is not usable. Strings of r are parts of
// line. Parse does not allocate unless it fails.
func (f Format) Parse(line string, r *Record) error {
	*r = Record{}
	return f.parse(line, r, nil)
}

// parse is Parse for a record that holds nothing but fields of this format.
func (f Format) parse(line string, r *Record, in *interner) error {
	var set FieldSet
	rest := line
	for _, c := range f.columns {
		var w string
		for w == "" { // several blanks count as one
			if rest == "" {
				return &CountError{words(line), f}
			}
			if i := strings.IndexByte(rest, ' '); i >= 0 {
				w, rest = rest[:i], rest[i+1:]
			} else {
				w, rest = rest, ""
			}
		}
		switch {
		case c == 0:
		case w == "-":
			fields[c].blank(r)
		default:
			if err := fields[c].read(r, w, in); err != nil {
				if n := words(line); n != len(f.columns) {
					return &CountError{n, f} // the more likely cause
				}
				return &FieldError{c, err}
			}
			set |= 1 << c
		}
	}
	if strings.Trim(rest, " ") != "" {
		return &CountError{words(line), f}
	}
	r.Fields = set
	return nil
}

// parseNew is parse for a record that may hold anything.
func (f Format) parseNew(line string, r *Record, in *interner) bool {
	*r = Record{}
	return f.parse(line, r, in) == nil
}

// words counts the words of a line, as parse does.
func words(s string) int {
	n := 0
	for w := range strings.SplitSeq(s, " ") {
		if w != "" {
			n++
		}
	}
	return n
}

// parseUint reads a decimal number below 1<<size.
func parseUint(s string, size int) (uint64, bool) {
	if len(s) == 0 || len(s) > 19 { // 19 digits cannot overflow
		n, err := strconv.ParseUint(s, 10, size)
		return n, err == nil
	}
	var n uint64
	for i := range len(s) {
		d := s[i] - '0'
		if d > 9 {
			return 0, false
		}
		n = n*10 + uint64(d)
	}
	return n, size == 64 || n>>size == 0
}

var errAddr = errors.New("not an IP address")

// parseAddr reads an address without a zone; IPv4-mapped ones are unmapped.
func parseAddr(s string) (netip.Addr, error) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%q: %w", s, errAddr)
	}
	return a.Unmap(), nil
}
