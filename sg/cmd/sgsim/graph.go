package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/sgsim/sgsim/sg/replay"
)

const graphHelp = `usage: sgsim graph [flags] [CAPTURE...]

Draws the groups of a topology and their rules. Groups, networks and prefix lists are
nodes; each line is a rule and points the way connections are opened: solid for an
ingress rule, dashed for an egress rule, thick where both ends have one for the same
traffic. With captures, each line carries the packets that its rules let pass, rules
without any are grey, and dropped packets are red lines that end in a cross.

  -topology FILE       output of the AWS CLI (describe-security-groups, ...) or terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list; - is standard input
  -prefer FILE         what this one of them says stands where others contradict it
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -of ENI              the groups of this interface alone, by id or name, with what their
                       rules name and the groups whose rules name them
  -by auto|group|vpc   what is a node: every group, or all groups of a VPC (default auto:
                       VPCs if there are several, with more than 40 groups)
  -format mermaid|dot|svg           Mermaid for Markdown, DOT for Graphviz, or a
                       self-contained drawing (default mermaid)
  -midstream drop|pass|pickup       TCP without its SYN (default drop)
  -profile aws|linux   how connections are tracked (default aws)
  -related-icmp        admit ICMP errors about tracked connections
  -exempt=false        filter DNS, DHCP, metadata and the like too

  sgsim graph -topology groups.json -topology enis.json -format svg > groups.svg

Exit status: 0; 1 input cannot be read; 2 usage; 130 interrupted.
`

// graphFormats are the values of -format.
var graphFormats = map[string]func(*graph.Graph, io.Writer) error{
	"mermaid": (*graph.Graph).WriteMermaid,
	"dot":     (*graph.Graph).WriteDOT,
	"svg":     (*graph.Graph).WriteSVG,
}

func (t *tool) graph(args []string) int {
	var f replayFlags // for how packets are judged, as in replay
	var o graph.Options
	fs := flag.NewFlagSet("graph", flag.ContinueOnError)
	f.topologyFlags.define(fs)
	f.firewallFlags.define(fs)
	of := fs.String("of", "", "")
	format := fs.String("format", "mermaid", "")
	fs.TextVar(&o.By, "by", graph.Auto, "")
	if status, done := t.parse(fs, args, graphHelp); done {
		return status
	}
	f.captures = fs.Args()
	write := graphFormats[*format]
	switch {
	case write == nil:
		return t.misused(fs, fmt.Errorf("-format %s: not one of mermaid, dot, svg", *format))
	case readsTwice(f.captures, f.files):
		return t.misused(fs, errStdinTwice)
	}
	topo, loader, err := t.load(&f.topologyFlags)
	if err != nil {
		return t.refused(fs, err)
	}
	if *of != "" {
		if o.ENI, err = findENI(*of, topo); err != nil {
			return t.misused(fs, fmt.Errorf("-of %s: %w", *of, err))
		}
	}
	r := &replayer{tool: t, replayFlags: &f, topo: topo}
	defer r.close()
	drawing, err := r.draw(loader, &o)
	switch {
	case t.ctx.Err() != nil:
		return t.interrupted()
	case err != nil:
		return t.failed(err)
	}
	out := bufio.NewWriter(t.stdout)
	if err := errors.Join(write(drawing, out), out.Flush()); err != nil {
		return t.failed(err)
	}
	return exitOK
}

// draw draws the groups, with what happened to the packets of the captures, if there are
// any.
func (r *replayer) draw(loader *load.Loader, o *graph.Options) (*graph.Graph, error) {
	var err error
	if r.policy, err = sg.Compile(r.topo); err != nil {
		return nil, loader.Locate(err)
	}
	if len(r.captures) == 0 {
		return graph.New(r.topo, o), nil
	}
	if err := r.openSources(r.captures); err != nil {
		return nil, err
	}
	p := r.progress(sizeOf(r.captures), "packets", recordHeader)
	report, err := replay.Run(r.ctx, r.policy, &replay.Options{Firewall: r.firewallFlags.options(), Progress: p.show}, r.sources()...)
	p.done()
	if err != nil {
		return nil, r.located(err)
	}
	return report.Draw(r.topo, o), nil
}
