package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

const replayHelp = `usage: sgsim replay [flags] CAPTURE... | FLOWLOG...

Judges each packet of captures (pcap, pcapng) at the ENIs of the topology, or each record
of VPC flow logs (text, JSON, folders), compared with what AWS did, and reports. Files may
be gzipped; - is standard input. Without arguments it shows a small demonstration.

  -topology FILE       output of the AWS CLI (describe-security-groups, ...) or terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list; - is standard input
  -prefer FILE         what this one of them says stands where others contradict it
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -format text|none|json|jsonl|flowlog   what becomes of each packet, or record (jsonl), or
                       the report alone; with jsonl and flowlog it is on standard error
  -log-format '${srcaddr} ...'      fields of a flow log that is written, or of one that is
                       read and has no header, as AWS takes it
  -log-interval 10m    aggregation interval of a flow log that is written: 1m or 10m
  -accepted FILE       write the accepted packets to a capture: pcap where one pcap is
                       read, else pcapng; -dropped FILE the dropped ones
  -annotated FILE      write all to a pcapng with verdict and why, for Wireshark (colours:
                       sgsim wireshark-profile); -html FILE the report as a page
  -tap ENI:ingress|egress           judge every packet there, whatever its addresses
  -interface NAME=ENI:ingress|egress   the same for an interface of a pcapng; repeat
  -unwrap=false        judge VXLAN (UDP 4789) and GENEVE (6081) as they are, and not the
                       mirrored or redirected packets inside
  -through ENI         the load balancer or Connect Endpoint that kept the client addresses
  -vpc ID              which VPC is meant where several have an address
  -midstream drop|pass|pickup       TCP without its SYN: drop it, ask the rules for each
                       packet, or pick the connection up (default drop)
  -profile aws|linux   how connections are tracked (default aws)
  -max-connections N   most tracked connections of an instance, or ENI without one
  -related-icmp        admit ICMP errors about tracked connections
  -exempt=false        filter DNS, DHCP, metadata and the like too
  -fail-on drop,unknown,disagreement   exit status 3 if a packet was dropped, its verdict
                       is unknown, or AWS decided otherwise; for logs give the last two
  -workers N           goroutines that judge; the output is the same for all N

  sgsim replay -topology groups.json -topology enis.json web.pcap

Exit status: 0; 1 input cannot be read, or -fail-on had nothing to judge; 2 usage;
3 -fail-on; 130 interrupted.
`

// replayFlags are the flags of sgsim replay.
type replayFlags struct {
	topologyFlags
	firewallFlags
	pathFlags
	format      string
	logFormat   string
	fields      flowlog.Format // of logFormat
	logInterval time.Duration
	accepted    string
	dropped     string
	annotated   string
	html        string
	interfaces  list
	max         int
	failOn      string
	workers     int
	unwrap      bool
	captures    []string
}

func (t *tool) replay(args []string) int {
	var f replayFlags
	fs := flag.NewFlagSet("replay", flag.ContinueOnError)
	f.topologyFlags.define(fs)
	f.firewallFlags.define(fs)
	f.pathFlags.define(fs)
	fs.StringVar(&f.format, "format", "text", "")
	fs.StringVar(&f.logFormat, "log-format", "", "")
	fs.DurationVar(&f.logInterval, "log-interval", 0, "")
	fs.StringVar(&f.accepted, "accepted", "", "")
	fs.StringVar(&f.dropped, "dropped", "", "")
	fs.StringVar(&f.annotated, "annotated", "", "")
	fs.StringVar(&f.html, "html", "", "")
	fs.Var(&f.interfaces, "interface", "")
	fs.IntVar(&f.max, "max-connections", 0, "")
	fs.StringVar(&f.failOn, "fail-on", "", "")
	fs.IntVar(&f.workers, "workers", 1, "")
	fs.BoolVar(&f.unwrap, "unwrap", true, "")
	if status, done := t.parse(fs, args, replayHelp); done {
		return status
	}
	f.captures = fs.Args()
	if err := f.check(); err != nil {
		return t.misused(fs, err)
	}
	r := &replayer{tool: t, replayFlags: &f}
	err := r.open()
	defer r.close()
	switch {
	case err != nil && t.ctx.Err() != nil:
		return t.interrupted()
	case err != nil:
		return t.refused(fs, err)
	}
	if r.log != nil {
		return r.runLog(r.log)
	}
	return r.run()
}

// check checks what the flag package does not.
func (f *replayFlags) check() error {
	oneOf := func(name, value string, values ...string) error {
		for _, v := range values {
			if v == value {
				return nil
			}
		}
		return fmt.Errorf("-%s %s: not one of %s", name, value, strings.Join(values, ", "))
	}
	switch {
	case len(f.captures) == 0 && f.given():
		return errors.New("no capture")
	case len(f.captures) > 0 && !f.given():
		return errNoTopology
	case readsTwice(f.captures, f.files):
		return errStdinTwice
	case f.workers < 1:
		return fmt.Errorf("-workers %d: at least 1", f.workers)
	case f.max < 0:
		return fmt.Errorf("-max-connections %d: below zero", f.max)
	case f.format != "flowlog" && f.logInterval != 0:
		return errors.New("-log-interval goes with -format flowlog")
	case f.logFormat != "":
		if err := f.readFormat(); err != nil {
			return err
		}
	}
	if f.failOn != "" {
		for name := range strings.SplitSeq(f.failOn, ",") {
			if err := oneOf("fail-on", name, "drop", "unknown", "disagreement"); err != nil {
				return err
			}
		}
	}
	return oneOf("format", f.format, "text", "none", "json", "jsonl", "flowlog")
}

// readFormat reads -log-format.
func (f *replayFlags) readFormat() (err error) {
	if f.fields, err = flowlog.ParseFormat(f.logFormat); err == nil {
		err = f.fields.CheckKnown()
	}
	return err
}

// A replayer is sgsim replay at work.
type replayer struct {
	*tool
	*replayFlags

	topo     *sg.Topology
	policy   *sg.Policy
	files    []*capture.File
	log      *flowlog.Reader // instead of files
	input    *bufio.Reader   // standard input, if it is read
	placer   *placer
	demo     bool
	observer []replay.Observer
	flush    []func() error // in this order, at the end
	closers  []func() error
	out      *bufio.Writer
	page     *os.File // of -html; nil for none
}

// open reads the topology and opens everything.
func (r *replayer) open() (err error) {
	r.demo = len(r.captures) == 0
	var loader *load.Loader
	if r.demo {
		var file *capture.File
		if r.topo, loader, file, err = demoFiles(); err != nil {
			return err
		}
		r.files = append(r.files, file)
	} else if r.topo, loader, err = r.load(&r.topologyFlags); err != nil {
		return err
	}
	if r.policy, err = sg.Compile(r.topo); err != nil {
		return loader.Locate(err)
	}
	if r.placer, err = r.settle(r.interfaces, r.topo); err != nil {
		return misuse{err}
	}
	if r.log, err = r.openLog(); err != nil {
		return err
	}
	if r.log != nil {
		r.out = bufio.NewWriterSize(r.stdout, 64<<10)
		return r.openCaptures()
	}
	if r.logFormat != "" && r.format != "flowlog" {
		return misuse{errors.New("-log-format goes with -format flowlog, or with flow logs: no file has records of this format")}
	}
	if err := r.openSources(r.captures); err != nil {
		return err
	}
	if r.placer != nil {
		r.placer.captures = r.files
	}
	return r.openOutputs()
}

// openSources opens captures.
func (r *replayer) openSources(names []string) error {
	for _, name := range names {
		if err := r.openCapture(name); err != nil {
			return err
		}
	}
	return nil
}

func (r *replayer) openCapture(name string) error {
	var f *capture.File
	var err error
	info, staterr := os.Stat(name)
	switch {
	case name == "-":
		f, err = capture.NewReader(r.standardInput(), stdinName)
	case staterr == nil && info.Mode()&os.ModeNamedPipe != 0:
		f, err = r.openPipe(name)
	default:
		f, err = capture.Open(name)
	}
	if err != nil {
		return r.notCapture(name, err)
	}
	r.files = append(r.files, f)
	r.closers = append(r.closers, f.Close)
	return nil
}

func (r *replayer) openOutputs() error {
	r.out = bufio.NewWriterSize(r.stdout, 64<<10)
	switch r.format {
	case "text":
		text := packetlog.NewText(r.out, r.text(r.stdout))
		r.observer = append(r.observer, text)
		r.flush = append(r.flush, text.Flush)
	case "jsonl":
		lines := packetlog.NewJSONL(r.out)
		r.observer = append(r.observer, lines)
		r.flush = append(r.flush, lines.Flush)
	case "flowlog":
		log, err := packetlog.NewFlowLog(r.out, r.topo, packetlog.FlowLogOptions{Format: r.fields, Interval: r.logInterval})
		if err != nil {
			return misuse{err}
		}
		r.observer = append(r.observer, log)
		r.flush = append(r.flush, log.Flush)
	}
	r.flush = append(r.flush, r.out.Flush)
	return r.openCaptures()
}

func (r *replayer) options() *replay.Options {
	o := &replay.Options{Firewall: r.firewallFlags.options(), Workers: r.workers, Via: r.via, KeepTunnels: !r.unwrap}
	if r.max > 0 {
		o.Firewall.InstanceMax = map[sg.InstanceID]int{}
		for _, e := range r.topo.ENIs {
			o.Firewall.InstanceMax[e.Instance] = r.max
		}
	}
	if len(r.observer) > 0 {
		o.Observer = replay.Observers(r.observer...)
	}
	if r.placer != nil {
		o.Place = r.placer.place
	}
	return o
}

func (r *replayer) run() int {
	o := r.options()
	if n := o.EffectiveWorkers(); n < r.workers && r.max > 0 {
		fmt.Fprintf(r.stderr, "note: -max-connections needs all connections in one place: 1 worker instead of %d\n", r.workers)
	}
	p := r.progress(sizeOf(r.captures), "packets", recordHeader)
	o.Progress = p.show
	if r.demo && r.format == "text" {
		fmt.Fprint(r.out, demoText)
	}
	report, err := replay.Run(r.ctx, r.policy, o, r.sources()...)
	err = r.located(err)
	p.done()
	for _, flush := range r.flush {
		if ferr := flush(); err == nil {
			err = ferr
		}
	}
	if rerr := r.report(report); err == nil {
		err = rerr
	}
	for _, name := range r.placer.unused() {
		fmt.Fprintf(r.stderr, "warning: -interface %s: no packet came from it\n", name)
	}
	return r.status(err, captureGates(report))
}

// status returns the exit status of a replay that ended with an error, or nil.
func (r *replayer) status(err error, gs gates) int {
	switch {
	case r.ctx.Err() != nil:
		return r.interrupted()
	case err != nil:
		return r.failed(err)
	case r.failOn != "":
		return r.gate(gs)
	}
	return exitOK
}

// sources returns the captures.
func (r *replayer) sources() (all []replay.Source) {
	for _, f := range r.files {
		all = append(all, f)
	}
	return all
}

// located puts the capture's name before an error in it.
func (r *replayer) located(err error) error {
	if alien, ok := errors.AsType[*replay.LinkError](err); ok {
		err = fmt.Errorf("%s: %w", r.captures[alien.Source], err)
	}
	if bad, ok := errors.AsType[*packetlog.FrameError](err); ok {
		err = fmt.Errorf("%s: %w", r.captures[bad.Source], err)
	}
	return err
}

// gates are what -fail-on looks at: how many packets or records there are of each
// name, and how many were judged.
type gates struct {
	what   string
	found  map[string]uint64
	judged uint64
}

// gate applies -fail-on. If nothing was judged, it does not pass.
func (r *replayer) gate(g gates) int {
	for name := range strings.SplitSeq(r.failOn, ",") {
		if g.found[name] > 0 {
			return exitNo
		}
	}
	if g.judged == 0 {
		return r.failed(fmt.Errorf("-fail-on %s: no %s was judged, so nothing passed", r.failOn, g.what))
	}
	return exitOK
}

// report writes the report to where it does not mix with output for programs.
func (r *replayer) report(report *replay.Report) error {
	w := r.stdout
	if r.format == "jsonl" || r.format == "flowlog" {
		w = r.stderr
	} else if r.format == "text" {
		io.WriteString(w, "\n")
	}
	report.Blame(lint.Check(r.topo))
	write := report.WriteText
	if r.format == "json" {
		write = report.WriteJSON
	}
	return errors.Join(write(w, r.text(w)), writePage(r.page, func(w io.Writer) error { return replay.WriteHTML(w, report, r.pageOptions()) }))
}

func (r *replayer) pageOptions() *replay.PageOptions {
	return &replay.PageOptions{Topology: r.topo, Policy: r.policy, Firewall: r.firewallFlags.options(), Via: r.via, Inputs: r.captures}
}

// text returns the options of text for people on w.
func (r *replayer) text(w io.Writer) replay.TextOptions {
	names := prose.NamesOf(r.topo)
	return replay.TextOptions{Color: colored(w), ENIs: names.ENIs, Groups: names.Groups}
}

func (r *replayer) close() {
	for _, c := range r.closers {
		c()
	}
}
