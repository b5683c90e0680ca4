package main

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/ask"
	"github.com/sgsim/sgsim/sg/replay"
)

// pathFlags say by which way packets went, where their addresses do not tell.
type pathFlags struct {
	tap, through, vpc string
	via               sg.Via // of packets, once settle has found it
}

func (f *pathFlags) define(fs *flag.FlagSet) {
	fs.StringVar(&f.tap, "tap", "", "")
	fs.StringVar(&f.through, "through", "", "")
	fs.StringVar(&f.vpc, "vpc", "", "")
}

// settle finds what the flags name in the topology, with the values of -interface. The
// placer is as of newPlacer.
func (f *pathFlags) settle(interfaces []string, topo *sg.Topology) (p *placer, err error) {
	if p, err = newPlacer(f.tap, interfaces, topo); err != nil {
		return nil, err
	}
	if f.through != "" {
		if f.via.Through, err = findENI(f.through, topo); err != nil {
			return nil, fmt.Errorf("-through %s: %w", f.through, err)
		}
	}
	return p, f.settleVPC(topo)
}

// settleVPC finds the VPC of -vpc in one of the topologies.
func (f *pathFlags) settleVPC(topos ...*sg.Topology) error {
	f.via.VPC = sg.VPCID(f.vpc)
	for _, t := range topos {
		if f.vpc == "" || slices.ContainsFunc(t.ENIs, func(e sg.ENI) bool { return e.VPC == f.via.VPC }) {
			return nil
		}
	}
	return fmt.Errorf("-vpc %s: no interface of the topology is in VPC %[1]q", f.vpc)
}

// A placer finds the ENI of packets by the flags -tap and -interface.
type placer struct {
	tap        replay.Place
	interfaces map[string]replay.Place // by name or number
	used       map[string]bool
	captures   []*capture.File
}

// newPlacer reads the flags. It returns nil if addresses alone tell.
func newPlacer(tap string, interfaces []string, topo *sg.Topology) (*placer, error) {
	if tap == "" && len(interfaces) == 0 {
		return nil, nil
	}
	p := &placer{interfaces: map[string]replay.Place{}, used: map[string]bool{}}
	if tap != "" {
		place, err := parsePlace(tap, topo)
		if err != nil {
			return nil, fmt.Errorf("-tap %s: %w", tap, err)
		}
		p.tap = place
	}
	for _, s := range interfaces {
		name, at, ok := strings.Cut(s, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("-interface %s: want NAME=ENI:ingress or NAME=ENI:egress", s)
		}
		place, err := parsePlace(at, topo)
		if err != nil {
			return nil, fmt.Errorf("-interface %s: %w", s, err)
		}
		p.interfaces[name] = place
	}
	return p, nil
}

// parsePlace reads ENI:ingress or ENI:egress.
func parsePlace(s string, topo *sg.Topology) (replay.Place, error) {
	var id, dir string
	if i := strings.LastIndexByte(s, ':'); i >= 0 {
		id, dir = s[:i], s[i+1:]
	}
	var place replay.Place
	switch dir {
	case "ingress":
		place.Direction = sg.Ingress
	case "egress":
		place.Direction = sg.Egress
	default:
		return place, fmt.Errorf("want ENI:ingress or ENI:egress")
	}
	var err error
	place.ENI, err = findENI(id, topo)
	return place, err
}

// findENI finds an interface as explain finds the ends of a packet.
func findENI(s string, topo *sg.Topology) (sg.ENIID, error) {
	e, err := ask.NewParser(topo).ENI(s)
	if err != nil {
		return "", err
	}
	return e.ID, nil
}

// place is a replay.Options.Place.
func (p *placer) place(source int, f *capture.Frame) replay.Place {
	if len(p.interfaces) > 0 {
		name := strconv.Itoa(f.Interface)
		if known := p.captures[source].Interfaces(); f.Interface < len(known) && known[f.Interface].Name != "" {
			if at, ok := p.interfaces[known[f.Interface].Name]; ok {
				p.used[known[f.Interface].Name] = true
				return at
			}
		}
		if at, ok := p.interfaces[name]; ok {
			p.used[name] = true
			return at
		}
	}
	return p.tap
}

// unused returns the interfaces on the command line from which no packet came.
func (p *placer) unused() []string {
	var out []string
	if p == nil {
		return nil
	}
	for name := range p.interfaces {
		if !p.used[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}
