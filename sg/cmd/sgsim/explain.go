package main

import (
	"bufio"
	"cmp"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/jsondoc"
	"github.com/sgsim/sgsim/sg/internal/prose"
	"github.com/sgsim/sgsim/sg/replay"
)

const explainHelp = `usage: sgsim explain [flags] PACKET...  |  -packet N CAPTURE...

Says at length what happens to a packet: the ENIs on its way, the connection or rule
that decides at each, for a drop the rules that come nearest, and what the next ENI
would have said. Of several packets, each meets the connections of those before; one
of a capture, those of the packets before it.

  PACKET               'tcp 10.0.1.10:40001 > 10.0.2.20:5432 S' (flags: FSRPAUEC; a SYN
                       where there are none), 'tcp web > db:5432' (an interface, an
                       instance, or the group of one interface, by name or id),
                       'udp [2001:db8::1]:4000 > [2001:db8::2]:53 len 40',
                       'icmp 10.0.1.10 > 10.0.2.20 8/0 id 7', '47 10.0.1.10 > 10.0.2.20';
                       behind: seq 1, ack 2, win 502, len 1460, ttl 64, frag 1480+ (bytes,
                       + if more follow), ipid 7, iplen 1512, captured 54, missing
                       ports,flags,icmp,icmpid,quote, and last about udp A:1 > B:2, what
                       an ICMP error quotes; or a line of the text of sgsim replay
  -packet N            the packet of that number of the captures, as sgsim replay counts
  -topology FILE       what the AWS CLI prints (describe-security-groups, ...), terraform
                       show -json, or the text form; repeat; pl-0123=FILE for the entries
                       of a prefix list
  -prefer FILE         what this one of them says stands where others contradict it
  -eni 'web 10.0.1.10 sg-web'       an interface by hand, or more about one; repeat
  -tap ENI:ingress|egress           judge every packet there, whatever its addresses
  -via appliance,tracked,nlb        what lies on their way: a middlebox, so that no rule
                       that names a group matches; a load balancer, NAT gateway or the
                       like, where AWS tracks every flow
  -through ENI         the load balancer or Instance Connect Endpoint they came through
                       with their clients' addresses: rules for its groups admit them
  -midstream drop|pass|pickup       TCP without its SYN (default drop)
  -profile aws|linux   how connections are tracked (default aws)
  -related-icmp        admit ICMP errors about tracked connections
  -exempt=false        filter DNS, DHCP, metadata and the like too
  -format text|json    sg/cmd/sgsim/JSON.md has the schema (default text)
  -fail-on drop,unknown   exit status 3 for such packets
  -v                   name the statements behind hints, such as CT-20

  sgsim explain -topology vpc.json -packet 32 web.pcap

Exit status: 0; 1 input cannot be read; 2 usage; 3 -fail-on.
`

// explainFlags are the flags of sgsim explain.
type explainFlags struct {
	topologyFlags
	firewallFlags
	number  uint64
	tap     string
	via     sg.Via
	through string
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
	fs.Uint64Var(&f.number, "packet", 0, "")
	fs.StringVar(&f.tap, "tap", "", "")
	fs.TextVar(&f.via, "via", sg.Via{}, "")
	fs.StringVar(&f.through, "through", "", "")
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
	case len(f.args) == 0 && f.number > 0:
		return t.misused(fs, errors.New("-packet: no capture"))
	case len(f.args) == 0:
		return t.misused(fs, errors.New("no packet"))
	}
	topo, loader, usage, err := t.load(&f.topologyFlags)
	if usage != nil {
		return t.misused(fs, usage)
	}
	if err != nil {
		return t.failed(err)
	}
	e := &explainer{tool: t, explainFlags: &f, topo: topo, names: jsondoc.Names{Names: prose.NamesOf(topo)}}
	if usage := e.settle(); usage != nil {
		return t.misused(fs, usage)
	}
	if e.policy, err = sg.Compile(topo); err != nil {
		return t.failed(loader.Locate(err))
	}
	if f.number > 0 {
		err = e.captured()
	} else {
		e.asked()
	}
	if err != nil {
		return t.failed(err)
	}
	w := bufio.NewWriter(t.stdout)
	if f.format == "json" {
		err = e.json(w)
	} else {
		e.text(w)
	}
	if ferr := w.Flush(); err == nil {
		err = ferr
	}
	if err != nil {
		return t.failed(err)
	}
	for _, x := range e.said {
		if fails[x.Verdict] {
			return exitNo
		}
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
	packets []question
	said    []*sg.Explanation
}

// settle finds what the command line names in the topology.
func (e *explainer) settle() (err error) {
	if e.place, err = newPlacer(e.tap, nil, e.topo); err != nil {
		return err
	}
	if e.through != "" {
		if e.via.Through, err = findENI(e.through, e.topo); err != nil {
			return fmt.Errorf("-through %s: %w", e.through, err)
		}
	}
	if e.number > 0 {
		return nil
	}
	r := newResolver(e.topo)
	for _, s := range e.args {
		q, err := r.question(s)
		if err != nil {
			return cmp.Or(e.isFile(s), err)
		}
		e.packets = append(e.packets, q)
	}
	return nil
}

// isFile returns what to do with an argument that is a file and no packet; nil where it
// is no file.
func (e *explainer) isFile(name string) error {
	info, err := os.Stat(name)
	if err != nil {
		return nil
	}
	r := &replayer{tool: e.tool, replayFlags: &replayFlags{}}
	switch log, _ := r.isLog(name); {
	case log || info.IsDir():
		return fmt.Errorf("%q is no packet but a flow log or folder, whose records sgsim replay judges", name)
	case isTopology(name):
		return fmt.Errorf("%q is no packet but a file: a topology goes with -topology", name)
	}
	return fmt.Errorf("%q is no packet but a file: of a capture, -packet N tells which one", name)
}

// at are the ways to judge a packet by a firewall: at both its ends, or where -tap says.
func (e *explainer) at(fw *sg.Firewall) (explain func(sg.Packet) *sg.Explanation, forward func(sg.Packet) sg.Outcome) {
	if e.place == nil {
		return fw.Explain, fw.Forward
	}
	at, dir := fw.ENI(e.place.tap.ENI), e.place.tap.Direction
	return func(p sg.Packet) *sg.Explanation { return at.Explain(dir, p) },
		func(p sg.Packet) sg.Outcome { return at.Forward(dir, p) }
}

// asked explains the packets of the command line.
func (e *explainer) asked() {
	options := e.options()
	explain, forward := e.at(sg.NewFirewall(e.policy, &options))
	refused := map[packet.FiveTuple]int{} // the places of SYNs that were dropped
	for i := range e.packets {
		q := &e.packets[i]
		p := sg.Packet{Header: &q.header, Time: time.Unix(0, 0), Via: e.via}
		x := explain(p)
		forward(p)
		e.said = append(e.said, x)
		if q.pasted != "" && x.Verdict == sg.Drop && !opensTCP(&q.header) {
			x.Notes = append(x.Notes, "without the connections of the packets before it: -packet "+q.pasted+" and the capture tell more")
		}
		h := &q.header
		if h.Protocol != packet.TCP || h.LaterFragment() {
			continue
		}
		t := h.Tuple()
		syn, known := refused[t]
		if !known {
			syn, known = refused[t.Reverse()]
		}
		switch opens := opensTCP(h); {
		case opens && x.Verdict == sg.Drop:
			refused[t] = i + 1
		case opens:
			delete(refused, t)
		case known && x.Verdict == sg.Drop && h.TCPFlags&packet.SYN == 0: // of SYN-ACKs it is said already
			x.Notes = append(x.Notes, fmt.Sprintf("the SYN of its connection was dropped: packet %d", syn))
		}
	}
}

func opensTCP(h *packet.Header) bool {
	return h.Protocol == packet.TCP && h.TCPFlags&(packet.SYN|packet.ACK) == packet.SYN
}

// captured explains a packet of the captures.
func (e *explainer) captured() error {
	r := &replayer{tool: e.tool, replayFlags: &replayFlags{}}
	defer r.close()
	for _, name := range e.args {
		if err := r.openCapture(name); err != nil {
			return err
		}
	}
	sources := make([]replay.Source, len(r.files))
	for i, f := range r.files {
		sources[i] = f
	}
	options := e.options()
	explain, forward := e.at(sg.NewFirewall(e.policy, &options))
	to := &upTo{number: e.number, via: e.via, explain: explain, forward: forward}
	p := e.progress(sizeOf(e.args), "packets", recordHeader)
	o := &replay.Options{Firewall: e.options(), Observer: to, Via: e.via, Progress: p.show}
	if e.place != nil {
		e.place.captures = r.files
		o.Place = e.place.place
	}
	report, err := replay.Run(e.ctx, e.policy, o, sources...)
	p.done()
	switch {
	case to.said != nil:
		e.said = append(e.said, to.said)
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("-packet %d: the captures hold %d", e.number, report.Packets)
}

// An upTo observes a replay up to a packet, with a firewall that is one packet behind,
// so that the packet can be explained.
type upTo struct {
	number  uint64
	via     sg.Via
	explain func(sg.Packet) *sg.Explanation
	forward func(sg.Packet) sg.Outcome
	said    *sg.Explanation
}

var errFound = errors.New("the packet was found")

// Observe implements [replay.Observer].
func (u *upTo) Observe(p *replay.Packet) error {
	in := sg.Packet{Header: &p.Frame.Header, Time: p.Time, Via: u.via, Err: p.Frame.Err}
	if p.Number < u.number {
		u.forward(in)
		return nil
	}
	u.said = u.explain(in)
	if p.Refused && u.said.Verdict == sg.Drop && in.Header.TCPFlags&packet.SYN == 0 {
		u.said.Notes = append(u.said.Notes, "the SYN of its connection was dropped")
	}
	return errFound
}

// text writes the explanations for people, at most 80 columns wide.
func (e *explainer) text(w io.Writer) {
	for i, x := range e.said {
		if i > 0 {
			io.WriteString(w, "\n")
		}
		for line := range strings.Lines(e.names.Explanation(x, e.verbose)) {
			const label = len("  connection  ")
			line = strings.TrimRight(line, "\n")
			head, indent := "", 2
			if len(line) > label && strings.HasPrefix(line, "  ") {
				head, line, indent = line[:label], line[label:], label
			}
			b, _ := prose.Wrap([]byte(head), line, len(head), indent)
			w.Write(append(b, '\n'))
		}
	}
}
