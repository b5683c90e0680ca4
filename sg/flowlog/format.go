package flowlog

import (
	"fmt"
	"slices"
	"strings"
)

// A Format is the order of fields in a line. It never changes, so any number of
// goroutines may use it. The zero Format has no fields; as an argument, it stands
// for [DefaultFormat].
type Format struct {
	columns []Field // 0: a field that this package does not know
	names   []string
}

// DefaultFormat is the record of version 2, which AWS writes if no format is
// named (FL-01).
var DefaultFormat = AllFields(2)

// AllFields returns the format of all fields up to a version, in AWS's order.
func AllFields(version int) Format {
	var f Format
	for c := Field(1); c < numFields; c++ {
		if fields[c].version <= version {
			f.columns = append(f.columns, c)
			f.names = append(f.names, fields[c].name)
		}
	}
	return f
}

// ParseFormat reads a format as in the AWS CLI's --log-format, with names in ${},
// or as in a header line, with bare names. Names are separated by blanks, in any
// order.
//
// A name that this package does not know is no error, since AWS adds fields: its
// column is passed over in reading and "-" in writing. See [Format.CheckKnown].
func ParseFormat(s string) (Format, error) {
	var f Format
	for i, w := range strings.Fields(s) {
		name := w
		if inner, ok := strings.CutPrefix(w, "${"); ok {
			name = strings.TrimSuffix(inner, "}")
			if name == inner {
				return Format{}, fmt.Errorf("flow log format: field %d: %q lacks the closing brace", i+1, w)
			}
		}
		if !isName(name) {
			return Format{}, fmt.Errorf("flow log format: field %d: %q is neither ${name} nor a name", i+1, w)
		}
		c := byName[name]
		if c != 0 && slices.Contains(f.columns, c) {
			return Format{}, fmt.Errorf("flow log format: field %d: %s stands there twice", i+1, name)
		}
		f.columns = append(f.columns, c)
		f.names = append(f.names, name)
	}
	if len(f.columns) == 0 {
		return Format{}, fmt.Errorf("flow log format: no field in %q", s)
	}
	return f, nil
}

// isName reports whether s looks like a field name: lower-case letters, digits and
// hyphens, a letter first.
func isName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if letter := 'a' <= c && c <= 'z'; !letter && (i == 0 || c != '-' && (c < '0' || c > '9')) {
			return false
		}
	}
	return s != ""
}

// parseHeader reads a line as a header: only names, most of them known. A record
// is never taken for one: few of its values that look like names are field names.
func parseHeader(line string) (Format, bool) {
	for i := range len(line) { // a cheap check that most records fail
		c, first := line[i], i == 0 || line[i-1] == ' '
		if letter := 'a' <= c && c <= 'z'; !letter && c != ' ' && (first || c != '-' && (c < '0' || c > '9')) {
			return Format{}, false
		}
	}
	f, err := ParseFormat(line)
	return f, err == nil && (2*len(f.Unknown()) < f.Len() || f.ofTransitGateway())
}

// ofTransitGateway reports whether the log is not one of interfaces.
func (f Format) ofTransitGateway() bool { return slices.Contains(f.names, "tgw-id") }

// orDefault is f, or DefaultFormat for the zero Format.
func (f Format) orDefault() Format {
	if len(f.columns) == 0 {
		return DefaultFormat
	}
	return f
}

// Fields returns the set of the format's fields.
func (f Format) Fields() FieldSet { return Fields(f.columns...) &^ 1 }

// Len returns the number of columns, unknown ones included.
func (f Format) Len() int { return len(f.columns) }

// Unknown returns the names of the columns that this package does not know.
func (f Format) Unknown() []string {
	var names []string
	for i, c := range f.columns {
		if c == 0 {
			names = append(names, f.names[i])
		}
	}
	return names
}

// CheckKnown returns an error about the first column that this package does not know, with
// the name that it may stand for, and nil where it knows all. It is for formats that
// people write: headers of files may name what AWS has added since.
func (f Format) CheckKnown() error {
	for i, c := range f.columns {
		switch name := f.names[i]; {
		case c != 0:
			continue
		case strings.HasPrefix(name, "tgw-"):
			return fmt.Errorf("flow log format: field %d: %s is one of transit gateways, not of interfaces", i+1, name)
		default:
			hint := ""
			if near := nearestField(name); near != 0 {
				hint = fmt.Sprintf(": is %s meant?", near)
			}
			return fmt.Errorf("flow log format: field %d: %q is no field of a flow log%s", i+1, name, hint)
		}
	}
	return nil
}

// nearestField returns the field whose name takes the fewest changes of a letter, 0 where
// that is more than a third of the name.
func nearestField(name string) (near Field) {
	least := len(name)/3 + 1
	for f := Field(1); f < numFields; f++ {
		if n := changes(name, fields[f].name); n < least {
			near, least = f, n
		}
	}
	return near
}

// changes counts the letters to put in, take out or replace to make b of a.
func changes(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		before := row[0] // of the row above, one to the left
		row[0] = i + 1
		for j := range len(b) {
			replaced := before
			if a[i] != b[j] {
				replaced++
			}
			before = row[j+1]
			row[j+1] = min(replaced, before+1, row[j]+1)
		}
	}
	return row[len(b)]
}

// Version returns what AWS writes into the version field of such a record: the
// highest version of its fields, at least 2 (FL-02). Unknown fields do not count.
func (f Format) Version() int {
	v := 2
	for _, c := range f.columns {
		v = max(v, c.Version())
	}
	return v
}

// String returns the format as the AWS CLI takes it, "${version} ${account-id}";
// [ParseFormat] reads it back.
func (f Format) String() string {
	if len(f.names) == 0 {
		return ""
	}
	return "${" + strings.Join(f.names, "} ${") + "}"
}

// Header returns the first line of a file of this format on S3, without a
// newline.
func (f Format) Header() string { return strings.Join(f.names, " ") }

// AppendRecord appends r as a line of this format, without a newline. Fields
// without a value are "-"; in strings, blanks and ASCII control characters are
// percent-encoded. [Format.Parse] reads it back, except for fields without a
// column.
func (f Format) AppendRecord(b []byte, r *Record) []byte {
	for i, c := range f.columns {
		if i > 0 {
			b = append(b, ' ')
		}
		n := len(b)
		if r.Fields.Has(c) && c != 0 {
			b = fields[c].append(b, r)
		}
		if len(b) == n {
			b = append(b, '-')
		}
	}
	return b
}
