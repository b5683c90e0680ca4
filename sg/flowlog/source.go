package flowlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Errors of files that are not VPC flow logs in a form that this package reads.
var (
	// ErrParquet: a Parquet file.
	ErrParquet = errors.New("a Parquet file: turn it into text with the command in sg/flowlog/flowparquet")

	// ErrTransitGateway: a log whose header names tgw-id. Its records are of
	// attachments, not of interfaces.
	ErrTransitGateway = errors.New("a flow log of a transit gateway, not of interfaces")

	// ErrUTF16: text in UTF-16, which PowerShell writes.
	ErrUTF16 = errors.New("text in UTF-16: write it again as UTF-8")
)

// An Error is damage at one place of the input.
type Error struct {
	Position
	Err  error // a [*FieldError] or [*CountError], one of the Err values, or an error of gzip or JSON
	Rest bool  // the rest of the file was left out too
}

func (e *Error) Error() string { return e.Position.String() + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// A Position is a place in the input. The zero Position is none.
type Position struct {
	File string
	Line int // from 1; in JSON, the number of the message. 0: the file as a whole
}

// String returns "file:line", or only the file if the line is 0.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d", p.File, p.Line)
}

// A source is one file that is being read. rec is its next record.
type source struct {
	name  string
	open  func() (io.ReadCloser, error)
	order int   // of the file among all files, for ties
	once  bool  // a pipe
	from  int64 // time, Unix seconds, before which none of its records is wanted

	rec  Record
	line int
	time int64 // of rec, or of the last record that had one

	file   io.Closer
	raw    *counter // bytes as on disk
	next   func() (string, error)
	format Format
	header bool // format is the file's own
	csv    bool // lines of timestamp and message
}

// start opens the file and detects its kind.
func (s *source) start(r *Reader) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	s.file, s.raw = f, &counter{r: f, total: &r.stats.Read}
	s.format, s.header = r.formats[0], false
	in, err := maybeGunzip(s.raw, s.raw)
	if err != nil {
		return err
	}
	b := bufio.NewReaderSize(in, 4<<10) // passes larger reads through
	if bom, _ := b.Peek(3); string(bom) == "\xef\xbb\xbf" {
		b.Discard(3)
	} else if len(bom) >= 2 && (string(bom[:2]) == "\xff\xfe" || string(bom[:2]) == "\xfe\xff") {
		return ErrUTF16
	}
	if magic, _ := b.Peek(4); string(magic) == "PAR1" {
		return ErrParquet
	}
	if isJSON(b) {
		s.next = newEventReader(b, s.raw).next
	} else {
		s.next = newLineReader(b).next
	}
	return nil
}

// isJSON reports whether the first byte other than a blank opens an object or array.
func isJSON(b *bufio.Reader) bool {
	for n := 1; n <= b.Size(); n++ {
		head, err := b.Peek(n)
		if err != nil {
			return false
		}
		if c := head[n-1]; c > ' ' {
			return c == '{' || c == '['
		}
	}
	return false
}

// close closes the file and releases its buffers.
func (s *source) close() {
	if s.file != nil {
		s.file.Close()
	}
	s.file, s.next = nil, nil
}

// advance reads the next record into rec, and reports whether there is one.
// Damage is reported to r; the error is one of the system, not of the file's
// content.
func (s *source) advance(r *Reader) (bool, error) {
	if s.next == nil {
		if err := s.start(r); err != nil {
			return false, s.broken(r, err)
		}
	}
	for {
		line, err := s.next()
		if err == io.EOF {
			s.close()
			return false, nil
		}
		s.line++
		if err == ErrLineLength {
			r.damaged(&Error{Position{s.name, s.line}, err, false})
			continue
		}
		if err != nil {
			return false, s.broken(r, err)
		}
		switch found, err := s.read(r, line); {
		case err == ErrTransitGateway:
			return false, s.broken(r, err)
		case err != nil:
			r.damaged(&Error{Position{s.name, s.line}, err, false})
		case found:
			switch {
			case s.rec.Has(FieldStart):
				s.time = s.rec.Start
			case s.rec.Has(FieldEnd):
				s.time = s.rec.End
			}
			return true, nil
		}
	}
}

// broken ends the file. An error of the operating system is returned; wrong bytes
// are damage, and the other files are still read.
func (s *source) broken(r *Reader, err error) error {
	refused := s.file == nil || s.raw.err != nil
	s.close()
	if refused {
		var path *os.PathError
		if errors.As(err, &path) {
			return err // names the file
		}
		return &Error{Position{s.name, s.line}, err, true}
	}
	r.damaged(&Error{Position{s.name, s.line}, err, true})
	return nil
}

// read reads a line, and reports whether it held a record.
func (s *source) read(r *Reader, line string) (bool, error) {
	if s.csv {
		line = csvMessage(line)
	}
	line = strings.TrimRight(line, " \r\n")
	if line == "" {
		return false, nil
	}
	if f, ok := parseHeader(line); ok {
		if f.ofTransitGateway() {
			return false, ErrTransitGateway
		}
		if !s.header {
			r.stats.Headed++
		}
		s.format, s.header, s.rec = f, true, Record{}
		return false, nil
	}
	if s.line == 1 && (line == "timestamp,message" || line == "@timestamp,@message") {
		s.csv = true
		return false, nil
	}
	if hasTime(line) {
		_, line, _ = strings.Cut(line, " ")
	}
	err := s.format.parse(line, &s.rec, &r.strings)
	if err == nil || s.fit(r, line) {
		return true, nil
	}
	return false, err
}

// fit reads a line that does not fit the file's format. It tries the given
// formats, and also without the name of a log stream in front, which begins like
// an interface: eni-0123-all. The format that fits is tried first for later
// lines.
func (s *source) fit(r *Reader, line string) bool {
	tries := r.formats
	if s.header {
		tries = []Format{s.format}
	}
	n := words(line)
	for _, f := range tries {
		if f.Len() == n && f.parseNew(line, &s.rec, &r.strings) {
			s.format = f
			return true
		}
	}
	stream, rest, _ := strings.Cut(line, " ")
	for _, f := range tries {
		if f.Len() == n-1 && strings.HasPrefix(stream, "eni-") && f.parseNew(rest, &s.rec, &r.strings) {
			s.format = f
			return true
		}
	}
	s.rec = Record{}
	return false
}

// hasTime reports whether the line begins with a time as in RFC 3339. No field
// looks like that.
func hasTime(s string) bool {
	return len(s) > 19 && s[4] == '-' && s[7] == '-' && s[10] == 'T' && s[13] == ':' && s[16] == ':'
}

// csvMessage returns the second of two columns. Records hold neither quotes nor
// line breaks.
func csvMessage(line string) string {
	if _, message, ok := strings.Cut(line, ","); ok {
		return strings.Trim(strings.TrimRight(message, "\r"), `"`)
	}
	return line
}
