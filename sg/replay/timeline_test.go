package replay_test

import (
	"context"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/replay"
)

// slotOf is what a timeline must have, by the width that it has.
func slotsOf(width time.Duration, judged []replay.Packet) map[int64]replay.Slot {
	all := map[int64]replay.Slot{}
	for i := range judged {
		p := &judged[i]
		at := p.Time.UnixNano()
		n := at / int64(width)
		if at%int64(width) < 0 {
			n--
		}
		s := all[n]
		switch p.Outcome.Verdict {
		case sg.Accept:
			s.Accepted++
		case sg.Drop:
			s.Dropped++
		case sg.Unknown:
			s.Unknown++
		default:
			s.NotApplicable++
		}
		all[n] = s
	}
	return all
}

// A timeline counts each packet in the slot of its time, whatever the number of workers,
// in as few slots as there may be.
func TestTimeline(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	packets := []string{
		"tcp 198.51.100.1:%d > 10.0.1.10:443 S", "tcp 203.0.113.9:%d > 10.0.1.10:22 S", "tcp 10.0.1.10:%d > 10.0.2.20:5432 S", "udp 192.0.2.1:%d > 192.0.2.2:9",
	}
	for _, most := range []float64{0.001, 0.1, 5, 1000, 1e7} {
		var s script
		at := 1e6 * rng.Float64()
		for range 3000 {
			at += most * math.Pow(rng.Float64(), 4)
			s = append(s, fmt.Sprintf("%.6f ", at)+fmt.Sprintf(packets[rng.IntN(len(packets))], 1024+rng.IntN(60000)))
		}
		var first replay.Timeline
		for _, workers := range []int{1, 2, 7} {
			var judged []replay.Packet
			r, err := replay.Run(context.Background(), policy(t, site()), &replay.Options{Workers: workers, Observer: observe(func(p *replay.Packet) error {
				judged = append(judged, replay.Packet{Time: p.Time, Outcome: p.Outcome})
				return nil
			})}, s)
			require.NoError(t, err)
			line := r.Timeline
			if workers == 1 {
				first = line
				want := slotsOf(line.Width, judged)
				begin := line.Start.UnixNano() / int64(line.Width)
				for i, got := range line.Slots {
					assert.Equal(t, want[begin+int64(i)], got, "most %v, slot %d", most, i)
					delete(want, begin+int64(i))
				}
				assert.Empty(t, want)
				assert.LessOrEqual(t, len(line.Slots), 1024)
				if line.Width > 10*time.Millisecond {
					assert.Greater(t, len(line.Slots), 510, "no wider than it must be")
				}
				assert.Zero(t, line.Start.UnixNano()%int64(line.Width))
			}
			assert.Equal(t, first, line, "%d workers", workers)
		}
	}
}

// Timestamps at both ends of what there is, and none at all.
func TestTimelineFarApart(t *testing.T) {
	r, err := replay.Run(context.Background(), policy(t, site()), nil, script{})
	require.NoError(t, err)
	assert.Zero(t, r.Timeline)
	for _, workers := range []int{1, 7} {
		early, late := time.Unix(0, math.MinInt64+1e12), time.Unix(0, math.MaxInt64-1e12)
		frames := timedFrames{early, early.Add(1), early.Add(2), late, late.Add(1), late.Add(2)}
		r, err = replay.Run(context.Background(), policy(t, site()), &replay.Options{Workers: workers}, frames)
		require.NoError(t, err)
		var n uint64
		for _, s := range r.Timeline.Slots {
			n += s.Accepted + s.Dropped + s.Unknown + s.NotApplicable
		}
		assert.EqualValues(t, 6, n)
		assert.LessOrEqual(t, len(r.Timeline.Slots), 1024)
		assert.False(t, r.Timeline.Start.After(r.First))
	}
}

type timedFrames []time.Time

func (fs timedFrames) Frames() iter.Seq2[*capture.Frame, error] {
	return func(yield func(*capture.Frame, error) bool) {
		for i, at := range fs {
			for f, err := range (script{fmt.Sprintf("0 tcp 198.51.100.1:%d > 10.0.1.10:443 S", 1024+i)}).Frames() {
				f.Time = at
				if !yield(f, err) {
					return
				}
			}
		}
	}
}
