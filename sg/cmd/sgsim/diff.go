package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/load"
)

const diffHelp = `usage: sgsim diff -before FILE -after FILE [flags] [CAPTURE... | FLOWLOG...]
       sgsim diff -plan FILE [flags] [CAPTURE... | FLOWLOG...]

Says what a change of groups and network ACLs does: what can open a connection afterwards
but not before, or before but not afterwards, and what no longer gets an answer; with the
rules and entries behind it and a packet to try. What it does not name is the same. With
captures or flow logs, as sgsim replay reads them, it also says which of their connections
fare differently, and which live on only because they are tracked.

  -before FILE         output of the AWS CLI (describe-security-groups, ...) or terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list; - is standard input
  -after FILE          the same, as it will be; repeat
  -plan FILE           terraform show -json of a plan, which holds both; what it replaces
                       keeps its id; what it does not tell comes from listings: give them
                       twice, as -before and as -after
  -prefer FILE         which of these files wins where others contradict it
  -eni 'web 10.0.1.10 sg-web'       add an interface to both, or more about one; repeat
  -format text|json|markdown        markdown is for a pull request (default text)
  -html FILE           also write it as a page
  -most N              most changes, pairs and talkers to show of each (default 20)
  -at TIME             when the change happens, on the captures' clock: 10:32:00 (UTC)
                       or 2026-03-01T12:00:00Z (default: before them)
  -then TIME=FILE,...  files of a further state that follows -after; repeat
  -option NAME=VALUE   a setting for afterwards only: an option below, nitro-v6, or a
                       timeout of all interfaces, tcp-established, udp, udp-stream; repeat;
                       without -after the topology stays
  -midstream, -profile, -related-icmp, -exempt, -vpc, -log-format   for captures and flow
                       logs, as in sgsim replay
  -workers N           goroutines that judge captures; the output is the same for all N
  -fail-on broken|opened|any        exit status 3 if something no longer passes, or newly
                       passes, or not all was compared; any: if anything differs, even
                       only for future members of groups, or where the input does not
                       decide

  sgsim diff -plan plan.json -format markdown -fail-on broken
  sgsim diff -before vpc.json -option nitro-v6 web.pcap

Exit status: 0; 1 unreadable input, or nothing to judge for -fail-on; 2 usage; 3 -fail-on;
130 interrupted.
`

// diffFlags are the flags of sgsim diff.
type diffFlags struct {
	replayFlags                 // for how captures and flow logs are read and judged
	later         firewallFlags // with -option
	timeouts      conntrack.Timeouts
	nitroV6       bool
	before, after topologyFlags
	then          []thenFlag
	most          int
	at            time.Time
}

// A thenFlag is a further world, of -then.
type thenFlag struct {
	at time.Time
	topologyFlags
}

func (t *tool) diff(args []string) int {
	f := diffFlags{}
	var enis, plans, prefer, options, then list
	var at string
	fs := flag.NewFlagSet("diff", flag.ContinueOnError)
	f.firewallFlags.define(fs)
	fs.Var(&f.before.files, "before", "")
	fs.Var(&f.after.files, "after", "")
	fs.Var(&plans, "plan", "")
	fs.Var(&prefer, "prefer", "")
	fs.Var(&enis, "eni", "")
	fs.Var(&options, "option", "")
	fs.Var(&then, "then", "")
	fs.StringVar(&f.format, "format", "text", "")
	fs.StringVar(&f.html, "html", "", "")
	fs.StringVar(&f.logFormat, "log-format", "", "")
	fs.IntVar(&f.most, "most", 20, "")
	fs.StringVar(&at, "at", "", "")
	fs.StringVar(&f.vpc, "vpc", "", "")
	fs.IntVar(&f.workers, "workers", 1, "")
	fs.StringVar(&f.failOn, "fail-on", "", "")
	if status, done := t.parse(fs, args, diffHelp); done {
		return status
	}
	f.captures = fs.Args()
	f.before.plans, f.after.plans = plans, plans
	f.before.stage, f.after.stage = (*load.Loader).Before, (*load.Loader).After
	err := f.checkDiff(at, options, then)
	if err == nil {
		err = f.readOptions(fs, options)
	}
	if err == nil {
		err = f.readTimes(at, then)
	}
	if err == nil {
		err = f.share(enis, prefer)
	}
	if err != nil {
		return t.misused(fs, err)
	}
	err = t.compare(&f)
	switch {
	case err == errDiffers:
		return exitNo
	case t.ctx.Err() != nil:
		return t.interrupted()
	case err != nil:
		return t.refused(fs, err)
	}
	return exitOK
}

// checkDiff checks what the flag package does not.
func (f *diffFlags) checkDiff(at string, options, then []string) (err error) {
	switch {
	case len(f.before.plans) == 0 && (len(f.before.files) == 0 || len(f.after.files) == 0 && len(options) == 0):
		return errors.New("name files for both sides, -before and -after, or a -plan, which holds both")
	case f.format != "text" && f.format != "json" && f.format != "markdown":
		return fmt.Errorf("-format %s: not one of text, json, markdown", f.format)
	case f.failOn != "" && f.failOn != "broken" && f.failOn != "opened" && f.failOn != "any":
		return fmt.Errorf("-fail-on %s: not one of broken, opened, any", f.failOn)
	case f.most < 1:
		return fmt.Errorf("-most %d: at least 1", f.most)
	case f.workers < 1:
		return fmt.Errorf("-workers %d: at least 1", f.workers)
	case f.readsTwice(then):
		return errStdinTwice
	case len(f.captures) == 0 && (at != "" || f.vpc != "" || len(options) > 0 || len(then) > 0):
		return errors.New("-at, -then, -option and -vpc go with captures or flow logs")
	case f.logFormat != "":
		err = f.readFormat()
	}
	return err
}

// readsTwice reports whether standard input is named several times.
func (f *diffFlags) readsTwice(then []string) bool {
	all := [][]string{f.captures, f.before.files, f.after.files, f.before.plans}
	for _, s := range then {
		_, files, _ := strings.Cut(s, "=")
		all = append(all, strings.Split(files, ","))
	}
	return readsTwice(all...)
}

// readOptions reads the values of -option, each in the way of its flag.
func (f *diffFlags) readOptions(given *flag.FlagSet, options []string) error {
	later := flag.NewFlagSet("option", flag.ContinueOnError)
	later.SetOutput(io.Discard)
	f.later.define(later)
	given.Visit(func(g *flag.Flag) {
		if later.Lookup(g.Name) != nil {
			later.Set(g.Name, g.Value.String())
		}
	})
	later.BoolVar(&f.nitroV6, "nitro-v6", false, "")
	later.DurationVar(&f.timeouts.TCPEstablished, "tcp-established", 0, "")
	later.DurationVar(&f.timeouts.UDP, "udp", 0, "")
	later.DurationVar(&f.timeouts.UDPStream, "udp-stream", 0, "")
	for _, o := range options {
		if err := later.Parse([]string{"-" + o}); err != nil || later.NArg() > 0 {
			return fmt.Errorf("-option %s: not one of midstream=, profile=, related-icmp, exempt=, nitro-v6, tcp-established=, udp=, udp-stream= with a valid value", o)
		}
		// Each by itself, as it was given: sg.Compile would blame every interface.
		var bad *conntrack.TimeoutError
		if _, err := conntrack.NewTable(conntrack.Config{Timeouts: f.timeouts}); errors.As(err, &bad) {
			return fmt.Errorf("-option %s: from %v to %v", o, bad.Min, bad.Max)
		}
	}
	if len(options) > 0 && len(f.after.files) == 0 {
		f.after.files = f.before.files
	}
	return nil
}

// readTimes reads -at and -then.
func (f *diffFlags) readTimes(at string, then []string) (err error) {
	if at != "" {
		if f.at, err = parseWhen(at); err != nil {
			return fmt.Errorf("-at %s: %w", at, err)
		}
	}
	last := f.at
	for _, s := range then {
		when, files, _ := strings.Cut(s, "=")
		w := thenFlag{topologyFlags: topologyFlags{files: strings.Split(files, ",")}}
		if w.at, err = parseWhen(when); err != nil || files == "" {
			return fmt.Errorf("-then %s: want a time, = and files", s)
		}
		if w.at.Year() != 0 && w.at.Before(last) {
			return fmt.Errorf("-then %s: before the state that it follows", s)
		}
		last = w.at
		f.then = append(f.then, w)
	}
	return nil
}

// parseWhen reads a time, or a time of day, whose year is 0.
func parseWhen(s string) (t time.Time, err error) {
	for _, layout := range [...]string{time.RFC3339, time.TimeOnly, "15:04"} {
		if t, err = time.Parse(layout, s); err == nil {
			return t, nil
		}
	}
	return t, errors.New("want a time such as 2026-03-01T12:00:00Z or 10:32:00")
}

// share gives both worlds what they have in common.
func (f *diffFlags) share(enis, prefer []string) error {
	worlds := []*topologyFlags{&f.before, &f.after}
	for i := range f.then {
		worlds = append(worlds, &f.then[i].topologyFlags)
	}
	for _, w := range worlds {
		w.enis = enis
	}
	for _, name := range prefer {
		known := false
		for _, w := range worlds {
			if slices.Contains(w.files, name) || slices.Contains(w.plans, name) {
				w.prefer, known = append(w.prefer, name), true
			}
		}
		if !known {
			return fmt.Errorf("-prefer %s: not a file of either side", name)
		}
	}
	return nil
}

// world reads a topology; if f is not nil, with what -option says about interfaces.
func (t *tool) world(w *topologyFlags, f *diffFlags) (*sg.Topology, *load.Loader, error) {
	topo, loader, err := t.load(w)
	if err == nil && f != nil {
		for i := range topo.ENIs {
			e := &topo.ENIs[i]
			e.NitroV6 = e.NitroV6 || f.nitroV6
			e.Timeouts.TCPEstablished = cmp.Or(f.timeouts.TCPEstablished, e.Timeouts.TCPEstablished)
			e.Timeouts.UDP = cmp.Or(f.timeouts.UDP, e.Timeouts.UDP)
			e.Timeouts.UDPStream = cmp.Or(f.timeouts.UDPStream, e.Timeouts.UDPStream)
		}
	}
	return topo, loader, err
}

// compiled compiles a topology that a loader read.
func compiled(topo *sg.Topology, loader *load.Loader) (*sg.Policy, error) {
	policy, err := sg.Compile(topo)
	return policy, loader.Locate(err)
}

// errDiffers says that a difference matches -fail-on.
var errDiffers = errors.New("the worlds differ")

// compare reads the worlds and writes what differs.
func (t *tool) compare(f *diffFlags) error {
	first, firstLoader, err := t.world(&f.before, nil)
	if err != nil {
		return err
	}
	second, secondLoader, err := t.world(&f.after, f)
	if err != nil {
		return err
	}
	if err := f.settleVPC(first, second); err != nil {
		return misuse{err}
	}
	compile := func() (before, after *sg.Policy, err error) {
		if before, err = compiled(first, firstLoader); err == nil {
			after, err = compiled(second, secondLoader)
		}
		return before, after, err
	}
	before, after, err := compile() // for captured packets, which are those of hosts that have an address
	if err != nil {
		return err
	}
	a, b := before, after
	pending := diff.StandIns(first, second, secondLoader.Kept)
	if pending != nil {
		if a, b, err = compile(); err != nil {
			return err
		}
	}
	o := &diff.ReplayOptions{At: f.at, Before: f.options(), After: f.later.options(), Via: f.via, Workers: f.workers}
	plans := f.before.plans // the plan of both
	in := inputs{f.captures, slices.Concat(f.before.files, f.after.files, plans)}
	for i := range f.then {
		step := diff.Step{At: f.then[i].at}
		topo, loader, err := t.world(&f.then[i].topologyFlags, f)
		if err != nil {
			return err
		}
		if step.Policy, err = compiled(topo, loader); err != nil {
			return err
		}
		o.Then = append(o.Then, step)
		in.topology = append(in.topology, f.then[i].files...)
	}
	page, err := t.openPage(f.html, in)
	if err != nil {
		return err
	}
	defer page.Close() // a second time if it was written
	d := diff.Policies(a, b)
	d.Pending = pending
	var traffic *diff.Traffic
	if len(f.captures) > 0 {
		if traffic, err = t.traffic(f, before, after, o); err != nil {
			return err
		}
		for _, at := range traffic.Late {
			fmt.Fprintf(t.stderr, "warning: the change of %s comes after everything that was read: no packet met it\n", at.UTC().Format(time.RFC3339))
		}
	}
	names := namesOfBoth(first, second)
	if s := f.oneSided(); s != "" {
		names.Notes = []string{s}
		fmt.Fprintf(t.stderr, "warning: %s\n", printableLine(s))
	}
	err = errors.Join(f.write(bufio.NewWriter(t.stdout), d, traffic, names), writePage(page, func(w io.Writer) error {
		return diff.WriteHTML(w, d, traffic, &diff.PageOptions{
			TextOptions: names, Before: slices.Concat(f.before.files, plans), After: slices.Concat(f.after.files, plans), Captures: f.captures,
		})
	}))
	if err != nil {
		return err
	}
	if f.failOn != "" && len(first.ENIs)+len(second.ENIs) == 0 {
		return errors.New("neither side has an interface, so nothing was compared")
	}
	if f.fails(d, traffic) {
		return errDiffers
	}
	if f.failOn != "" && traffic != nil && traffic.Judged == 0 {
		return fmt.Errorf("-fail-on %s: nothing of what was read was judged, so nothing passed", f.failOn)
	}
	return nil
}

// oneSided says that files beside a plan were given for one side alone, "" if not.
func (f *diffFlags) oneSided() string {
	if len(f.before.plans) == 0 || (len(f.before.files) == 0) == (len(f.after.files) == 0) {
		return ""
	}
	given, side, missing, looks := f.before.files, "before", "after", "gone or broken"
	if len(f.before.files) == 0 {
		given, side, missing, looks = f.after.files, "after", "before", "new or opened"
	}
	return fmt.Sprintf("what -%s tells and the plan does not contain counts for that side alone, and may look %s: give the same files for the other side too, -%s %s",
		side, looks, missing, strings.Join(given, " -"+missing+" "))
}

// namesOfBoth returns the names of afterwards, and for what is gone then, those of
// before.
func namesOfBoth(before, after *sg.Topology) diff.TextOptions {
	all, now := prose.NamesOf(before), prose.NamesOf(after)
	maps.Copy(all.ENIs, now.ENIs)
	maps.Copy(all.Groups, now.Groups)
	return diff.TextOptions{ENIs: all.ENIs, Groups: all.Groups}
}

func (f *diffFlags) write(w *bufio.Writer, d *diff.Diff, traffic *diff.Traffic, o diff.TextOptions) (err error) {
	o.Most = f.most
	if f.format == "text" {
		o.Notes = nil // standard error has them
	}
	switch f.format {
	case "json":
		err = diff.WriteJSON(w, d, traffic, o.Notes...)
	case "markdown":
		err = diff.WriteMarkdown(w, d, traffic, o)
	default:
		if err = d.WriteText(w, o); err == nil && traffic != nil {
			fmt.Fprintln(w)
			err = traffic.WriteText(w, o)
		}
	}
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	return err
}

// traffic judges the captures, or the flow logs, by the policies.
func (t *tool) traffic(f *diffFlags, before, after *sg.Policy, o *diff.ReplayOptions) (traffic *diff.Traffic, err error) {
	r := &replayer{tool: t, replayFlags: &f.replayFlags}
	defer r.close()
	if r.log, err = r.openLog(); err != nil {
		return nil, err
	}
	if r.log != nil {
		return diff.ReplayLog(t.ctx, before, after, o, r.log)
	}
	if err := r.openSources(r.captures); err != nil {
		return nil, err
	}
	p := t.progress(sizeOf(r.captures), "packets", recordHeader)
	defer p.done()
	o.Progress = p.show
	traffic, err = diff.Replay(t.ctx, before, after, o, r.sources()...)
	return traffic, r.located(err)
}

// fails reports whether the differences match -fail-on.
func (f *diffFlags) fails(d *diff.Diff, traffic *diff.Traffic) bool {
	unknown := len(d.Unfinished)+len(d.Unshared)+len(d.Pending.Undecided()) > 0 // the part not compared may be the worst
	opens, breaks, other := unknown, unknown, unknown || len(d.Changes)+len(d.Uncarried)+len(d.Timeouts) > 0
	for i := range d.Changes {
		c := &d.Changes[i]
		opens, breaks = opens || c.Opens() && !c.Future(), breaks || c.Breaks() && !c.Future()
	}
	if traffic != nil {
		for i := range traffic.Flows {
			opens, breaks = opens || traffic.Flows[i].Opens(), breaks || traffic.Flows[i].Breaks()
		}
		other = other || len(traffic.Flows)+len(traffic.Kept)+len(traffic.Ended) > 0
	}
	switch f.failOn {
	case "opened":
		return opens
	case "broken":
		return breaks
	case "any":
		return other
	}
	return false
}
