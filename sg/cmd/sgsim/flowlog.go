package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/flowreplay"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/replay"
)

// openLog opens the arguments as flow logs, if they are any: folders, and files whose
// first bytes hold a record. It returns nil for captures. Named pipes are captures, since
// they can be read only once.
func (r *replayer) openLog() (*flowlog.Reader, error) {
	logs := 0
	for _, name := range r.captures {
		is, err := r.isLog(name)
		if err != nil {
			return nil, err
		}
		if is {
			logs++
		}
	}
	switch {
	case logs == 0:
		return nil, nil
	case logs < len(r.captures):
		return nil, misuse{errors.New("captures and flow logs cannot be mixed")}
	case r.tap != "" || r.through != "" || r.vpc != "" || len(r.interfaces) > 0 || r.accepted != "" || r.dropped != "" || r.annotated != "" || r.format == "flowlog" || r.max > 0:
		return nil, misuse{errors.New("-tap, -interface, -through, -vpc, -accepted, -dropped, -annotated, -max-connections and -format flowlog are for captures")}
	case r.midstream != sg.MidstreamDrop:
		return nil, misuse{errors.New("-midstream is for captures: connections of flow logs are always picked up")}
	}
	o := &flowlog.Options{}
	if r.fields.Len() > 0 {
		o.Formats = []flowlog.Format{r.fields}
	}
	damaged := 0
	o.Damaged = func(e *flowlog.Error) {
		if damaged++; damaged <= maxDamaged {
			fmt.Fprintf(r.stderr, "warning: %s\n", printable(oneLine(e)))
		}
	}
	if r.input != nil {
		if len(r.captures) > 1 {
			return nil, misuse{errors.New("flow logs on standard input must be the only input")}
		}
		return flowlog.NewReader(stdinName, r.input, o), nil
	}
	log, err := flowlog.Open(o, r.captures...)
	if _, bare := errors.AsType[*flowlog.CountError](err); bare && r.fields.Len() == 0 {
		err = fmt.Errorf("%w (a log without a header needs -log-format)", err)
	}
	return log, err
}

// maxDamaged is how many damaged lines are reported one by one.
const maxDamaged = 10

// standardInput returns standard input, buffered so that one can peek into it.
func (r *replayer) standardInput() *bufio.Reader {
	if r.input == nil {
		r.input = bufio.NewReaderSize(newInterruptible(r.ctx, r.stdin), sniffed)
	}
	return r.input
}

// isLog reports whether a file is a flow log, by its content.
func (r *replayer) isLog(name string) (bool, error) {
	if name == "-" {
		b := r.standardInput()
		if head, _ := b.Peek(4); !isText(head) && !bytes.HasPrefix(head, gzipMagic) {
			return false, nil // a live capture may take a while to send more
		}
		head, _ := b.Peek(sniffed)
		return r.holdsRecord(stdinName, head)
	}
	info, err := os.Stat(name)
	if err != nil {
		return false, nil // opening it will report the error
	}
	if info.IsDir() {
		return true, noCaptures(name)
	}
	if !info.Mode().IsRegular() {
		return false, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return false, err
	}
	defer f.Close()
	head, err := io.ReadAll(io.LimitReader(f, sniffed))
	if err != nil {
		return false, err
	}
	return r.holdsRecord(name, head)
}

// noCaptures refuses a folder of captures, judged by its first files: folders are for
// flow logs, in which unreadable lines are left out one by one.
func noCaptures(dir string) error {
	files, err := os.ReadDir(dir)
	for _, e := range files[:min(len(files), 100)] {
		if name := filepath.Join(dir, e.Name()); e.Type().IsRegular() {
			if f, err := capture.Open(name); err == nil {
				f.Close()
				return fmt.Errorf("%s: is a capture, and folders are for flow logs: name captures one by one", name)
			}
		}
	}
	return err
}

// sniffed is how many bytes of a file are looked at.
const sniffed = 64 << 10

var gzipMagic, parquetMagic = []byte{0x1f, 0x8b}, []byte("PAR1")

// errCSV is that of flow logs as Athena exports them.
var errCSV = errors.New("it looks like a flow log as CSV with a column for each field: sgsim replay reads lines with blanks between the fields, JSON of aws logs, and CSV with the columns timestamp and message")

// A headerError is that of flow logs whose format is not known.
type headerError struct{ fields, format int } // in the first record, and those of -log-format

func (e *headerError) Error() string {
	if e.format > 0 {
		return fmt.Sprintf("it looks like a flow log whose records have %s, and -log-format has %d", prose.Count(e.fields, "field"), e.format)
	}
	return fmt.Sprintf("it looks like a flow log without a header: name its %s with -log-format of sgsim replay, as it was named to AWS", prose.Count(e.fields, "field"))
}

// logLike returns the error of a text that looks like a flow log though it holds no
// record that can be read; nil for any other.
func (r *replayer) logLike(head []byte) error {
	text, lines, end := strings.TrimSpace(strings.TrimPrefix(string(head), "\ufeff")), 10, "\n"
	if text != "" && (text[0] == '{' || text[0] == '[') {
		lines, end = len(text), `"` // strings of JSON
	}
	for line := range strings.SplitSeq(text, end) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if lines--; lines < 0 {
			break
		}
		cells := strings.Split(line, ",")
		for _, c := range cells {
			switch name := strings.NewReplacer("_", "", "-", "", `"`, "").Replace(strings.ToLower(strings.TrimSpace(c))); {
			case len(cells) < 3:
			case name == "srcaddr", name == "dstaddr", name == "interfaceid", name == "sourceaddress", name == "destinationaddress":
				return errCSV
			}
		}
		words := strings.Fields(strings.Trim(line[strings.LastIndexByte(line, ',')+1:], `"`))
		if recordLike(words) {
			if _, err := time.Parse(time.RFC3339, words[0]); err == nil {
				words = words[1:] // as CloudWatch exports them
			}
			return &headerError{len(words), r.fields.Len()}
		}
	}
	return nil
}

// recordLike reports whether words look like those of a record: what AWS did, or that there
// was nothing, beside an address or an interface.
func recordLike(words []string) bool {
	did := slices.ContainsFunc(words, func(w string) bool {
		return w == "ACCEPT" || w == "REJECT" || w == "NODATA" || w == "SKIPDATA"
	})
	return did && slices.ContainsFunc(words, func(w string) bool {
		_, err := netip.ParseAddr(w)
		return err == nil || strings.HasPrefix(w, "eni-")
	})
}

// holdsRecord reports whether the first bytes of a file hold a record. The error is for
// flow logs that cannot be read: Parquet, those of transit gateways, and those whose
// fields are not known.
func (r *replayer) holdsRecord(name string, head []byte) (bool, error) {
	if bytes.HasPrefix(head, gzipMagic) {
		z, err := gzip.NewReader(bytes.NewReader(head))
		if err != nil {
			return false, nil
		}
		head, _ = io.ReadAll(io.LimitReader(z, sniffed)) // it ends where the head does
	}
	if bytes.HasPrefix(head, parquetMagic) {
		return false, fmt.Errorf("%s: %w", name, flowlog.ErrParquet)
	}
	if !isText(head) {
		return false, nil
	}
	var err error
	o := &flowlog.Options{Damaged: func(e *flowlog.Error) {
		if errors.Is(e, flowlog.ErrTransitGateway) {
			err = fmt.Errorf("%s: %w", name, flowlog.ErrTransitGateway)
		}
	}}
	if r.fields.Len() > 0 {
		o.Formats = []flowlog.Format{r.fields}
	}
	for range flowlog.NewReader("", bytes.NewReader(head), o).Records() {
		return true, nil
	}
	if err == nil {
		if err = r.logLike(head); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	return false, err
}

// notCapture adds to the error of a file that is not a capture what the file seems to
// be, and where it belongs.
func (r *replayer) notCapture(name string, err error) error {
	if !errors.Is(err, capture.ErrFormat) {
		return err
	}
	info, staterr := os.Stat(name)
	if name == "-" || staterr != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("%w, nor a flow log", err)
	}
	if info.Size() == 0 {
		return fmt.Errorf("%w: it is empty: did the command that writes it fail?", err)
	}
	switch log, logerr := r.isLog(name); { // replay does not open either as a capture
	case logerr != nil:
		return logerr
	case log:
		return fmt.Errorf("%s: it is a flow log, whose records sgsim replay judges", name)
	}
	if isTopology(name) {
		return fmt.Errorf("%w, nor a flow log: it looks like a topology, which goes with -topology", err)
	}
	return fmt.Errorf("%w, nor a flow log", err)
}

// isTopology reports whether a file begins like one of those that package load reads.
func isTopology(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head, _ := io.ReadAll(io.LimitReader(f, sniffed))
	for line := range strings.Lines(string(head)) {
		word, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word != "" && word[0] != '#' {
			return word[0] == '{' || word[0] == '[' || topotext.IsStatement(word)
		}
	}
	return false
}

// isText reports whether the first bytes may be text; those of a capture never are.
func isText(head []byte) bool {
	head = bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	for _, c := range head[:min(len(head), 4)] {
		if c != '\n' && c != '\r' && c != '\t' && (c < ' ' || c > '~') {
			return false
		}
	}
	return len(head) > 0
}

// runLog judges the flow log and reports.
func (r *replayer) runLog(log *flowlog.Reader) int {
	o := &flowreplay.Options{Firewall: r.firewallFlags.options()}
	flush := func() error { return nil }
	if r.format == "jsonl" {
		lines := flowreplay.NewJSONL(r.out)
		o.Observe, flush = lines.Observe, lines.Flush
	}
	p := r.progress(log.Size(), "records", 0)
	o.Progress = func(s flowlog.Stats) { p.show(uint64(s.Records), uint64(s.Read)) }
	report, err := flowreplay.Run(r.ctx, r.policy, o, log)
	p.done()
	err = errors.Join(err, flush(), r.out.Flush())
	if n := report.Log.Damaged; n > maxDamaged {
		fmt.Fprintf(r.stderr, "warning: %d more lines could not be read\n", n-maxDamaged)
	}
	if r.fields.Len() > 0 && report.Log.Headed > 0 {
		fmt.Fprintf(r.stderr, "warning: -log-format is not used for %s with a header, which names the fields\n", prose.Count(report.Log.Headed, "file"))
	}
	w := r.stdout
	if r.format == "jsonl" {
		w = r.stderr
	}
	write := report.WriteText
	if r.format == "json" {
		write = report.WriteJSON
	}
	err = errors.Join(err, write(w, r.text(w)), writePage(r.page, func(w io.Writer) error { return flowreplay.WriteHTML(w, report, r.pageOptions()) }))
	return r.status(err, logGates(report))
}

// logGates are the records that -fail-on looks at.
func logGates(r *flowreplay.Report) gates {
	return gates{
		what: "record",
		found: map[string]uint64{
			"drop": r.Dropped.Records, "unknown": r.Unknown.Records, "disagreement": r.Disagreeing.Records,
		},
		judged: r.Accepted.Records + r.Dropped.Records,
	}
}

// captureGates are the packets that -fail-on looks at. What AWS did is unknown for
// most, but it admitted the packet of each inbound copy of Traffic Mirroring.
func captureGates(r *replay.Report) gates {
	return gates{
		what: "packet",
		found: map[string]uint64{
			"drop": r.Of(sg.Drop).Packets, "unknown": r.Of(sg.Unknown).Packets, "disagreement": r.Copies.Inbound.Dropped,
		},
		judged: r.Of(sg.Accept).Packets + r.Of(sg.Drop).Packets,
	}
}
