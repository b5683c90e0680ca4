package main

import (
	"errors"
	"flag"
	"fmt"
	"slices"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/load"
)

// topologyFlags say where the topology comes from, the same in every subcommand.
type topologyFlags struct {
	files  list
	prefer list
	enis   list
	plans  list               // stage says which of their worlds to read
	stage  func(*load.Loader) // nil for one world alone
}

func (f *topologyFlags) define(fs *flag.FlagSet) {
	fs.Var(&f.files, "topology", "")
	fs.Var(&f.prefer, "prefer", "")
	fs.Var(&f.enis, "eni", "")
}

func (f *topologyFlags) given() bool { return len(f.files)+len(f.plans)+len(f.enis) > 0 }

var errNoTopology = errors.New("no -topology: name the files that the AWS CLI or terraform show -json printed, or a topology in the text form")

// load reads the topology and shows the warnings, except those that skip selects.
func (t *tool) load(f *topologyFlags, skip ...func(load.Warning) bool) (*sg.Topology, *load.Loader, error) {
	if !f.given() {
		return nil, nil, misuse{errNoTopology}
	}
	l := load.New()
	if f.stage != nil {
		f.stage(l)
	}
	if readsTwice(f.files, f.plans) {
		return nil, nil, misuse{errStdinTwice}
	}
	for _, name := range f.prefer {
		name, _ = fromStdin(name)
		l.Prefer(name)
	}
	for _, name := range f.plans {
		if name, ok := fromStdin(name); ok {
			l.AddPlan(name, t.topologyInput(f.stage != nil))
		} else {
			l.AddPlan(name, nil)
		}
	}
	for _, name := range f.files {
		if name, ok := fromStdin(name); ok {
			l.Add(name, t.topologyInput(f.stage != nil))
		} else {
			l.AddFile(name)
		}
	}
	for _, s := range f.enis {
		e, err := load.ParseENI(s)
		if err != nil {
			return nil, nil, misuse{fmt.Errorf("-eni %q: %w", s, err)}
		}
		l.AddENI(fmt.Sprintf("-eni %q", s), e)
	}
	topo, warnings, err := l.Topology()
	if err == nil && len(topo.Groups) == 0 && len(f.plans) == 0 {
		warnings = append(warnings, load.Warning{Text: "no input has a security group, so no rule admits anything: add describe-security-groups"})
	}
	for _, not := range skip {
		warnings = slices.DeleteFunc(warnings, not)
	}
	for _, w := range warnings {
		fmt.Fprintf(t.stderr, "warning: %s\n", printableLine(w.String()))
	}
	return topo, l, err
}

// firewallFlags say how packets are judged, the same in every subcommand.
type firewallFlags struct {
	midstream sg.Midstream
	profile   conntrack.Profile
	related   bool
	exempt    bool
}

func (f *firewallFlags) define(fs *flag.FlagSet) {
	fs.TextVar(&f.midstream, "midstream", sg.MidstreamDrop, "")
	fs.TextVar(&f.profile, "profile", conntrack.AWS, "")
	fs.BoolVar(&f.related, "related-icmp", false, "")
	fs.BoolVar(&f.exempt, "exempt", true, "")
}

func (f *firewallFlags) options() sg.Options {
	return sg.Options{Profile: f.profile, Midstream: f.midstream, RelatedICMP: f.related, FilterExempt: !f.exempt}
}

// printable is for text with content from files, printableLine for one line of it.
var printable, printableLine = escape.Lines, escape.Text
