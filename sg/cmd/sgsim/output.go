package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg/replay"
)

// An output is a capture that is to be written.
type output struct {
	name string   // "" for none
	what string   // which, for messages
	file *os.File // nil for none
}

// openCaptures opens the captures of -accepted, -dropped and -annotated. Nothing is
// lost where that is refused: files are emptied only when all are known to be harmless.
func (r *replayer) openCaptures() error {
	outputs := [3]output{
		{name: r.accepted, what: "where the accepted packets go"},
		{name: r.dropped, what: "where the dropped packets go"},
		{name: r.annotated, what: "where the annotated packets go"},
	}
	for i := range outputs {
		o := &outputs[i]
		if o.name == "" {
			continue
		}
		f, err := os.OpenFile(o.name, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return err
		}
		r.closers = append(r.closers, f.Close)
		if what := r.usedAs(f, outputs[:i]); what != "" {
			return fmt.Errorf("%s: is %s", o.name, what)
		}
		o.file = f
	}
	for _, o := range outputs {
		if err := empty(o.file); err != nil {
			return err
		}
	}
	accepted, dropped, annotated := outputs[0].file, outputs[1].file, outputs[2].file
	if accepted != nil || dropped != nil {
		r.observer = append(r.observer, &replay.Split{Accepted: r.writer(accepted), Dropped: r.writer(dropped)})
	}
	if annotated != nil {
		a := replay.NewAnnotated(annotated, r.topo, r.via)
		r.observer = append(r.observer, a)
		r.flush = append(r.flush, a.Flush, annotated.Close)
	}
	return nil
}

// empty empties a file, if it is one that can be: neither nil nor a device.
func empty(f *os.File) error {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return f.Truncate(0)
	}
	return nil
}

// usedAs says what else a file that is to be written is, "" if nothing. Devices
// and pipes may be several things at once.
func (r *replayer) usedAs(f *os.File, others []output) string {
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
	for _, other := range others {
		if other.file != nil && stream(other.file) {
			return other.what
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

// writer returns a writer of a file, nil for none. Its captures are like those that are
// read: pcap where they are one pcap file, else pcapng.
func (r *replayer) writer(f *os.File) *capture.Writer {
	if f == nil {
		return nil
	}
	format, like := capture.PcapNG, (*capture.File)(nil)
	if len(r.files) == 1 {
		format, like = r.files[0].Format(), r.files[0]
	}
	w := capture.NewWriter(f, format, like)
	r.flush = append(r.flush, w.Flush, f.Close)
	return w
}
