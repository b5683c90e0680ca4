package conntrack

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/sgsim/sgsim/packet"
)

// TestCrowdAgainstModel is TestTableAgainstModel with so many connections that segments
// grow, split and are settled. After every call each record must be where a lookup finds
// it, and each bucket must know how many records passed it.
func TestCrowdAgainstModel(t *testing.T) {
	for _, c := range []struct {
		name string
		cfg  Config
	}{
		{"aws", Config{}},
		{"aws,max", Config{MaxEntries: 700, Pickup: true}},
		{"linux", Config{Profile: Linux}},
		{"linux,max", Config{Profile: Linux, MaxEntries: 500}},
	} {
		t.Run(c.name, func(t *testing.T) {
			seeds := *randomSeeds / 20 // a run takes 50 ms, and under the race detector a second
			if !*long || testing.Short() {
				seeds /= 5
			}
			for seed := range uint64(seeds) {
				if msg := crowdRun(c.cfg, seed); msg != "" {
					t.Fatalf("seed %d: %s", seed, msg)
				}
			}
		})
	}
}

func crowdRun(cfg Config, seed uint64) string {
	w := newWorld(seed)
	table, err := NewTable(cfg)
	if err != nil {
		return err.Error()
	}
	m := newModel(cfg)
	size := pick(w, 20, 150, 1000, 4000, 9000) // of connections there may be
	family := w.IntN(3)
	steps := pick(w, 2000, 4*size)
	every := pick(w, 1, max(1, size/30))
	for step := range steps {
		h := w.ofCrowd(w.IntN(size), family)
		if w.IntN(6) == 0 {
			w.now = w.now.Add(pick(w, 0, 1, time.Second, time.Second, 20*time.Second))
		}
		if w.IntN(size) == 0 {
			w.now = w.now.Add(pick(w, 20*time.Second, 120*time.Second, 600*time.Second, 432_000*time.Second))
		}
		z := pick(w, Zone(1), 1, 2, nearZones+5)
		what := fmt.Sprintf("step %d at %v zone %d %v flags %v", step, w.now.UTC(), z, h.Tuple(), h.TCPFlags)
		if w.IntN(max(20, size/8)) == 0 {
			switch w.IntN(7) {
			case 0:
				most, zones := w.IntN(size), pick(w, []Zone{1, 2}, []Zone{z})
				table.Limit(most, zones...)
				m.Limit(most, zones...)
			case 1:
				mod, is := uint32(2+w.IntN(9)), uint32(w.IntN(2))
				some := func(e Entry) bool { return e.Tag%mod <= is }
				zones := pick(w, nil, []Zone{z})
				if got, want := table.DeleteFunc(w.now, some, zones...), m.DeleteFunc(w.now, some, zones...); got != want {
					return fmt.Sprintf("%s: DeleteFunc: %d, want %d", what, got, want)
				}
			case 2:
				table.Expire(w.now, w.IntN(2*size))
				m.Expire(w.now, 0)
			case 3:
				old := table
				table, m = table.Clone(), m.clone()
				old.DeleteFunc(w.now, func(Entry) bool { return true })
			case 4:
				saturate(w, table)
			case 5:
				fork, clone := table.Fork(&h, w.now, z), table.Clone()
				if got, want := tryOut(fork, h, w.now, []Zone{z}, true), tryOut(clone, h, w.now, []Zone{z}, true); !slices.Equal(got, want) {
					return fmt.Sprintf("%s: Fork: got %v want %v", what, got, want)
				}
			case 6:
				// those of a narrow range of the table, the worst for what lies behind them
				h := table.hash
				from, width := w.Uint64(), uint64(1)<<(40+w.IntN(20))
				some := func(e Entry) bool {
					var k key
					keyOf(e.Zone, &e.Tuple, &k)
					return uint64(uint32(h.hash(&k)>>8))<<32-from < width
				}
				got := table.DeleteFunc(w.now, some)
				if want := m.DeleteFunc(w.now, some); got != want {
					return fmt.Sprintf("%s: DeleteFunc: %d, want %d", what, got, want)
				}
			}
		}
		got, want := table.Track(z, &h, w.now), m.Track(z, &h, w.now)
		if answerOf(got) != want {
			return fmt.Sprintf("%s: Track:\n got %+v\nwant %+v", what, answerOf(got), want)
		}
		if got.Class() == New {
			if got, want := table.Commit(z, &h, w.now, uint32(step)), m.Commit(z, &h, w.now, uint32(step)); got != want {
				return fmt.Sprintf("%s: Commit: %v, want %v", what, got, want)
			}
		}
		if step%every == 0 {
			if msg := checkTable(table); msg != "" {
				return what + ": " + msg
			}
		}
		if step%max(every, size/10) == 0 {
			got, want := slices.Collect(table.All(w.now)), slices.Collect(m.All(w.now))
			if !slices.Equal(got, want) {
				return fmt.Sprintf("%s: All:\n got %+v\nwant %+v", what, got, want)
			}
			if msg := checkMemory(table, &m); msg != "" {
				return what + ": " + msg
			}
		}
	}
	table.Expire(w.now, 1<<30)
	m.Expire(w.now, 1<<30)
	if got, want := table.Stats(), m.Stats(); got != want {
		return fmt.Sprintf("Stats:\n got %+v\nwant %+v", got, want)
	}
	return checkTable(table)
}

// ofCrowd draws a packet of connection n. One in three differs from another connection
// in nothing but its protocol.
func (w *world) ofCrowd(n, family int) packet.Header {
	v6 := family == 1 || family == 2 && n%2 == 0
	a, b := netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}), netip.AddrFrom4([4]byte{172, 16, 0, 1})
	if v6 {
		a, b = netip.AddrFrom16([16]byte{0x20, 1, 14: byte(n >> 8), 15: byte(n)}), netip.AddrFrom16([16]byte{0x20, 2})
	}
	from, to := netip.AddrPortFrom(a, uint16(n)), netip.AddrPortFrom(b, 443)
	if w.IntN(2) == 0 {
		from, to = to, from
	}
	switch w.IntN(3) {
	case 0:
		h := packet.UDPHeader(from, to)
		if w.IntN(4) == 0 {
			h.Protocol = packet.UDPLite
		}
		return h
	default:
		h := packet.TCPHeader(from, to, pick(w, packet.SYN, packet.SYN, packet.SYN|packet.ACK, packet.ACK, packet.ACK, packet.FIN|packet.ACK, packet.RST))
		h.Seq, h.Ack = pick(w, uint32(0), 1000, 1001, 1011, w.Uint32()), pick(w, uint32(0), 1000, 1001, 1011, w.Uint32())
		h.Window, h.PayloadLen = pick(w, uint16(0), 1000, 65535), pick(w, uint32(0), 10, 1400)
		return h
	}
}

// saturate fills the counters of some buckets, as 1,023 records that passed would.
func saturate(w *world, t *Table) {
	for _, s := range [...]*store{&t.v4, &t.v6} {
		for _, info := range s.segments {
			if w.IntN(3) == 0 {
				for i := range info.buckets { // all of them: no bucket to begin with
					info.buckets[i][0][wordMeta] |= metaPassed
				}
				continue
			}
			for range 3 {
				info.buckets[w.IntN(len(info.buckets))][0][wordMeta] |= metaPassed
			}
		}
	}
}

// checkTable returns what is wrong in the stores of a table.
func checkTable(t *Table) string {
	for _, s := range [...]*store{&t.v4, &t.v6} {
		if msg := checkStore(s); msg != "" {
			return fmt.Sprintf("IPv6 %v: %s", s.v6, msg)
		}
	}
	return ""
}

// checkMemory wants what the Linux profile remembers to have moved with its record.
func checkMemory(t *Table, m *model) string {
	for s, rec := range t.records() {
		if t.profile != Linux || !s.alive(rec, t.now) {
			continue
		}
		k, got := s.key(rec), s.remembered(rec)
		tuple := k.tuple()
		c := m.conns[modelKey{k.zone(), tuple}]
		switch {
		case k.proto == packet.TCP && got.tcp != c.tcp:
			return fmt.Sprintf("%v: %+v is remembered, want %+v", tuple, got.tcp, c.tcp)
		case k.proto == packet.UDP && got.opened != c.openedAt:
			return fmt.Sprintf("%v: opened at %d, want %d", tuple, got.opened, c.openedAt)
		}
	}
	return ""
}

func checkStore(s *store) string {
	used := 0
	for id, info := range s.segments {
		list, entries := info.buckets, uint32(0)
		passed := make([]uint64, len(list))
		for at, u := range s.taken(list) {
			entries++
			rec := uint32(id)<<unitBits | at
			k := s.key(rec)
			hash := s.hash.hash(&k)
			if _, found := s.find(hash, &k); found != rec {
				return fmt.Sprintf("a lookup of record %#x finds %#x", rec, found)
			}
			for i := home(list, hash); i != at/bucketUnits; i = next(list, i) {
				passed[i]++
			}
			for l, above := 0, rec; l < levels; l++ {
				above >>= boundBits
				if s.bounds[l][above] > int64(u[wordExpiry]) {
					return fmt.Sprintf("record %#x dies at %d, before bound %d of level %d", rec, u[wordExpiry], s.bounds[l][above], l)
				}
			}
		}
		for i := range list {
			if got := list[i][0][wordMeta] & metaPassed / metaPassedOne; got != passed[i] && got != metaPassed/metaPassedOne {
				return fmt.Sprintf("segment %d bucket %d: %d passed, want %d", id, i, got, passed[i])
			}
		}
		if entries != info.entries || entries > s.fullAt(uint32(len(list))) {
			return fmt.Sprintf("segment %d: %d entries, want %d", id, info.entries, entries)
		}
		used += int(entries)
	}
	if used != s.used {
		return fmt.Sprintf("%d records, want %d", s.used, used)
	}
	return ""
}
