package conntrack

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
)

// TestForkAgainstTable plays random histories, and at every step gives a packet to a
// fork and to a clone of the whole table, zone after zone: both must answer the same,
// refusals included, and have the same connections then. The table must be as before.
func TestForkAgainstTable(t *testing.T) {
	for name, cfg := range map[string]Config{
		"aws":            {},
		"aws,pickup,max": {Pickup: true, MaxEntries: 5, Timeouts: Timeouts{TCPEstablished: 60 * time.Second}},
		"linux":          {Profile: Linux, Pickup: true},
		"linux,max":      {Profile: Linux, MaxEntries: 7},
	} {
		t.Run(name, func(t *testing.T) {
			seeds, seen := min(*randomSeeds, 100), map[string]int{}
			if !*long || testing.Short() {
				seeds = min(seeds, 30)
			}
			for seed := range uint64(seeds) {
				if msg := forkRun(cfg, seed, seen); msg != "" {
					t.Fatalf("seed %d: %s", seed, msg)
				}
			}
			for _, what := range []string{"new", "tracked", "related", "fragment, accepted true", "refused"} {
				require.Positive(t, seen[what], "%s of %v", what, seen)
			}
		})
	}
}

func forkRun(cfg Config, seed uint64, seen map[string]int) string {
	w := newWorld(seed)
	table, err := NewTable(cfg)
	if err != nil {
		return err.Error()
	}
	var first packet.Header // of a datagram in fragments
	for step := range 200 {
		w.pass()
		zones := pick(w, []Zone{0}, []Zone{0, 1}, []Zone{1, 0}, []Zone{2, 1}, []Zone{nearZones + 5, 2})
		switch w.IntN(20) {
		case 0:
			to := Timeouts{TCPEstablished: pick(w, 0, 60*time.Second, 350*time.Second), UDP: pick(w, 0, 45*time.Second)}
			if err := table.SetTimeouts(zones[0], to); err != nil && cfg.Profile == AWS {
				return err.Error()
			}
		case 1:
			table.Limit(w.IntN(4), pick(w, zones, []Zone{0, 1, 2}, zones[:1])...)
		case 2:
			table.DeleteFunc(w.now, func(e Entry) bool { return e.Tag&3 == 1 })
		}
		h := w.packet()
		switch w.IntN(10) {
		case 0:
			h.MoreFrags, h.FragOffset = true, 0
			first = h
		case 1, 2:
			h = first
			h.FragOffset = 1480
		}
		if len(w.seen) < 20 {
			w.seen = append(w.seen, h)
		}
		what := fmt.Sprintf("step %d at %v zones %d %v flags %v", step, w.now.UTC(), zones, h.Tuple(), h.TCPFlags)

		clone, stats, clock := table.Clone(), table.Stats(), table.Now()
		conns := slices.Collect(table.All(w.now))
		fork := table.Fork(&h, w.now, zones...)
		if fork.Len() > 2*len(zones) {
			return fmt.Sprintf("%s: the fork has %d connections", what, fork.Len())
		}
		again := w.IntN(4) == 0 // the same packet once more
		got, want := tryOut(fork, h, w.now, zones, again), tryOut(clone, h, w.now, zones, again)
		if !slices.Equal(got, want) {
			return fmt.Sprintf("%s:\n got %v\nwant %v", what, got, want)
		}
		after := slices.Collect(clone.All(w.now))
		for c := range fork.All(w.now) {
			if !slices.Contains(after, c) {
				return fmt.Sprintf("%s: afterwards the fork has %+v", what, c)
			}
		}
		for _, a := range got {
			seen[a.Class.String()]++
			switch {
			case a.Accepted:
				seen["fragment, accepted true"]++
			case a.refused:
				seen["refused"]++
			}
		}
		if table.Stats() != stats || table.Now() != clock || !slices.Equal(slices.Collect(table.All(w.now)), conns) {
			return what + ": Fork changed the table"
		}

		if w.IntN(3) > 0 { // the history goes on
			tryOut(table, h, w.now, zones[:1], false)
		}
	}
	return ""
}

// A tried is what came of a packet in one zone.
type tried struct {
	answer
	refused bool
}

// tryOut does what a firewall does with a packet that it admits.
func tryOut(t *Table, h packet.Header, now time.Time, zones []Zone, again bool) (all []tried) {
	if again {
		zones = append(slices.Clone(zones), zones...)
	}
	for _, z := range zones {
		r := t.Track(z, &h, now)
		a := tried{answer: answerOf(r)}
		if r.Class() == New {
			a.refused = !t.Commit(z, &h, now, 7)
		}
		if h.Fragment() && !h.LaterFragment() {
			t.CommitFragment(z, &h, now, r.Class() != Invalid)
		}
		all = append(all, a)
	}
	return all
}
