package main

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"regexp"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/load"
)

// A topologyFlags is where the topology comes from, the same in every
// subcommand.
type topologyFlags struct {
	files  list
	prefer list
	enis   list
}

func (f *topologyFlags) define(fs *flag.FlagSet) {
	fs.Var(&f.files, "topology", "")
	fs.Var(&f.prefer, "prefer", "")
	fs.Var(&f.enis, "eni", "")
}

func (f *topologyFlags) given() bool { return len(f.files)+len(f.enis) > 0 }

var errNoTopology = errors.New("no -topology: name the files that the AWS CLI or terraform show -json printed")

// load reads the topology and shows the warnings. usage is an error of the
// command line, err one of the files.
func (t *tool) load(f *topologyFlags) (topo *sg.Topology, l *load.Loader, usage, err error) {
	if !f.given() {
		return nil, nil, errNoTopology, nil
	}
	l = load.New()
	for _, name := range f.prefer {
		l.Prefer(name)
	}
	for _, name := range f.files {
		l.AddFile(name)
	}
	for _, s := range f.enis {
		e, err := load.ParseENI(s)
		if err != nil {
			return nil, nil, fmt.Errorf("-eni %q: %w", s, err), nil
		}
		l.AddNamedENI("-eni id="+string(e.ID), e)
	}
	topo, warnings, err := l.Topology()
	if err == nil && len(topo.Groups) == 0 {
		warnings = append(warnings, load.Warning{Text: "no input has a security group, so no rule admits anything: add describe-security-groups"})
	}
	for _, w := range warnings {
		fmt.Fprintf(t.stderr, "warning: %s\n", printableLine(w.String()))
	}
	return topo, l, nil, err
}

// A firewallFlags is how packets are judged, the same wherever they are.
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

// names returns what people call ENIs and groups, where the name is theirs
// alone.
func names(topo *sg.Topology) (enis map[sg.ENIID]string, groups map[sg.GroupID]string) {
	eniNames, groupNames := map[string]int{"": 2}, map[string]int{"": 2}
	for _, e := range topo.ENIs {
		eniNames[e.Name]++
	}
	for _, g := range topo.Groups {
		groupNames[g.Name]++
	}
	enis, groups = map[sg.ENIID]string{}, map[sg.GroupID]string{}
	for _, e := range topo.ENIs {
		if eniNames[e.Name] == 1 {
			enis[e.ID] = e.Name
		}
	}
	for _, g := range topo.Groups {
		if groupNames[g.Name] == 1 {
			groups[g.ID] = g.Name
		}
	}
	return enis, groups
}

var awsID = regexp.MustCompile(`\b(eni|sg)-[0-9A-Za-z-]+`)

// named puts names before the ids of AWS in a text: "web (sg-0123)".
func named(text string, topo *sg.Topology) string {
	enis, groups := names(topo)
	return awsID.ReplaceAllStringFunc(text, func(id string) string {
		name := cmp.Or(enis[sg.ENIID(id)], groups[sg.GroupID(id)])
		if name == "" {
			return id
		}
		return printableLine(name) + " (" + id + ")"
	})
}

// printable is for text that holds what came from files, printableLine for one line
// of it.
var printable, printableLine = escape.Lines, escape.Text
