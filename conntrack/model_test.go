package conntrack

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// A model is a Table written to be obviously right: a Go map of connections by
// the tuple of their original direction, searched twice.
type model struct {
	cfg     Config
	now     int64
	conns   map[modelKey]*modelConn
	zones   map[Zone]Timeouts
	shared  map[Zone]*modelLimit
	frags   map[modelFragKey]modelFrag
	stats   Stats
	fragSeq uint64
}

type modelKey struct {
	zone  Zone
	tuple packet.FiveTuple
}

type modelConn struct {
	state            State
	replied, assured bool
	asked            bool // UDP: a request since the last reply
	simultaneous     bool
	tag              uint32
	expires          int64
	openedAt         int64
	tcp              tcpMemory
}

type modelLimit struct{ max int }

type modelFragKey struct {
	zone     Zone
	src, dst [16]byte
	id       uint32
	proto    packet.Protocol
	family   packet.Family
}

type modelFrag struct {
	expires  int64
	accepted bool
	seq      uint64
}

func newModel(c Config) model {
	return model{
		cfg:    c,
		now:    math.MinInt64,
		conns:  map[modelKey]*modelConn{},
		zones:  map[Zone]Timeouts{},
		shared: map[Zone]*modelLimit{},
		frags:  map[modelFragKey]modelFrag{},
	}
}

// modelTCP is the transition table as the specification prints it.
const modelTCP = `
         None SynSent SynRecv Established FinWait CloseWait LastAck TimeWait Close SynSent2
O syn    SS   SS      ~       ~           ~       ~         ~       new      new   S2
O synack !    !       SR      !           !       !         !       !        !     SR
O fin    !    !       FW      FW          LA      LA        LA      TW       CL    !
O ack    ES   !       ES      ES          CW      CW        TW      TW       CL    !
O rst    !    CL      CL      CL          CL      CL        CL      CL       CL    CL
R syn    !    S2      !       !           !       !         !       new      !     S2
R synack !    SR      ~       ~           ~       ~         ~       ~        ~     SR
R fin    !    !       FW      FW          LA      LA        LA      TW       CL    !
R ack    !    ~       SR      ES          CW      CW        TW      TW       CL    ~
R rst    !    CL      CL      CL          CL      CL        CL      CL       CL    CL
`

var modelNext = func() map[string]string {
	lines := strings.Split(strings.TrimSpace(modelTCP), "\n")
	columns := strings.Fields(lines[0])
	t := map[string]string{}
	for _, line := range lines[1:] {
		f := strings.Fields(line)
		for i, c := range columns {
			t[f[0]+" "+f[1]+" "+c] = f[2+i]
		}
	}
	return t
}()

var (
	modelStates = map[string]State{
		"SS": SynSent, "SR": SynRecv, "ES": Established, "FW": FinWait, "CW": CloseWait,
		"LA": LastAck, "TW": TimeWait, "CL": Close, "S2": SynSent2,
	}
	modelStateNames = map[State]string{
		None: "None", SynSent: "SynSent", SynRecv: "SynRecv", Established: "Established",
		FinWait: "FinWait", CloseWait: "CloseWait", LastAck: "LastAck", TimeWait: "TimeWait",
		Close: "Close", SynSent2: "SynSent2",
	}
)

// modelSymbol returns "" for flags that no stack sends together.
func modelSymbol(f packet.TCPFlags) string {
	f &^= packet.PSH | packet.ECE | packet.CWR
	if f&packet.URG != 0 {
		switch f &^ packet.URG {
		case packet.SYN, packet.FIN | packet.ACK, packet.ACK:
			f &^= packet.URG
		}
	}
	switch f {
	case packet.SYN:
		return "syn"
	case packet.SYN | packet.ACK:
		return "synack"
	case packet.FIN | packet.ACK:
		return "fin"
	case packet.ACK:
		return "ack"
	case packet.RST, packet.RST | packet.ACK:
		return "rst"
	}
	return ""
}

func (m *model) clock(now time.Time) int64 { return min(max(m.now, now.UnixNano()), latest) }

// tuple returns the tuple that the connection of h is kept under in one of its
// directions.
func (m *model) tuple(t packet.FiveTuple) packet.FiveTuple {
	icmp := t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6
	if !icmp && !hasPorts(m.cfg.Profile, t.Protocol) {
		t.SrcPort, t.DstPort = 0, 0
	}
	return t
}

// find returns the connection of the tuple and the tuple's direction in it.
func (m *model) find(z Zone, t packet.FiveTuple, now int64) (*modelConn, modelKey, Direction) {
	t = m.tuple(t)
	dir := Original
	if t.Reverse() == t {
		dir = Reply // CTS-59
	}
	k := modelKey{z, t}
	if c := m.conns[k]; c != nil && now < c.expires {
		return c, k, dir
	}
	k = modelKey{z, t.Reverse()}
	if c := m.conns[k]; c != nil && now < c.expires {
		return c, k, Reply
	}
	return nil, modelKey{}, 0
}

func (m *model) Track(z Zone, h *packet.Header, now time.Time) answer {
	m.now = m.clock(now)
	r, _, k, c := m.decide(z, h, m.now)
	if c == nil {
		return r
	}
	if r.Class == New && m.cfg.Profile == Linux {
		delete(m.conns, k)
		m.stats.Deleted++
	}
	if r.Class == Tracked || r.Class == Invalid {
		if c.expires == gone {
			delete(m.conns, k)
			m.stats.Deleted++
		} else if old := m.conns[k]; old != nil {
			*old = *c
		}
	}
	return r
}

func (m *model) Peek(z Zone, h *packet.Header, now time.Time) (answer, Entry) {
	r, before, k, c := m.decide(z, h, m.clock(now))
	if c == nil {
		return r, Entry{}
	}
	return r, before.entry(k)
}

// gone is the expiry that decide gives a connection which the packet ends.
const gone = math.MinInt64

func (c *modelConn) entry(k modelKey) Entry {
	return Entry{
		Zone: k.zone, Tuple: k.tuple, State: c.state, Replied: c.replied, Assured: c.assured,
		Tag: c.tag, Expires: time.Unix(0, c.expires).UTC(),
	}
}

// decide returns the answer, and of the connection that the packet is about what
// it was before, its key, and what it is afterwards.
func (m *model) decide(z Zone, h *packet.Header, now int64) (r answer, before modelConn, k modelKey, after *modelConn) {
	invalid := func(w Why) answer { return answer{Class: Invalid, Why: w} }
	if h.Family != packet.IPv4 && h.Family != packet.IPv6 {
		return invalid(WhyMissing), before, k, nil
	}
	if h.LaterFragment() {
		f, ok := m.frags[m.fragKey(z, h)]
		ok = ok && now < f.expires
		return answer{Class: Fragment, Known: ok, Accepted: ok && f.accepted}, before, k, nil
	}
	kind := icmpOther
	switch h.Protocol {
	case packet.ICMP, packet.ICMPv6:
		if (h.Protocol == packet.ICMP) != (h.Family == packet.IPv4) {
			return invalid(WhyFamily), before, k, nil
		}
		if h.Missing&packet.MissingICMP != 0 {
			return invalid(WhyMissing), before, k, nil
		}
		kind = kindOf(m.cfg.Profile, h)
		switch kind {
		case icmpDiscovery:
			return answer{Class: Untracked}, before, k, nil
		case icmpOther:
			if m.cfg.Profile == AWS {
				return answer{Class: Untracked, Why: WhyType}, before, k, nil
			}
			return invalid(WhyType), before, k, nil
		case icmpError:
			return m.related(z, h, now)
		}
		if h.Missing&packet.MissingICMPID != 0 {
			return invalid(WhyMissing), before, k, nil
		}
	case packet.NoNext:
		if h.Family == packet.IPv6 {
			if m.cfg.Profile == AWS {
				return answer{Class: Untracked, Why: WhyType}, before, k, nil
			}
			return invalid(WhyType), before, k, nil
		}
	default:
		if hasPorts(m.cfg.Profile, h.Protocol) && h.Missing&packet.MissingPorts != 0 {
			return invalid(WhyMissing), before, k, nil
		}
	}

	old, k, dir := m.find(z, h.Tuple(), now)
	if old == nil {
		return m.unconnected(h, kind), before, k, nil
	}
	before = *old
	c := *old
	r = m.advance(&c, dir, h, now, z)
	return r, before, k, &c
}

// fresh is the answer for a packet without connection.
func (m *model) unconnected(h *packet.Header, kind icmpKind) answer {
	switch {
	case kind == icmpReply:
		return answer{Class: Invalid, Why: WhyNoRequest}
	case h.Protocol != packet.TCP:
		return answer{Class: New}
	case h.Missing&packet.MissingTCPFlags != 0:
		return answer{Class: Invalid, Why: WhyMissing}
	}
	switch modelSymbol(h.TCPFlags) {
	case "syn":
		return answer{Class: New}
	case "ack":
		if m.cfg.Pickup {
			return answer{Class: New}
		}
	case "":
		return answer{Class: Invalid, Why: WhyFlags}
	}
	return answer{Class: Invalid, Why: WhyNoSYN}
}

func (m *model) related(z Zone, h *packet.Header, now int64) (r answer, before modelConn, k modelKey, after *modelConn) {
	q := h.Quoted.Tuple
	if h.Quoted.Part != packet.QuoteTuple || h.Fragment() {
		w := WhyQuote
		if h.Missing&packet.MissingQuote != 0 {
			w = WhyMissing
		}
		return answer{Class: Invalid, Why: w}, before, k, nil
	}
	c, k, dir := m.find(z, q.Reverse(), now)
	if c == nil || q.Src != h.Dst || q.Family != h.Family {
		return answer{Class: Invalid, Why: WhyNoQuoted}, before, modelKey{}, nil
	}
	return answer{
		Class: Related, Dir: dir, State: c.state, Replied: c.replied, Tag: c.tag,
	}, *c, k, c
}

// advance applies the packet to the connection.
func (m *model) advance(c *modelConn, dir Direction, h *packet.Header, now int64, z Zone) answer {
	to := m.timeouts(z)
	why := WhyNone
	switch {
	case h.Protocol == packet.TCP:
		var stop *answer
		if why, stop = m.advanceTCP(c, dir, h, now, &to); stop != nil {
			if stop.Class == New {
				return *stop
			}
			stop.State, stop.Replied, stop.Tag = c.state, c.replied, c.tag
			return *stop
		}
	default:
		m.advanceOther(c, dir, h, now, &to)
	}
	if why == WhyNone || why == WhyIgnored {
		c.replied = c.replied || dir == Reply
	}
	return answer{Class: Tracked, Dir: dir, State: c.state, Why: why, Replied: c.replied, Tag: c.tag}
}

func (m *model) advanceOther(c *modelConn, dir Direction, h *packet.Header, now int64, to *timeouts) {
	wasReplied := c.replied
	if dir == Reply && c.state == Unreplied {
		c.state = Replied
	}
	switch {
	case h.Protocol == packet.UDP && m.cfg.Profile == AWS:
		// A transaction is a request and the first reply after it (CTS-28).
		if dir == Original {
			c.asked = true
		} else {
			if c.asked && wasReplied {
				c.state = Stream
			}
			c.asked = false
		}
	case h.Protocol == packet.UDP:
		if wasReplied && now > c.openedAt+udpStreamAge {
			c.state, c.assured = Stream, true
		}
	case (h.Protocol == packet.GRE || h.Protocol == packet.UDPLite) && m.cfg.Profile == Linux:
		if wasReplied {
			c.state, c.assured = Stream, true
		}
	}
	c.expires = now + m.otherTimeout(h.Protocol, c.state, to)
}

func (m *model) otherTimeout(p packet.Protocol, s State, to *timeouts) int64 {
	linux := m.cfg.Profile == Linux
	switch {
	case p == packet.UDP, p == packet.UDPLite && linux:
		return to[s]
	case p == packet.ICMP, p == packet.ICMPv6:
		return icmpTimeout
	case p == packet.GRE && linux:
		if s == Stream {
			return greStreamTimeout
		}
		return greTimeout
	case p == packet.SCTP && linux:
		return sctpTimeout
	}
	return int64(OtherTimeout)
}

// advanceTCP returns a Result where the segment is not Tracked.
func (m *model) advanceTCP(c *modelConn, dir Direction, h *packet.Header, now int64, to *timeouts) (Why, *answer) {
	bad := func(w Why) (Why, *answer) {
		if m.cfg.Profile == Linux {
			return w, &answer{Class: Invalid, Why: w}
		}
		return w, nil
	}
	if h.Missing&packet.MissingTCPFlags != 0 {
		return WhyMissing, nil
	}
	sym := modelSymbol(h.TCPFlags)
	if sym == "" {
		return bad(WhyFlags)
	}
	if m.cfg.Profile == Linux {
		s := c.tcp.segment(c.state, c.replied, c.assured, dir, h, to)
		switch s.outcome {
		case outcomeInvalid:
			return bad(WhyState)
		case outcomeReopen:
			return WhyNone, &answer{Class: New}
		case outcomeIgnored:
			return WhyIgnored, nil
		case outcomeDelete:
			c.expires = gone
		case outcomeRefresh:
			c.expires = now + s.timeout
		}
		c.state, c.assured = s.state, s.assured
		return WhyNone, nil
	}

	cell := modelNext[map[Direction]string{Original: "O ", Reply: "R "}[dir]+sym+" "+modelStateNames[c.state]]
	next := modelStates[cell]
	switch {
	case cell == "new", sym == "syn" && (c.state == TimeWait || c.state == Close):
		return WhyNone, &answer{Class: New}
	case cell == "!":
		return bad(WhyState)
	case cell == "~":
		return WhyIgnored, nil
	case sym == "rst" && !c.replied:
		c.state, c.expires = Close, gone
		return WhyNone, nil
	case sym == "syn" && dir == Original && c.state == SynSent && !c.replied:
		return WhyNone, nil
	case next == SynSent2:
		c.simultaneous = true
	case next == SynRecv && sym == "ack" && c.simultaneous:
		next = Established
	}
	c.state = next
	c.expires = now + to[next]
	if next == Established && !c.replied {
		c.expires = now + min(to[next], linuxUnacked)
	}
	return WhyNone, nil
}

func (m *model) timeouts(z Zone) timeouts {
	base := m.cfg.Timeouts.resolve(defaultTimeouts(m.cfg.Profile))
	return m.zones[z].resolve(base).table()
}

func (m *model) Commit(z Zone, h *packet.Header, now time.Time, tag uint32) bool {
	m.now = m.clock(now)
	r, _, k, old := m.decide(z, h, m.now)
	if r.Class == Tracked {
		return true
	}
	if r.Class != New {
		return false
	}
	m.sweep(math.MaxInt)
	if old != nil {
		delete(m.conns, k)
		m.stats.Deleted++
	}
	if m.cfg.MaxEntries > 0 && len(m.conns) >= m.cfg.MaxEntries || m.sharedFull(z) {
		m.stats.Refused++
		return false
	}
	to := m.timeouts(z)
	t := m.tuple(h.Tuple())
	c := &modelConn{tag: tag, openedAt: m.now, asked: true}
	switch {
	case h.Protocol != packet.TCP:
		c.state, c.asked = Unreplied, true
		c.expires = m.now + m.otherTimeout(h.Protocol, c.state, &to)
	case m.cfg.Profile == Linux:
		s := c.tcp.open(h, &to)
		c.state, c.expires = s.state, m.now+s.timeout
	case modelSymbol(h.TCPFlags) == "syn":
		c.state, c.expires = SynSent, m.now+to[SynSent]
	default:
		c.state, c.expires = Established, m.now+min(to[Established], linuxUnacked)
	}
	m.conns[modelKey{z, t}] = c
	m.stats.Inserted++
	return true
}

func (m *model) sharedFull(z Zone) bool {
	l := m.shared[z]
	if l == nil {
		return false
	}
	n := 0
	for k := range m.conns {
		if m.shared[k.zone] == l {
			n++
		}
	}
	return n >= l.max
}

func (m *model) sweep(budget int) (n int) {
	for k, c := range m.conns {
		if n == budget {
			break
		}
		if c.expires <= m.now {
			delete(m.conns, k)
			m.stats.Expired++
			n++
		}
	}
	return n
}

func (m *model) Expire(now time.Time, budget int) int {
	m.now = m.clock(now)
	return m.sweep(budget)
}

func (m *model) SetTimeouts(z Zone, to Timeouts) error {
	if err := to.check(m.cfg.Profile); err != nil {
		return err
	}
	m.zones[z] = to
	return nil
}

func (m *model) Limit(max int, zones ...Zone) {
	l := &modelLimit{max}
	for _, z := range zones {
		if max > 0 {
			m.shared[z] = l
		} else {
			delete(m.shared, z)
		}
	}
}

func (m *model) fragKey(z Zone, h *packet.Header) modelFragKey {
	k := modelFragKey{z, h.Src, h.Dst, h.FragID, h.Protocol, h.Family}
	if h.Family == packet.IPv6 {
		k.proto = 0
	}
	return k
}

func (m *model) CommitFragment(z Zone, h *packet.Header, now time.Time, accepted bool) {
	m.now = m.clock(now)
	if !h.Fragment() || h.LaterFragment() {
		return
	}
	keep := 30 * time.Second
	if h.Family == packet.IPv6 {
		keep = 60 * time.Second
	}
	m.frags[m.fragKey(z, h)] = modelFrag{m.now + int64(keep), accepted, m.fragSeq}
	m.fragSeq++
}

// live returns the keys of the live connections in the order of All.
func (m *model) live(now int64, zones []Zone) []modelKey {
	var keys []modelKey
	for k, c := range m.conns {
		if now < c.expires && (len(zones) == 0 || slices.Contains(zones, k.zone)) {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b modelKey) int {
		return cmp.Or(cmp.Compare(a.zone, b.zone), cmp.Compare(a.tuple.Family, b.tuple.Family),
			bytes.Compare(a.ends(), b.ends()), cmp.Compare(a.tuple.Protocol, b.tuple.Protocol))
	})
	return keys
}

// ends are the two endpoints, the lower first, or of ICMP queries the asker.
func (k modelKey) ends() []byte {
	t := &k.tuple
	src := binary.BigEndian.AppendUint16(t.Src[:], t.SrcPort)
	dst := binary.BigEndian.AppendUint16(t.Dst[:], t.DstPort)
	if icmp := t.Protocol == packet.ICMP || t.Protocol == packet.ICMPv6; !icmp && bytes.Compare(dst, src) < 0 {
		src, dst = dst, src
	}
	return slices.Concat(src, dst)
}

func (m *model) All(now time.Time, zones ...Zone) iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, k := range m.live(m.clock(now), zones) {
			if c := m.conns[k]; c != nil && !yield(c.entry(k)) {
				return
			}
		}
	}
}

func (m *model) DeleteFunc(now time.Time, del func(Entry) bool, zones ...Zone) (n int) {
	m.now = m.clock(now)
	for _, k := range m.live(m.now, zones) {
		if del(m.conns[k].entry(k)) {
			delete(m.conns, k)
			n++
		}
	}
	m.stats.Deleted += uint64(n)
	return n
}

func (m *model) Stats() Stats {
	s := m.stats
	s.Entries = len(m.conns)
	return s
}

func (m *model) clone() model {
	c := *m
	c.conns = map[modelKey]*modelConn{}
	for k, v := range m.conns {
		conn := *v
		c.conns[k] = &conn
	}
	c.zones, c.shared, c.frags = maps.Clone(m.zones), maps.Clone(m.shared), maps.Clone(m.frags)
	return c
}
