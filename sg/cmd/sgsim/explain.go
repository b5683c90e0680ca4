package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
)

const explainHelp = `usage: sgsim explain [flags] PACKET...

Says at length what happens to a packet: the ENIs on its way, the connection or the
rule that decides at each, and for a drop the rules that come nearest with what kept
them from matching. Of several packets, each meets the connections of those before.

  PACKET               'tcp 10.0.1.10:40001 > 10.0.2.20:5432 S' (flags: FSRPAUEC)
                       'udp [2001:db8::1]:4000 > [2001:db8::2]:53 len 40'
                       'icmp 10.0.1.10 > 10.0.2.20 8/0 id 7', '47 10.0.1.10 > 10.0.2.20'
                       with any of these behind: seq 1, ack 2, win 502, len 1460, ttl 64,
                       frag 1480+ (bytes, + if more follow), ipid 7, iplen 1512,
                       captured 54, missing ports,flags,icmp,icmpid,quote, and last
                       about udp A:1 > B:2, what an ICMP error quotes
  -topology FILE       what the AWS CLI prints (describe-security-groups, ...), terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list
  -prefer FILE         what this one of them says stands where others contradict it
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -tap ENI:ingress|egress           judge every packet there, whatever its addresses
  -via appliance,tracked            what lies on their way: a middlebox, so that no rule
                       that names a group matches; a load balancer, NAT gateway or the
                       like, where AWS tracks every flow
  -midstream drop|pass|pickup       TCP without its SYN (default drop)
  -profile aws|linux   how connections are tracked (default aws)
  -related-icmp        admit ICMP errors about tracked connections
  -exempt=false        filter DNS, DHCP, metadata and the like too
  -fail-on drop        exit status 3 if a packet is dropped

  sgsim explain -topology vpc.json 'tcp 10.0.1.10:40001 > 10.0.2.20:5432 S'

Exit status: 0; 1 input cannot be read; 2 usage; 3 -fail-on.
`

func (t *tool) explain(args []string) int {
	var topology topologyFlags
	var firewall firewallFlags
	fs := flag.NewFlagSet("explain", flag.ContinueOnError)
	topology.define(fs)
	firewall.define(fs)
	tap := fs.String("tap", "", "")
	var via sg.Via
	fs.TextVar(&via, "via", sg.Via{}, "")
	failOn := fs.String("fail-on", "", "")
	if status, done := t.parse(fs, args, explainHelp); done {
		return status
	}
	options := firewall.options()
	if *failOn != "" && *failOn != "drop" {
		return t.misused(fs, fmt.Errorf("-fail-on %s: not one of drop", *failOn))
	}
	packets, err := parsePackets(fs.Args())
	if err != nil {
		return t.misused(fs, err)
	}
	topo, loader, usage, err := t.load(&topology)
	if usage != nil {
		return t.misused(fs, usage)
	}
	if err != nil {
		return t.failed(err)
	}
	place, err := newPlacer(*tap, nil, topo)
	if err != nil {
		return t.misused(fs, err)
	}
	policy, err := sg.Compile(topo)
	if err != nil {
		return t.failed(loader.Locate(err))
	}

	fw, now := sg.NewFirewall(policy, &options), time.Unix(0, 0)
	w := bufio.NewWriter(t.stdout)
	dropped := false
	for i := range packets {
		if i > 0 {
			fmt.Fprintln(w)
		}
		p := sg.Packet{Header: &packets[i], Time: now, Via: via}
		var x *sg.Explanation
		if place != nil {
			at := fw.ENI(place.tap.ENI)
			x = at.Explain(place.tap.Direction, p)
			at.Evaluate(place.tap.Direction, p)
		} else {
			x = fw.Explain(p)
			fw.Forward(p)
		}
		nameFlags(x)
		fmt.Fprintln(w, printable(named(strings.TrimRight(x.String(), "\n"), topo)))
		dropped = dropped || x.Verdict == sg.Drop
	}
	if err := w.Flush(); err != nil {
		return t.failed(err)
	}
	if dropped && *failOn == "drop" {
		return exitNo
	}
	return exitOK
}

// nameFlags puts the flags of the command into hints that name the options of package
// sg.
func nameFlags(x *sg.Explanation) {
	flags := strings.NewReplacer("see Options.Midstream", "see -midstream", "see Options.RelatedICMP", "see -related-icmp")
	for _, hop := range x.Hops {
		for i := range hop.Hints {
			hop.Hints[i] = flags.Replace(hop.Hints[i])
		}
	}
}

func parsePackets(args []string) ([]packet.Header, error) {
	if len(args) == 0 {
		return nil, errors.New("no packet")
	}
	out := make([]packet.Header, len(args))
	for i, s := range args {
		h, err := packet.ParseHeader(s)
		if err != nil {
			return nil, err
		}
		out[i] = h
	}
	return out, nil
}
