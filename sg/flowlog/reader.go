package flowlog

import (
	"io"
	"iter"
)

// Options say how to read. The zero Options, and nil, mean the defaults.
type Options struct {
	// Formats are those of text and messages without a header. If there are
	// several, the number of fields tells which one a line has. Empty means
	// [DefaultFormat], and so does a zero Format.
	Formats []Format

	// Damaged, if not nil, is called for each place that could not be read, in the
	// order of reading: at most once per line.
	Damaged func(*Error)
}

// Stats count what a Reader has read so far.
type Stats struct {
	Files    int   // started
	Headed   int   // of them: with a header of their own, so that Options.Formats do not apply
	Read     int64 // bytes of them, as on disk
	Records  int   // all yielded, including those without traffic
	NoData   int   // of them
	SkipData int   // of them: AWS left out an unknown number of records
	Damaged  int   // lines, and remainders of files, that could not be read
	Ignored  int   // files in folders whose names are not those of flow logs
}

// A Reader reads the records of one or many files, in order of time as far as the
// files are. Make one with [Open] or [NewReader]; it is for one use by one
// goroutine.
type Reader struct {
	formats []Format
	onError func(*Error)
	waiting []*source // not open yet, ordered by when they begin
	open    []*source // heap by the time of their next record
	stats   Stats
	size    int64
	at      Position
	format  Format // of the record at that position
	strings interner
}

// maxOpen is how many files are read at the same time. Each takes about 200 KiB.
const maxOpen = 128

// NewReader returns a Reader of one stream. The name is for positions.
func NewReader(name string, r io.Reader, o *Options) *Reader {
	n := newReader(o)
	n.waiting = []*source{{name: name, open: func() (io.ReadCloser, error) { return io.NopCloser(r), nil }}}
	return n
}

func newReader(o *Options) *Reader {
	if o == nil {
		o = &Options{}
	}
	r := &Reader{onError: o.Damaged}
	for _, f := range o.Formats {
		r.formats = append(r.formats, f.orDefault())
	}
	if len(r.formats) == 0 {
		r.formats = []Format{DefaultFormat}
	}
	return r
}

// Records yields the records. The next one overwrites the Record: copy it to keep
// it; its strings may be kept without copying.
//
// A file's records come in its own order, which on S3 is by time only to the
// minute. Files that overlap in time are merged by the start of their next
// records. Among records that start in the same second, that of the file named
// first, or with the smaller path, comes first. At most 128 files are open at
// once: if more overlap, those that begin last wait.
//
// An error ends the records: the system could not open or read a file. Damaged
// input is not an error; it is counted in [Reader.Stats] and reported to
// Options.Damaged. Records may be ranged over once.
func (r *Reader) Records() iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		defer r.close()
		for {
			if err := r.openDue(); err != nil {
				yield(nil, err)
				return
			}
			if len(r.open) == 0 {
				return
			}
			s := r.open[0]
			r.at, r.format = Position{s.name, s.line}, s.format
			r.count(&s.rec)
			if !yield(&s.rec, nil) {
				return
			}
			more, err := s.advance(r)
			if err != nil {
				yield(nil, err)
				return
			}
			if !more {
				last := len(r.open) - 1
				r.open[0] = r.open[last]
				r.open[last] = nil
				r.open = r.open[:last]
			}
			r.down(0)
		}
	}
}

func (r *Reader) count(rec *Record) {
	r.stats.Records++
	switch rec.Status {
	case NoData:
		r.stats.NoData++
	case SkipData:
		r.stats.SkipData++
	}
}

// Position returns where the last record was.
func (r *Reader) Position() Position { return r.at }

// Format returns the format of the last record: that of its file's header, or the
// one of Options.Formats that its line fits.
func (r *Reader) Format() Format { return r.format }

// Stats returns the counts so far.
func (r *Reader) Stats() Stats { return r.stats }

// Size returns the bytes of all files on disk, of which Stats.Read have been read;
// 0 for a stream.
func (r *Reader) Size() int64 { return r.size }

func (r *Reader) damaged(e *Error) {
	r.stats.Damaged++
	if r.onError != nil {
		r.onError(e)
	}
}

// openDue opens the files that begin before the next record of those that are open.
func (r *Reader) openDue() error {
	for len(r.waiting) > 0 && len(r.open) < maxOpen &&
		(len(r.open) == 0 || r.waiting[0].from <= r.open[0].time) {
		s := r.waiting[0]
		r.waiting = r.waiting[1:]
		r.stats.Files++
		s.time = s.from
		found, err := s.advance(r)
		if err != nil {
			s.close()
			return err
		}
		if found {
			r.open = append(r.open, s)
			r.up(len(r.open) - 1)
		}
	}
	return nil
}

func (r *Reader) close() {
	for _, s := range r.open {
		s.close()
	}
	r.open, r.waiting = nil, nil
}

// before orders the heap.
func (s *source) before(o *source) bool {
	return s.time < o.time || s.time == o.time && s.order < o.order
}

func (r *Reader) up(i int) {
	for h := r.open; i > 0 && h[i].before(h[(i-1)/2]); i = (i - 1) / 2 {
		h[i], h[(i-1)/2] = h[(i-1)/2], h[i]
	}
}

func (r *Reader) down(i int) {
	for h := r.open; ; {
		least := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(h); c++ {
			if h[c].before(h[least]) {
				least = c
			}
		}
		if least == i {
			return
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
