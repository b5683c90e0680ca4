package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"maps"
	"time"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/sgsim/sgsim/sg/replay"
)

const diffHelp = `usage: sgsim diff -before FILE -after FILE [flags] [CAPTURE...]
       sgsim diff -plan FILE [flags] [CAPTURE...]

Says what a change of groups and network ACLs does: what may open a connection afterwards
and could not before, and the other way round, and what gets no answer any more; with the
rules and entries behind it and a packet to try. What it does not name is the same. With
captures (pcap, pcapng, gzip; - is standard input), also which of their connections fare
differently, and which live on only because they are tracked.

  -before FILE         what the AWS CLI prints (describe-security-groups, ...), terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list
  -after FILE          the same, as it will be; repeat
  -plan FILE           terraform show -json of a plan, which holds both; -before and -after
                       then add what it does not tell; what it replaces keeps its id
  -eni 'web 10.0.1.10 sg-web'       an interface by hand in both, or more about one; repeat
  -format text|json|markdown        markdown is for a pull request (default text)
  -most N              changes, pairs and talkers to show, each (default 20)
  -at 2026-03-01T12:00:00Z   when the change happens, on the clock of the captures (default
                       before them)
  -midstream drop|pass|pickup       TCP without its SYN, in captures (default drop)
  -profile aws|linux   how connections are tracked (default aws)
  -related-icmp        admit ICMP errors about tracked connections
  -exempt=false        filter DNS, DHCP, metadata and the like in captures too
  -workers N           goroutines that judge captures; the output is the same for all N
  -fail-on broken|opened|any        exit status 3 if something passes no more, or passes
                       that did not; any: if anything differs, for future members of
                       groups alone or where the input does not decide, too

  sgsim diff -plan plan.json -format markdown -fail-on broken

Exit status: 0; 1 input cannot be read; 2 usage; 3 -fail-on; 130 interrupted.
`

// diffFlags are the flags of sgsim diff.
type diffFlags struct {
	firewallFlags
	before, after topologyFlags
	format        string
	most          int
	at            string
	workers       int
	failOn        string
	captures      []string
}

func (t *tool) diff(args []string) int {
	f := diffFlags{}
	var enis, plans list
	fs := flag.NewFlagSet("diff", flag.ContinueOnError)
	f.firewallFlags.define(fs)
	fs.Var(&f.before.files, "before", "")
	fs.Var(&f.after.files, "after", "")
	fs.Var(&plans, "plan", "")
	fs.Var(&enis, "eni", "")
	fs.StringVar(&f.format, "format", "text", "")
	fs.IntVar(&f.most, "most", 20, "")
	fs.StringVar(&f.at, "at", "", "")
	fs.IntVar(&f.workers, "workers", 1, "")
	fs.StringVar(&f.failOn, "fail-on", "", "")
	if status, done := t.parse(fs, args, diffHelp); done {
		return status
	}
	f.before.enis, f.after.enis, f.captures = enis, enis, fs.Args()
	f.before.plans, f.after.plans = plans, plans
	f.before.stage, f.after.stage = (*load.Loader).Before, (*load.Loader).After
	if err := f.check(); err != nil {
		return t.misused(fs, err)
	}
	before, first, usage, err := t.world(&f.before)
	if usage == nil && err == nil {
		var after *sg.Policy
		var second *sg.Topology
		if after, second, usage, err = t.world(&f.after); usage == nil && err == nil {
			return t.compare(&f, before, after, first, second)
		}
	}
	if usage != nil {
		return t.misused(fs, usage)
	}
	return t.failed(err)
}

// check looks at what the flag package does not.
func (f *diffFlags) check() error {
	switch {
	case len(f.before.plans) == 0 && (len(f.before.files) == 0 || len(f.after.files) == 0):
		return errors.New("name files for both, -before and -after, or a -plan that holds both")
	case f.format != "text" && f.format != "json" && f.format != "markdown":
		return fmt.Errorf("-format %s: not one of text, json, markdown", f.format)
	case f.failOn != "" && f.failOn != "broken" && f.failOn != "opened" && f.failOn != "any":
		return fmt.Errorf("-fail-on %s: not one of broken, opened, any", f.failOn)
	case f.most < 1:
		return fmt.Errorf("-most %d: at least 1", f.most)
	case f.workers < 1:
		return fmt.Errorf("-workers %d: at least 1", f.workers)
	case f.at != "" && len(f.captures) == 0:
		return errors.New("-at goes with captures")
	case f.at != "":
		_, err := time.Parse(time.RFC3339, f.at)
		if err != nil {
			return fmt.Errorf("-at %s: want a time such as 2026-03-01T12:00:00Z", f.at)
		}
	}
	return nil
}

// world reads a topology and compiles it.
func (t *tool) world(f *topologyFlags) (*sg.Policy, *sg.Topology, error, error) {
	topo, loader, usage, err := t.load(f)
	if usage != nil || err != nil {
		return nil, nil, usage, err
	}
	policy, err := sg.Compile(topo)
	if err != nil {
		return nil, nil, nil, loader.Locate(err)
	}
	return policy, topo, nil, nil
}

// compare writes what differs.
func (t *tool) compare(f *diffFlags, before, after *sg.Policy, first, second *sg.Topology) int {
	d := diff.Policies(before, after)
	var traffic *diff.Traffic
	if len(f.captures) > 0 {
		var err error
		traffic, err = t.traffic(f, before, after)
		switch {
		case t.ctx.Err() != nil:
			return t.interrupted()
		case err != nil:
			return t.failed(err)
		}
	}
	if err := f.write(bufio.NewWriter(t.stdout), d, traffic, namesOfBoth(first, second)); err != nil {
		return t.failed(err)
	}
	if f.fails(d, traffic) {
		return exitNo
	}
	return exitOK
}

// namesOfBoth returns names as they will be, and of what will be gone as they were.
func namesOfBoth(before, after *sg.Topology) diff.TextOptions {
	all, now := prose.NamesOf(before), prose.NamesOf(after)
	maps.Copy(all.ENIs, now.ENIs)
	maps.Copy(all.Groups, now.Groups)
	return diff.TextOptions{ENIs: all.ENIs, Groups: all.Groups}
}

func (f *diffFlags) write(w *bufio.Writer, d *diff.Diff, traffic *diff.Traffic, o diff.TextOptions) (err error) {
	o.Most = f.most
	switch f.format {
	case "json":
		err = diff.WriteJSON(w, d, traffic)
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

// traffic replays the captures through both policies.
func (t *tool) traffic(f *diffFlags, before, after *sg.Policy) (*diff.Traffic, error) {
	o := &diff.ReplayOptions{Before: f.options(), After: f.options(), Workers: f.workers}
	if f.at != "" {
		o.At, _ = time.Parse(time.RFC3339, f.at) // check has looked
	}
	var sources []replay.Source
	for _, name := range f.captures {
		file, err := t.openDiffCapture(name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		sources = append(sources, file)
	}
	traffic, err := diff.Replay(t.ctx, before, after, o, sources...)
	if alien, ok := errors.AsType[*replay.LinkError](err); ok {
		err = fmt.Errorf("%s: %w", f.captures[alien.Source], err)
	}
	return traffic, err
}

func (t *tool) openDiffCapture(name string) (*capture.File, error) {
	if name == "-" {
		return capture.NewReader(newInterruptible(t.ctx, t.stdin), "standard input")
	}
	return capture.Open(name)
}

// fails reports whether -fail-on asks for what differs.
func (f *diffFlags) fails(d *diff.Diff, traffic *diff.Traffic) bool {
	opens, breaks, other := false, false, len(d.Changes) > 0
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
