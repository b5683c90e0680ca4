// Package ask answers questions about packets that people write: it reads them,
// including names of interfaces, judges one after the other by a topology, and says in
// words what happens to each and why. For interfaces to which AWS has yet to assign an
// address, [Assignments] are those that make a difference.
package ask

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/assign"
	"github.com/sgsim/sgsim/sg/internal/overlap"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// A Question is a packet as somebody wrote it.
type Question struct {
	Header packet.Header

	// VPC is that of the interfaces that are named, "" if there are none. If they are of
	// different ones, it is that of the one whose address exists in several, if one alone
	// is such.
	VPC sg.VPCID

	// Pasted is the packet's number in a replay, if it is a line of a replay's text or report.
	Pasted string

	pending  []int         // indexes of the interfaces that are named and have no address yet
	addrs    []netip.Addr  // of ends that are not named
	named    [2]*packetEnd // by the direction at that end, minus one; nil for an address
	anyPort  bool          // the source may have another port
	portless string        // what to write instead, if a named end lacks its port
	overlap  string        // why packets between the named ends cannot be judged
}

// A Parser reads packets whose ends may be named as in a topology. Several goroutines may
// use it.
type Parser struct {
	topo *sg.Topology
	enis map[string][]int // indexes in the topology of the interfaces with a name, an id or a group

	groups map[string]bool // names and ids, even of those that no interface carries
}

// NewParser returns a Parser that knows the interfaces of topo, which must not change. also
// returns a further name of the interface or group with an id, "" for none.
func NewParser(topo *sg.Topology, also ...func(id string) string) *Parser {
	groups := map[sg.GroupID][]string{}
	known := map[string]bool{}
	for i := range topo.Groups {
		g := &topo.Groups[i]
		groups[g.ID] = append(groups[g.ID], g.Name)
		for _, name := range also {
			groups[g.ID] = append(groups[g.ID], name(string(g.ID)))
		}
		for _, name := range append(groups[g.ID], string(g.ID)) {
			known[name] = name != ""
		}
	}
	// Ids take precedence over names, and these over those of instances and of groups.
	var enis, names, instances, carried = map[string][]int{}, map[string][]int{}, map[string][]int{}, map[string][]int{}
	for i := range topo.ENIs {
		e := &topo.ENIs[i]
		enter := func(into map[string][]int, name string) {
			if known := into[name]; name != "" && !slices.Contains(known[max(0, len(known)-1):], i) {
				into[name] = append(known, i)
			}
		}
		enter(enis, string(e.ID))
		enter(names, e.Name)
		enter(instances, string(e.Instance))
		for _, name := range also {
			enter(instances, name(string(e.ID)))
		}
		for _, g := range e.Groups {
			enter(carried, string(g))
			for _, name := range groups[g] {
				enter(carried, name)
			}
		}
	}
	for _, more := range []map[string][]int{names, instances, carried} {
		for name, these := range more {
			if enis[name] == nil {
				enis[name] = these
			}
		}
	}
	return &Parser{topo, enis, known}
}

// replayLine is a packet in the text of sgsim replay: number, seconds and verdict.
var replayLine = regexp.MustCompile(`^\s*([0-9]+)\s+-?[0-9]+\.[0-9]+\s+(?:accept|drop|unknown|-)\s+(.*)$`)

// droppedLine is a packet that the report of a replay lists: how many packets and the number
// of the first, which has several ports perhaps.
var droppedLine = regexp.MustCompile(`^\s*[0-9,]+\s+([0-9]+)\s+([a-z0-9]+ \S+ > [^,]*)(?:, several ports)?$`)

// Parse reads a packet: what [packet.ParseHeader] reads, or a line of sgsim replay's text
// or of its list of what was dropped, with the lines that belong to it. It allows more:
//
//	tcp web > db:5432                      names for addresses
//	tcp 198.51.100.7 to web:https          "to" or -> for >, a service for a port
//	web to db:5432                         no protocol: TCP
//	ssh web > db                           or for the protocol as well
//	ping web > db
//	icmp db > web echo-reply
//
// An end may be an interface, an instance, or a group that a single interface carries, by
// name, id or the further name that [NewParser] was told. Its address is of the IP version
// of the other end, IPv4 where both are names that have one. Where only the destination has
// a port, that of the source is 49152; [Explain] takes the next one where a packet before
// has it. Without a protocol it is TCP, and TCP without flags is a SYN. The services are
// ping and those with a port that people write rules for, such as ssh, https, dns, mysql and
// rdp. For a type and code of ICMP there may be echo, echo-request or echo-reply.
//
// Errors quote s, or the name that is wrong. An interface without an address is one, unless
// the topology is of [Assignments.All].
func (r *Parser) Parse(s string) (Question, error) {
	var q Question
	first, more, _ := strings.Cut(s, "\n")
	if m := replayLine.FindStringSubmatch(first); m != nil {
		q.Pasted, s = m[1], m[2]
		for line := range strings.SplitSeq(more, "\n") {
			if len(line)-len(strings.TrimLeft(line, " ")) <= len("        ") { // an interface that judged it
				break
			}
			s += " " + strings.TrimSpace(line)
		}
	} else if m := droppedLine.FindStringSubmatch(first); m != nil {
		q.Pasted, s = m[1], m[2]
	}
	s = strings.TrimSpace(s)
	text, err := r.resolve(&q, s)
	if err != nil {
		return q, err
	}
	q.Header, err = packet.ParseHeader(text)
	if words := strings.Fields(text); err != nil && len(words) >= 4 && words[0] == packet.TCP.String() {
		if h, again := packet.ParseHeader(strings.Join(slices.Insert(words, 4, "S"), " ")); again == nil {
			q.Header, err = h, nil
		}
	}
	if err != nil && q.portless != "" && strings.Contains(err.Error(), "needs ports") {
		return q, fmt.Errorf("packet: %q: which port? Write %s", s, q.portless)
	}
	var wrong *packet.TextError
	if errors.As(err, &wrong) && text != s { // the offset is in a text that nobody wrote
		err = fmt.Errorf("packet: %q: %s", s, wrong.Reason)
	}
	return q, err
}

// A packetEnd is one end of a packet as it was written.
type packetEnd struct {
	text string     // all of it
	addr netip.Addr // if an address was written
	name string     // else
	port string     // behind the name or address, with its colon; may be empty
	eni  *sg.ENI    // that has the name
}

// resolve replaces names with addresses. What it does not understand stays, for the
// parser to report. It fills in what q says about the ends.
func (r *Parser) resolve(q *Question, s string) (text string, err error) {
	arrow := " to "
	head, _, _ := strings.Cut(s, " about ") // there may be one in what is quoted
	for _, a := range [...]string{" > ", " -> "} {
		if strings.Contains(head, a) {
			arrow = a
		}
	}
	left, right, ok := strings.Cut(s, arrow)
	first, from, named := strings.Cut(left, " ")
	proto, known := packet.ParseProtocol(first)
	means, served := serviceOf(first)
	ping := strings.EqualFold(first, "ping")
	switch {
	case served: // "rdp" is both
		proto, known = means.protocol, true
	case ping:
		proto, known = packet.ICMP, true
	case ok && !known:
		if e := r.end(strings.TrimSpace(left)); e.addr.IsValid() || r.enis[e.name] != nil || r.groups[e.name] {
			proto, known, from, named = packet.TCP, true, left, true
		}
	}
	if words := strings.Fields(s); len(words) > 1 && known && !ok && !strings.Contains(s, ">") {
		at, got := len(s), "the end"
		if len(words) > 2 {
			at, got = strings.Index(s, words[2]), strconv.Quote(words[2])
		}
		return s, fmt.Errorf("packet: %q: byte %d: want > between source and destination, got %s", s, at, got)
	}
	if !ok || !named || !known {
		return s, nil
	}
	right = strings.TrimLeft(right, " ")
	to := r.longest(right)
	src, dst, rest := r.end(strings.TrimSpace(from)), r.end(to), right[len(to):]
	var family packet.Family
	for _, e := range []*packetEnd{&src, &dst} {
		if r.enis[e.name] != nil || r.groups[e.name] || !likeAddr(e.name) {
			if e.eni, err = r.ENI(e.name); err != nil {
				return s, err
			}
		}
		if e.eni != nil && assign.Pending(*e.eni) {
			q.pending = append(q.pending, r.enis[e.name][0])
		}
		if e.addr.IsValid() {
			q.addrs = append(q.addrs, e.addr)
			family = packet.IPv4
			if e.addr.Is6() {
				family = packet.IPv6
			}
		}
	}
	if family == 0 {
		family = packet.IPv4
		if proto == packet.ICMPv6 || addrOf(src.eni, packet.IPv4) == "" || addrOf(dst.eni, packet.IPv4) == "" {
			family = packet.IPv6
		}
	}
	if ping && family == packet.IPv6 {
		proto = packet.ICMPv6
	}
	if proto == packet.ICMP || proto == packet.ICMPv6 {
		rest = icmpWords(rest, proto, ping)
	}
	if served && dst.port == "" {
		dst.port = ":" + means.port
	}
	if proto.HasPorts() && src.port+dst.port == "" && dst.eni != nil && !served {
		q.portless = fmt.Sprintf("%s:5432, or postgres %s > %[1]s", dst.name, src.text)
		if proto == packet.UDP {
			q.portless = fmt.Sprintf("%s:53, or dns %s > %[1]s", dst.name, src.text)
		}
	}
	if proto.HasPorts() && (src.eni != nil || src.addr.IsValid()) && src.port == "" && dst.port != "" {
		src.port, q.anyPort = ":49152", true // the first of those that nobody assigns (RFC 6335)
	}
	for _, e := range []*packetEnd{&src, &dst} {
		a := e.addr.String()
		switch {
		case e.eni != nil && assign.Pending(*e.eni):
			return s, fmt.Errorf("the address of %s is not known", e.name)
		case e.eni != nil:
			if a = addrOf(e.eni, family); a == "" {
				return s, fmt.Errorf("%s has no address of that IP version", e.name)
			}
		case !e.addr.IsValid():
			continue
		}
		if e.port != "" && strings.Contains(a, ":") {
			a = "[" + a + "]"
		}
		e.text = a + e.port
	}
	r.between(q, &src, &dst, family)
	return proto.String() + " " + src.text + " > " + dst.text + rest, nil
}

// between fills in what q says about named ends, which have an address of the family.
func (r *Parser) between(q *Question, src, dst *packetEnd, f packet.Family) {
	if src.eni != nil {
		q.named[sg.Egress-1], q.VPC = src, src.eni.VPC
	}
	if dst.eni != nil {
		q.named[sg.Ingress-1], q.VPC = dst, dst.eni.VPC
	}
	if src.eni != nil && dst.eni != nil {
		q.VPC, q.overlap = overlap.Between(r.topo, src.end(f), dst.end(f))
	}
}

// end is a named end as package overlap knows it.
func (e *packetEnd) end(f packet.Family) overlap.End {
	a, _ := netip.ParseAddr(addrOf(e.eni, f)) // of an interface
	return overlap.End{Name: e.name, ENI: e.eni, Addr: a}
}

// icmpWords replaces the word for a type and code of ICMP that rest begins with. For a
// ping it may be left out.
func icmpWords(rest string, p packet.Protocol, ping bool) string {
	request, reply := " 8/0", " 0/0"
	if p == packet.ICMPv6 {
		request, reply = " 128/0", " 129/0"
	}
	word, more, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch strings.ToLower(word) {
	case "echo", "echo-request":
		return request + " " + more
	case "echo-reply":
		return reply + " " + more
	}
	if ping && !strings.Contains(word, "/") {
		return request + rest
	}
	return rest
}

// longest returns the longest known name that s starts with, with its port, or else the
// first word. Names may contain blanks.
func (r *Parser) longest(s string) string {
	for i := len(s); i > 0; i-- {
		if i < len(s) && s[i] != ' ' && s[i] != ':' || r.enis[s[:i]] == nil && !r.groups[s[:i]] {
			continue
		}
		port, _, _ := strings.Cut(s[i:], " ")
		return s[:i+len(port)]
	}
	word, _, _ := strings.Cut(s, " ")
	return word
}

func (r *Parser) end(s string) packetEnd {
	i := strings.LastIndexByte(s, ':')
	if i >= 0 && r.enis[s] == nil {
		if means, ok := serviceOf(s[i+1:]); ok {
			s = s[:i+1] + means.port
		}
	}
	e := packetEnd{text: s}
	if a, err := netip.ParseAddr(s); err == nil {
		e.addr = a
	} else if ap, err := netip.ParseAddrPort(s); err == nil {
		e.addr, e.port = ap.Addr(), s[strings.LastIndexByte(s, ':'):]
	} else if e.name = s; i >= 0 && r.enis[s] == nil {
		e.name, e.port = s[:i], s[i:]
	}
	return e
}

// likeAddr reports whether somebody may have meant an address: "" too, but no word.
func likeAddr(s string) bool {
	return s == "" || strings.Trim(s, "0123456789.:abcdefABCDEF[]/") == "" && strings.Trim(s, "abcdefABCDEF") != ""
}

// ENI returns the interface that a name means as an end of a packet, which is part of the
// topology. The error quotes the name.
func (r *Parser) ENI(name string) (*sg.ENI, error) {
	switch found := r.enis[name]; {
	case len(found) == 1:
		return &r.topo.ENIs[found[0]], nil
	case len(found) > 0:
		var ids []string
		for _, i := range found {
			id := string(r.topo.ENIs[i].ID)
			if addrs := r.topo.ENIs[i].Addrs; len(addrs) > 0 {
				id += " (" + addrs[0].String() + ")"
			}
			ids = append(ids, id)
		}
		return nil, fmt.Errorf("%q: which of its %d interfaces? %s", name, len(found), strings.Join(prose.First(ids, 5, ""), ", "))
	case r.groups[name]:
		return nil, fmt.Errorf("%q: no interface of the topology carries this group: -eni can give one", name)
	}
	return nil, fmt.Errorf("%q: no interface, instance or group of the topology", name)
}

// addrOf returns the first private address of an ENI in a family, "" if it has none;
// without an ENI it returns something else.
func addrOf(e *sg.ENI, f packet.Family) string {
	if e == nil {
		return "-"
	}
	for _, a := range e.Addrs {
		if a.Is4() == (f == packet.IPv4) {
			return a.String()
		}
	}
	return ""
}
