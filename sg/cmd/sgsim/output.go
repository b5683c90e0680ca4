package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg/packetlog"
)

// An output is a file to be written.
type output struct {
	name string   // "" for none
	what string   // its purpose, for messages
	late bool     // written at the end, and left as it was until then
	file *os.File // nil for none
}

// inputs are the files that a command reads, which it must not write.
type inputs struct{ captures, topology []string }

func (r *replayer) inputs() inputs { return inputs{r.captures, r.topologyFlags.files} }

// openCaptures opens the captures of -accepted, -dropped and -annotated, and the page of
// -html.
func (r *replayer) openCaptures() error {
	outputs := []output{
		{name: r.accepted, what: "where the accepted packets go"},
		{name: r.dropped, what: "where the dropped packets go"},
		{name: r.annotated, what: "where the annotated packets go"},
		{name: r.html, what: "where the page goes", late: true},
	}
	closers, err := r.openOutputFiles(outputs, r.inputs())
	r.closers = append(r.closers, closers...)
	if err != nil {
		return err
	}
	r.page = outputs[3].file
	accepted, dropped, annotated := outputs[0].file, outputs[1].file, outputs[2].file
	if accepted != nil || dropped != nil {
		r.observer = append(r.observer, &packetlog.Split{Accepted: r.writer(accepted), Dropped: r.writer(dropped)})
	}
	if annotated != nil {
		a := packetlog.NewAnnotated(annotated, r.topo, r.via)
		r.observer = append(r.observer, a)
		r.flush = append(r.flush, a.Flush, annotated.Close)
	}
	return nil
}

// openOutputFiles opens the output files. Nothing is lost if it refuses: files are
// emptied only when all are known to be harmless.
func (t *tool) openOutputFiles(outputs []output, in inputs) (closers []func() error, err error) {
	for i := range outputs {
		o := &outputs[i]
		if o.name == "" {
			continue
		}
		f, err := os.OpenFile(o.name, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return closers, err
		}
		closers = append(closers, f.Close)
		if what := t.usedAs(f, in, outputs[:i]); what != "" {
			return closers, fmt.Errorf("%s: is %s", o.name, what)
		}
		o.file = f
	}
	for _, o := range outputs {
		if !o.late {
			if err := empty(o.file); err != nil {
				return closers, err
			}
		}
	}
	return closers, nil
}

// openPage opens the page of -html; nil for none.
func (t *tool) openPage(name string, in inputs) (*os.File, error) {
	outputs := []output{{name: name, what: "where the page goes", late: true}}
	closers, err := t.openOutputFiles(outputs, in)
	if err != nil {
		for _, c := range closers {
			c()
		}
		return nil, err
	}
	return outputs[0].file, nil
}

// writePage writes a page, if there is a file for one, in place of what the file held,
// and closes it.
func writePage(f *os.File, write func(io.Writer) error) error {
	if f == nil {
		return nil
	}
	return errors.Join(empty(f), write(f), f.Close())
}

// empty empties a file that is neither nil nor a device.
func empty(f *os.File) error {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		return f.Truncate(0)
	}
	return nil
}

// usedAs says what else an output file is, "" if nothing. Devices and pipes may
// be several things at once.
func (t *tool) usedAs(f *os.File, in inputs, others []output) string {
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
	for _, name := range in.captures {
		if name == "-" && stream(t.stdin) || named(name) {
			return "one of the captures that are read"
		}
	}
	for _, name := range in.topology {
		// The file may follow the id of a prefix list.
		_, stdin := fromStdin(name)
		if _, entries, _ := strings.Cut(name, "="); stdin && stream(t.stdin) || named(name) || named(entries) {
			return "one of the topology's files"
		}
	}
	for _, other := range others {
		if other.file != nil && stream(other.file) {
			return other.what
		}
	}
	if stream(t.stdout) {
		return "standard output"
	}
	if stream(t.stderr) {
		return "standard error"
	}
	return ""
}

// writer returns a writer of a file, nil for none. It writes pcap if the input is a
// single pcap file, else pcapng.
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
