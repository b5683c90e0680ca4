package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg/replay"
)

// split opens the captures of -accepted and -dropped. Nothing is lost where that
// is refused: files are emptied only when both are known to be harmless.
func (r *replayer) split() (*replay.Split, error) {
	var opened []*os.File
	open := func(name string) (*os.File, error) {
		if name == "" {
			return nil, nil
		}
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return nil, err
		}
		r.closers = append(r.closers, f.Close)
		if what := r.usedAs(f, opened); what != "" {
			return nil, fmt.Errorf("%s: is %s", name, what)
		}
		opened = append(opened, f)
		return f, nil
	}
	accepted, err := open(r.accepted)
	if err != nil {
		return nil, err
	}
	dropped, err := open(r.dropped)
	if err != nil {
		return nil, err
	}
	s := &replay.Split{}
	if s.Accepted, err = r.writer(accepted); err != nil {
		return nil, err
	}
	s.Dropped, err = r.writer(dropped)
	return s, err
}

// usedAs says what else a file that is to be written is, "" if nothing. Devices
// and pipes may be several things at once.
func (r *replayer) usedAs(f *os.File, opened []*os.File) string {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	named := func(name string) bool {
		other, err := os.Stat(name)
		return err == nil && os.SameFile(info, other)
	}
	stream := func(s any) bool {
		file, ok := s.(*os.File)
		if !ok {
			return false
		}
		other, err := file.Stat()
		return err == nil && os.SameFile(info, other)
	}
	for _, name := range r.captures {
		if name == "-" && stream(r.stdin) || named(name) {
			return "one of the captures that are read"
		}
	}
	for _, name := range r.topologyFlags.files {
		// The file may stand behind the id of a prefix list.
		if _, entries, _ := strings.Cut(name, "="); named(name) || named(entries) {
			return "one of the topology's files"
		}
	}
	for _, other := range opened {
		if stream(other) {
			return "where the accepted packets go"
		}
	}
	if stream(r.stdout) {
		return "standard output"
	}
	if stream(r.stderr) {
		return "standard error"
	}
	return ""
}

// writer returns a writer of an emptied file, nil for none. Its captures are like
// those that are read: pcap where they are one pcap file, else pcapng.
func (r *replayer) writer(f *os.File) (*capture.Writer, error) {
	if f == nil {
		return nil, nil
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		if err := f.Truncate(0); err != nil {
			return nil, err
		}
	}
	format, like := capture.PcapNG, (*capture.File)(nil)
	if len(r.files) == 1 {
		format, like = r.files[0].Format(), r.files[0]
	}
	w := capture.NewWriter(f, format, like)
	r.flush = append(r.flush, w.Flush, f.Close)
	return w, nil
}
