package flowlog

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	maxToken = 16 << 20 // bytes of one JSON string: Lambda takes events of 6 MB
	maxDepth = 64       // nested objects and arrays
)

// Errors of JSON, besides those of encoding/json.
var (
	// ErrToken: a string of more than 16 MiB.
	ErrToken = errors.New("JSON: string of more than 16 MiB")

	// ErrDepth: more than 64 nested objects and arrays, or data inside data.
	ErrDepth = errors.New("JSON: nested too deep")

	// ErrNoMessage: the results of a query that did not ask for @message. Its other
	// fields are not read.
	ErrNoMessage = errors.New("JSON: query results without @message: let the query begin with fields @message")
)

// An eventReader yields the messages of JSON documents: the strings called "message", and
// the "value" of a "field" that is "@message". Strings called "data" or "Data" that hold
// base64 and gzip are documents of their own. Everything else is skipped: the place of
// these strings differs from one AWS command to the next.
type eventReader struct {
	file  *counter
	docs  []*document // the file's, and the one in its data that is being read
	lines string      // of a message, not yielded yet

	results, message bool // whether there were query results, and any message
}

// A document is a stream of JSON values that is being read.
type document struct {
	dec    *json.Decoder
	bound  *bounded
	nested []level
}

// A level is an object or array that is open.
type level struct {
	object  bool
	haveKey bool // the object's next token is a value
	key     string
	field   string // value of its member "field"
}

// bounded ends in ErrToken if the decoder reads far ahead of what it yields, all
// of which it holds in memory. It passes on only one of several blanks: the
// decoder would look at all of them again whenever it reads, and to a record they
// are one as well.
type bounded struct {
	r     io.Reader
	n     int64
	max   int64
	blank bool // the last byte was one
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.n > b.max {
		return 0, ErrToken
	}
	p = p[:min(int64(len(p)), b.max-b.n+1)]
	for {
		n, err := b.r.Read(p)
		kept := p[:0]
		for _, c := range p[:n] {
			blank := c == ' ' || c == '\n' || c == '\r' || c == '\t'
			if !blank || !b.blank {
				kept = append(kept, c)
			}
			b.blank = blank
		}
		if b.n += int64(len(kept)); len(kept) > 0 || err != nil {
			return len(kept), err
		}
	}
}

func newEventReader(r io.Reader, file *counter) *eventReader {
	e := &eventReader{file: file}
	e.open(r)
	return e
}

func (e *eventReader) open(r io.Reader) {
	b := &bounded{r: r}
	e.docs = append(e.docs, &document{dec: json.NewDecoder(b), bound: b})
}

// next returns the next line of a message, or io.EOF, or the error in the JSON.
func (e *eventReader) next() (string, error) {
	for {
		if e.lines != "" {
			var line string
			line, e.lines, _ = strings.Cut(e.lines, "\n")
			return line, nil
		}
		d := e.docs[len(e.docs)-1]
		key, value, field, err := d.next()
		if err == io.EOF && len(e.docs) > 1 {
			e.docs = e.docs[:len(e.docs)-1]
			continue
		}
		if err == io.EOF && e.results && !e.message {
			return "", ErrNoMessage
		}
		if err != nil {
			return "", err
		}
		e.results = e.results || key == "field"
		switch {
		case key == "message" || key == "value" && field == "@message":
			if !strings.HasPrefix(value, controlMessage) {
				e.lines, e.message = value, true
			}
		case key == "data" || key == "Data":
			if err := e.unpack(value); err != nil {
				return "", err
			}
		}
	}
}

// controlMessage begins the messages that CloudWatch Logs sends to check that somebody
// listens.
const controlMessage = "CWL CONTROL MESSAGE"

// unpack continues with the document inside a base64 string.
func (e *eventReader) unpack(s string) error {
	if len(e.docs) > 1 {
		return ErrDepth
	}
	r, err := maybeGunzip(base64.NewDecoder(base64.StdEncoding, strings.NewReader(s)), e.file)
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	e.open(r)
	return nil
}

// next returns the next string that is a member of an object, with its key, and
// with the object's member "field" if that came first.
func (d *document) next() (key, value, field string, err error) {
	for {
		d.bound.max = d.dec.InputOffset() + maxToken
		tok, err := d.dec.Token()
		if err != nil {
			if err == io.EOF && len(d.nested) > 0 {
				err = io.ErrUnexpectedEOF
			}
			return "", "", "", err
		}
		if delim, ok := tok.(json.Delim); ok && (delim == '}' || delim == ']') {
			d.nested = d.nested[:len(d.nested)-1]
			continue
		} else if ok {
			d.valueRead()
			if len(d.nested) == maxDepth {
				return "", "", "", ErrDepth
			}
			d.nested = append(d.nested, level{object: delim == '{'})
			continue
		}
		if len(d.nested) == 0 {
			continue
		}
		top := &d.nested[len(d.nested)-1]
		s, isString := tok.(string)
		if top.object && !top.haveKey {
			top.key, top.haveKey = s, true
			continue
		}
		d.valueRead()
		if !top.object || !isString {
			continue
		}
		if top.key == "field" {
			top.field = s
		}
		return top.key, s, top.field, nil
	}
}

// valueRead records that the value of the innermost object's key has begun.
func (d *document) valueRead() {
	if n := len(d.nested); n > 0 {
		d.nested[n-1].haveKey = false
	}
}
