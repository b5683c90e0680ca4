package flowlog

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Open returns a Reader of files and of everything in folders, whatever their paths
// inside. It looks at every file's name and size, and opens the files whose names
// do not tell the time of their first record; [Reader.Records] opens the rest. It
// fails if a file does not exist, or if there are none, and for a folder none of whose
// files begins with a record or a header. That error holds the first [*Error] of what was
// in the way, where there is one.
//
// In folders it skips files whose names begin with "." or "_", and those of other
// AWS services in the same bucket.
func Open(o *Options, paths ...string) (*Reader, error) {
	r := newReader(o)
	var folders []folder
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if info.IsDir() {
			first := len(r.waiting)
			if err = r.addFolder(path); err == nil {
				folders = append(folders, folder{path, first, len(r.waiting)})
			}
		} else {
			r.addFile(path, info)
		}
		if err != nil {
			return nil, err
		}
	}
	if len(r.waiting) == 0 {
		return nil, fmt.Errorf("no flow log in %q", paths)
	}
	if len(r.waiting) > 1 || len(folders) > 0 {
		if err := r.begin(folders); err != nil {
			return nil, err
		}
		slices.SortStableFunc(r.waiting, func(a, b *source) int { return cmp.Compare(a.from, b.from) })
	}
	return r, nil
}

// A folder was named, and its files are those waiting from first up to end.
type folder struct {
	path       string
	first, end int
}

// begin finds the times at which files begin, and refuses folders without a flow log.
func (r *Reader) begin(folders []folder) error {
	logs, damage := make([]bool, len(r.waiting)), make([]*Error, len(r.waiting))
	at := 0
	quiet := newReader(&Options{Formats: r.formats, Damaged: func(e *Error) { damage[at] = cmp.Or(damage[at], e) }})
	for i, s := range r.waiting {
		at = i
		var err error
		if logs[i], err = s.begin(quiet); err != nil {
			return err
		}
	}
	for _, f := range folders {
		if slices.Contains(logs[f.first:f.end], true) {
			continue
		}
		if e := cmp.Or(damage[f.first:f.end]...); e != nil {
			return fmt.Errorf("no flow log in %s: %w", f.path, e)
		}
		return fmt.Errorf("no flow log in %s", f.path)
	}
	return nil
}

func (r *Reader) addFolder(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := path != root && (d.Name()[0] == '.' || d.Name()[0] == '_')
		if d.IsDir() {
			if hidden {
				return fs.SkipDir
			}
			return nil
		}
		info, err := os.Stat(path) // follows links
		if err != nil {
			return err
		}
		switch {
		case info.IsDir(): // links to folders may form cycles
		case hidden || !info.Mode().IsRegular() || otherService(d.Name()):
			r.stats.Ignored++
		default:
			r.addFile(path, info)
		}
		return nil
	})
}

func (r *Reader) addFile(path string, info fs.FileInfo) {
	r.size += info.Size()
	r.waiting = append(r.waiting, &source{
		name:  path,
		order: len(r.waiting),
		open:  func() (io.ReadCloser, error) { return os.Open(path) },
		once:  !info.Mode().IsRegular(),
		from:  math.MinInt64,
	})
}

// otherService reports whether a name is like 123456789012_CloudTrail_us-east-1_…,
// with a service other than VPC flow logs.
func otherService(name string) bool {
	account, rest, ok := strings.Cut(name, "_")
	if !ok || len(account) != 12 || strings.Trim(account, "0123456789") != "" {
		return false
	}
	service, _, ok := strings.Cut(rest, "_")
	return ok && service != "vpcflowlogs"
}

// begin finds the time at which the file begins: that in its name, or that of its
// first record. A pipe, which can be read only once, begins before everything. It reports
// whether the file is a flow log, as its name says, or its first record or its header.
func (s *source) begin(r *Reader) (bool, error) {
	if s.once {
		return true, nil
	}
	if t, ok := nameTime(s.name); ok {
		s.from = t
		return true, nil
	}
	peek := *s
	found, err := peek.advance(r)
	peek.close()
	if found {
		s.from = peek.time
	}
	return found || peek.header, err
}

// nameTime returns the time in a file name on S3, as in
// 123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz.
func nameTime(path string) (int64, bool) {
	for part := range strings.SplitSeq(filepath.Base(path), "_") {
		if t, err := time.Parse("20060102T1504Z", part); err == nil {
			return t.Unix(), true
		}
	}
	return 0, false
}
