package conntrack

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/stretchr/testify/require"
)

// vectorsFile is what Linux 6.18 did, in the folder beside the repository.
const vectorsFile = "../../shared/vectors/linux-conntrack.json"

type vectors struct {
	Scenarios []scenario
	Matrix    struct {
		Columns []string
		Rows    map[string][]string
	} `json:"tcp_matrix"`
}

type scenario struct {
	ID, Title string
	Sysctl    map[string]int
	Steps     []struct {
		From      string
		L3        string  `json:"l3_hex"`
		State     string  `json:"ct_state"`
		Dir       string  `json:"ct_dir"`
		Sleep     float64 `json:"sleep_s"`
		Forwarded bool
		Table     []vectorEntry `json:"table_after"`
	}
}

type vectorEntry struct {
	L3      string
	Proto   uint8
	Orig    string
	Expires int64 `json:"expires_in_s_floor"`
	State   string
	Flags   []string
}

func readVectors(t *testing.T) vectors {
	b, err := os.ReadFile(vectorsFile)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("the recorded scenarios are not there: %v", err)
	}
	require.NoError(t, err)
	var v vectors
	require.NoError(t, json.Unmarshal(b, &v))
	return v
}

// notModelled are scenarios that the decisions leave out, with the reason.
var notModelled = func() map[string]string {
	m := map[string]string{}
	for why, ids := range map[string]string{
		"sequence numbers outside the window are invalid only without be_liberal and ignore_invalid_rst": "V-TCP-06 V-TCP-18 V-TCP-22 V-TCP-24",
		"a checksum is wrong, and checksums are not verified":                                            "V-TCP-30 V-UDP-17 V-OPT-03 V-OPT-04",
		"Linux holds fragments until the datagram is whole; here later ones follow the first":            "V-FRAG-01 V-FRAG-02 V-FRAG-04 V-FRAG-05 V-FRAG-07 V-FRAG-08 V-FRAG6-01 V-FRAG6-02 V-FRAG6-05",
		"the key of GRE version 1 is not part of a header":                                               "V-GRE-03",
		"SCTP has no state machine here: ports, and 210 s":                                               "V-SCTP-01 V-SCTP-02 V-SCTP-04 V-SCTP-05 V-SCTP-06",
	} {
		for id := range strings.FieldsSeq(ids) {
			m[id] = why
		}
	}
	return m
}()

func TestRecordedScenarios(t *testing.T) {
	v := readVectors(t)
	require.Len(t, v.Scenarios, 100)
	ran, left := 0, map[string][]string{}
	for _, s := range v.Scenarios {
		if why, ok := notModelled[s.ID]; ok {
			left[why] = append(left[why], s.ID)
			continue
		}
		ran++
		t.Run(s.ID, func(t *testing.T) { s.run(t) })
	}
	t.Logf("%d of %d scenarios ran; not modelled:", ran, len(v.Scenarios))
	for _, why := range slices.Sorted(maps.Keys(left)) {
		ids := left[why]
		t.Logf("  %s: %s", why, strings.Join(ids, " "))
	}
}

func (s *scenario) run(t *testing.T) {
	cfg := Config{Profile: Linux, Pickup: true}
	stretch := int64(0) // seconds by which our timeout is longer than the recorded one
	for name, value := range s.Sysctl {
		switch strings.TrimPrefix(name, "net.netfilter.nf_conntrack_") {
		case "tcp_loose":
			cfg.Pickup = value != 0
		case "udp_timeout":
			cfg.Timeouts.UDP = time.Duration(value) * time.Second
		case "tcp_be_liberal":
		case "tcp_timeout_syn_sent":
			stretch = int64(120 - value)
		default:
			t.Fatalf("sysctl %s", name)
		}
	}
	table, err := NewTable(cfg)
	require.NoError(t, err)
	now := time.Unix(1_800_000_000, 0)
	for i, step := range s.Steps {
		if step.L3 == "" {
			now = now.Add(time.Duration((step.Sleep + float64(stretch)) * float64(time.Second)))
			continue
		}
		frame, err := hex.DecodeString(step.L3)
		require.NoError(t, err)
		var h packet.Header
		what := fmt.Sprintf("%s step %d, %s sends %s", s.Title, i+1, step.From, step.L3)
		if err := packet.Decode(packet.LinkRaw, frame, len(frame), &h); err != nil {
			require.Contains(t, []string{"INVALID", "DROPPED_BEFORE_NETFILTER"}, step.State, "%s: %v", what, err)
			continue
		}
		r := table.Track(0, &h, now)
		require.Equal(t, step.State+" "+step.Dir, ctState(r), what)
		// Packets that went back out of the side they came from were admitted
		// too, though nobody forwarded them.
		if r.Class() == New && (step.Forwarded || strings.HasPrefix(s.ID, "V-SELF")) {
			require.True(t, table.Commit(0, &h, now, 0), what)
		}
		var want []string
		for _, e := range step.Table {
			e.Expires += stretch
			want = append(want, e.String())
		}
		slices.Sort(want)
		require.Equal(t, want, dump(table, now), what)
	}
}

// ctState says a Result in the words of nft: ct state and direction.
func ctState(r Result) string {
	switch {
	case r.Class() == New, r.Class() == Tracked && r.Dir() == Original && !r.Replied():
		return "NEW original"
	case r.Class() == Tracked:
		return "ESTABLISHED " + r.Dir().String()
	case r.Class() == Related:
		return "RELATED " + r.Dir().String()
	case r.Class() == Untracked:
		return "UNTRACKED "
	}
	return "INVALID "
}

// dump lists the live connections as vectorEntry.String does.
func dump(table *Table, now time.Time) []string {
	var list []string
	for e := range table.All(now) {
		left := (e.Expires.Sub(now) - 1) / time.Second
		state, flags := "", ""
		if e.Tuple.Protocol == packet.TCP {
			state = strings.ToUpper(e.State.String())
		}
		switch {
		case e.Assured:
			flags = "ASSURED"
		case !e.Replied:
			flags = "UNREPLIED"
		}
		list = append(list, strings.Join(strings.Fields(fmt.Sprint(
			uint8(e.Tuple.Protocol), " ", linuxTuple(e.Tuple), " ", state, " ", flags, " ", int64(left))), " "))
	}
	slices.Sort(list)
	return list
}

// linuxTuple prints a tuple as conntrack -L does.
func linuxTuple(t packet.FiveTuple) string {
	s := fmt.Sprintf("src=%v dst=%v", t.SrcAddr(), t.DstAddr())
	switch {
	case t.Protocol.HasPorts():
		s += fmt.Sprintf(" sport=%d dport=%d", t.SrcPort, t.DstPort)
	case t.Protocol == packet.ICMP, t.Protocol == packet.ICMPv6:
		typ, code, _ := t.ICMP()
		s += fmt.Sprintf(" type=%d code=%d", typ, code) // the recording left the identifier out
	case t.Protocol == packet.GRE:
		s += " srckey=0x0 dstkey=0x0"
	}
	return s
}

func (e *vectorEntry) String() string {
	state := e.State
	if e.Proto != uint8(packet.TCP) {
		state = ""
	}
	return strings.Join(strings.Fields(fmt.Sprint(e.Proto, " ", e.Orig, " ", state, " ", strings.Join(e.Flags, ","), " ", e.Expires)), " ")
}

// matrixOther is the one cell that was recorded otherwise, with the reason.
var matrixOther = map[string]string{
	// A RST whose acknowledgement lies outside the window, which be_liberal
	// lets through.
	"orig/rst SYN_SENT": "new/orig->gone()",
}

// TestRecordedMatrix brings a connection into each of the ten states and sends
// each of the six kinds of segment in both directions.
func TestRecordedMatrix(t *testing.T) {
	v := readVectors(t)
	cells := 0
	for row, want := range v.Matrix.Rows {
		dir, sym, _ := strings.Cut(row, "/")
		for i, column := range v.Matrix.Columns {
			cells++
			t.Run(row+"/"+column, func(t *testing.T) {
				w := want[i]
				if other, ok := matrixOther[row+" "+column]; ok {
					w = other
				}
				require.Equal(t, w, matrixCell(t, column, dir, sym))
			})
		}
	}
	require.Equal(t, 120, cells)
}

func matrixCell(t *testing.T, column, dir, sym string) string {
	table, err := NewTable(Config{Profile: Linux, Pickup: true})
	require.NoError(t, err)
	now := time.Unix(1_800_000_000, 0)
	client, server := netip.MustParseAddrPort("10.0.0.1:1000"), netip.MustParseAddrPort("10.0.1.1:80")
	seq, ack := [2]uint32{1000, 5000}, [2]uint32{}
	send := func(reply bool, flags packet.TCPFlags) Result {
		h, d := packet.TCPHeader(client, server, flags), 0
		if reply {
			h, d = packet.TCPHeader(server, client, flags), 1
		}
		h.Seq, h.Window = seq[d], 65535
		if flags&packet.ACK != 0 {
			h.Ack = ack[d]
		}
		if flags&(packet.SYN|packet.FIN) != 0 {
			ack[1-d] = seq[d] + 1
		}
		if flags&(packet.SYN|packet.FIN) != 0 && flags&packet.ACK != 0 {
			seq[d]++
		}
		r := table.Track(0, &h, now)
		if r.Class() == New {
			require.True(t, table.Commit(0, &h, now, 0))
		}
		return r
	}
	const S, A, F, R = packet.SYN, packet.ACK, packet.FIN, packet.RST
	open := func() {
		send(false, S)
		seq[0]++
		send(true, S|A)
		send(false, A)
	}
	switch column {
	case "NONE":
		ack = [2]uint32{5001, 1001}
	case "SYN_SENT":
		send(false, S)
	case "SYN_RECV":
		send(false, S)
		seq[0]++
		send(true, S|A)
	case "SYN_SENT2":
		send(false, S)
		send(true, S)
	case "ESTABLISHED":
		open()
	case "CLOSE":
		open()
		send(false, R|A)
	default:
		open()
		send(false, F|A)
		if column == "FIN_WAIT" {
			break
		}
		send(true, A)
		if column == "CLOSE_WAIT" {
			break
		}
		send(true, F|A)
		if column == "LAST_ACK" {
			break
		}
		send(false, A)
	}
	if column != "NONE" {
		for e := range table.All(now) {
			require.Equal(t, column, strings.ToUpper(e.State.String()))
		}
	}
	r := send(dir == "reply", map[string]packet.TCPFlags{
		"syn": S, "synack": S | A, "fin": F | A, "ack": A, "rst": R | A, "none": packet.PSH,
	}[sym])

	class := map[string]string{
		"NEW original": "new/orig", "ESTABLISHED original": "est/orig", "ESTABLISHED reply": "est/reply", "INVALID ": "inv/-",
	}[ctState(r)]
	after := "gone()"
	for e := range table.All(now) {
		after = strings.ToUpper(e.State.String())
		switch {
		case e.Assured:
			after += "[ASSURED]"
		case !e.Replied:
			after += "[UNREPLIED]"
		}
		after += fmt.Sprintf("(%d)", (e.Expires.Sub(now)-1)/time.Second)
	}
	return class + "->" + after
}
