package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/ask"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/replay"
)

const explainHelp = `usage: sgsim explain [flags] PACKET...  |  -packet N CAPTURE...

Explains what happens to a packet: the ENIs on its path, the connection or rule that
decides at each, and for a drop the rules that come nearest and what the next ENI would
have decided. Each of several packets meets the connections that earlier ones opened;
a packet of a capture, those of the packets before it.

  PACKET               'tcp 10.0.1.10:40001 > 10.0.2.20:5432 S' (flags: FSRPAUEC; a SYN
                       where there are none; tcp and the first port may be left out);
                       'tcp web > db:5432', or ping web to db without quotes (an interface,
                       even without an address yet, an instance, or the group of one, by
                       name, id or Terraform address; ssh, https, dns ... as well);
                       'udp [2001:db8::1]:9 > [2001:db8::2]:53'; 'icmp web > db 8/0 id 7'
                       (or echo, echo-reply); 'gre 10.0.1.10 > 10.0.2.20';
                       behind: seq 1, ack 2, win 502, len 1460, ttl 64, frag 1480+ (bytes,
                       + if more follow), ipid 7, iplen 1512, captured 54, missing
                       ports,flags,icmp,icmpid,quote, and last about udp A:1 > B:2, what
                       an ICMP error quotes; or a line of sgsim replay's text
  -packet N            the packet with that number in the captures, as sgsim replay counts
  -topology FILE       output of the AWS CLI (describe-security-groups, ...) or terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list; - is standard input
  -prefer FILE         what this one of them says stands where others contradict it
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -tap ENI:ingress|egress           judge every packet there, whatever its addresses
  -via appliance,tracked,nlb        on their path: a middlebox (no rule that names a group
                       matches); a load balancer or the like (AWS tracks every flow)
  -vpc ID              which VPC is meant where several have an address
  -through ENI         the load balancer or Connect Endpoint that kept the client addresses
  -midstream drop|pass|pickup       TCP without its SYN (default drop)
  -profile aws|linux   how connections are tracked (default aws)
  -related-icmp        admit ICMP errors about tracked connections
  -exempt=false        filter DNS, DHCP, metadata and the like too
  -format text|json    sg/cmd/sgsim/JSON.md has the schema (default text)
  -fail-on drop,unknown   exit status 3 for such packets, and drop for dropped answers
  -v                   also name the statements behind hints, such as CT-20

  sgsim explain -topology vpc.json -packet 32 web.pcap

Exit status: 0; 1 unreadable input, or nothing to judge for -fail-on; 2 usage; 3 -fail-on.
`

// explainFlags are the flags of sgsim explain.
type explainFlags struct {
	topologyFlags
	firewallFlags
	pathFlags
	number  uint64
	format  string
	failOn  string
	verbose bool
	args    []string
}

func (t *tool) explain(args []string) int {
	var f explainFlags
	fs := flag.NewFlagSet("explain", flag.ContinueOnError)
	f.topologyFlags.define(fs)
	f.firewallFlags.define(fs)
	f.pathFlags.define(fs)
	fs.Uint64Var(&f.number, "packet", 0, "")
	fs.TextVar(&f.via, "via", sg.Via{}, "")
	fs.StringVar(&f.format, "format", "text", "")
	fs.StringVar(&f.failOn, "fail-on", "", "")
	fs.BoolVar(&f.verbose, "v", false, "")
	if status, done := t.parse(fs, args, explainHelp); done {
		return status
	}
	f.args = fs.Args()
	fails, err := parseVerdicts(f.failOn)
	zero := false
	fs.Visit(func(g *flag.Flag) { zero = zero || g.Name == "packet" && f.number == 0 })
	switch {
	case err != nil:
		return t.misused(fs, err)
	case f.format != "text" && f.format != "json":
		return t.misused(fs, fmt.Errorf("-format %s: not one of text, json", f.format))
	case zero:
		return t.misused(fs, errors.New("-packet 0: packets count from 1"))
	case f.number > 0 && readsTwice(f.args, f.files):
		return t.misused(fs, errStdinTwice)
	case len(f.args) == 0 && f.number > 0:
		return t.misused(fs, errors.New("-packet: no capture"))
	case len(f.args) == 0:
		return t.misused(fs, errors.New("no packet"))
	}
	topo, loader, err := t.load(&f.topologyFlags)
	if err != nil {
		return t.refused(fs, err)
	}
	e := &explainer{tool: t, explainFlags: &f, names: jsondoc.Names{Names: prose.NamesOf(topo)}}
	if e.place, err = f.settle(nil, topo); err != nil {
		return t.misused(fs, err)
	}
	var packets []string
	if f.number == 0 {
		packets = packetsOf(f.args)
	}
	if strings.Contains(strings.Join(packets, " "), "aws_") {
		e.also = append(e.also, func(id string) string { // the address in Terraform of what is there already
			return cmp.Or(loader.ENIPlace(sg.ENIID(id)).Resource, loader.GroupPlace(sg.GroupID(id)).Resource)
		})
	}
	assignments, err := ask.NewAssignments(topo, packets, e.also...)
	if err != nil {
		return t.failed(err)
	}
	for e.topo = range assignments.All() {
		if usage := e.read(packets); usage != nil {
			return t.misused(fs, usage)
		}
		if e.policy, err = sg.Compile(e.topo); err != nil {
			return t.failed(loader.Locate(err))
		}
		if f.number > 0 {
			err = e.captured()
		} else {
			e.said = ask.Explain(e.judge(), e.via, e.packets)
		}
		if err != nil {
			return t.failed(err)
		}
		assignments.Add(e.said)
		e.said = nil
	}
	e.said = assignments.Agree()
	w := bufio.NewWriter(t.stdout)
	if f.format == "json" {
		err = e.json(w)
	} else {
		words := ask.NewWords(topo)
		words.Statements = f.verbose
		err = words.WriteText(w, e.said)
	}
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return t.failed(err)
	}
	judged := false
	for _, x := range e.said {
		if fails[x.Verdict] || fails[sg.Drop] && x.Unanswered {
			return exitNo
		}
		judged = judged || x.Verdict != sg.NotApplicable
	}
	if len(fails) > 0 && !judged {
		return t.failed(fmt.Errorf("-fail-on %s: no packet was judged, so nothing passed", f.failOn))
	}
	return exitOK
}

// failVerdicts are the verdicts that -fail-on names.
var failVerdicts = map[string]sg.Verdict{"drop": sg.Drop, "unknown": sg.Unknown}

// parseVerdicts reads -fail-on of explain.
func parseVerdicts(s string) (map[sg.Verdict]bool, error) {
	fails := map[sg.Verdict]bool{}
	if s == "" {
		return fails, nil
	}
	for name := range strings.SplitSeq(s, ",") {
		v, ok := failVerdicts[name]
		if !ok {
			return nil, fmt.Errorf("-fail-on %s: not one of drop, unknown", name)
		}
		fails[v] = true
	}
	return fails, nil
}

// An explainer is sgsim explain at work.
type explainer struct {
	*tool
	*explainFlags

	topo    *sg.Topology
	policy  *sg.Policy
	names   jsondoc.Names
	place   *placer
	also    []func(id string) string // further names
	packets []ask.Question
	said    []*sg.Explanation
}

// read reads the packets, whose ends the topology names.
func (e *explainer) read(packets []string) error {
	e.packets = nil
	p := ask.NewParser(e.topo, e.also...)
	for _, s := range packets {
		q, err := p.Parse(s)
		if err == nil {
			e.packets = append(e.packets, q)
			continue
		}
		quoted := slices.Contains(e.args, s)
		file := s
		if !quoted {
			file, _, _ = strings.Cut(s, " ")
		}
		if is := e.isFile(file); is != nil {
			return is
		}
		if !quoted {
			err = unquoted(s, err)
		}
		return err
	}
	return nil
}

// unquoted adds to the error of a packet that stood without quotes what may come of that.
func unquoted(s string, err error) error {
	arrows := 0
	for word := range strings.FieldsSeq(s) {
		if word == ">" || word == "to" {
			arrows++
		}
		if word == "about" {
			break
		}
	}
	switch {
	case arrows == 0 && strings.Contains(s, ">"): // in a word
		return err
	case arrows == 0:
		return fmt.Errorf(`%w; without quotes the shell takes > for itself: write "to"`, err)
	case arrows == 1:
		return err
	}
	return fmt.Errorf("%w; where there are several packets, each needs quotes", err)
}

// packetsOf returns the packets among arguments: each that has a blank in it is one, and
// the words between these are one together.
func packetsOf(args []string) []string {
	var packets, words []string
	for _, arg := range append(slices.Clone(args), " ") {
		if !strings.Contains(arg, " ") {
			words = append(words, arg)
			continue
		}
		if len(words) > 0 {
			packets, words = append(packets, strings.Join(words, " ")), nil
		}
		packets = append(packets, arg)
	}
	return packets[:len(packets)-1]
}

// isFile returns an error that says what to do with an argument that is a file and not
// a packet; nil if it is not a file.
func (e *explainer) isFile(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	r := &replayer{tool: e.tool, replayFlags: &replayFlags{}}
	switch log, _ := r.isLog(name); {
	case log || info.IsDir():
		return fmt.Errorf("%q is not a packet but a flow log or folder, whose records sgsim replay judges", name)
	case isTopology(name):
		return fmt.Errorf("%q is not a packet but a file: a topology goes with -topology", name)
	}
	return fmt.Errorf("%q is not a packet but a file: for a packet of a capture, use -packet N", name)
}

// judge is a firewall that judges a packet at both its ends, or where -tap says.
func (e *explainer) judge() ask.Judge {
	options := e.options()
	fw := sg.NewFirewall(e.policy, &options)
	if e.place == nil {
		return fw
	}
	return ask.At(fw.ENI(e.place.tap.ENI), e.place.tap.Direction)
}

// captured explains a packet of the captures.
func (e *explainer) captured() error {
	r := &replayer{tool: e.tool, replayFlags: &replayFlags{}}
	defer r.close()
	if err := r.openSources(e.args); err != nil {
		return err
	}
	p := e.progress(sizeOf(e.args), "packets", recordHeader)
	o := replay.Options{Firewall: e.options(), Via: e.via, Progress: p.show}
	if e.place != nil {
		e.place.captures = r.files
		o.Place = e.place.place
	}
	x, packets, err := ask.Captured(e.ctx, e.policy, o, e.number, r.sources()...)
	p.done()
	if err == nil && x == nil {
		err = fmt.Errorf("-packet %d: the captures hold only %d", e.number, packets)
	}
	e.said = append(e.said, x)
	return err
}
