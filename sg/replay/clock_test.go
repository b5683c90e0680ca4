package replay_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/replay"
)

// fileOf returns a script as a capture file. Read in pieces it comes a packet at a time.
func fileOf(t *testing.T, s script, pieces bool) replay.Source {
	var out bytes.Buffer
	w := capture.NewWriter(&out, capture.PcapNG, nil)
	for f, err := range s.Frames() {
		require.NoError(t, err)
		f.Data = packettest.Ethernet(t, f.Header.String())
		f.LinkType, f.Length = packet.LinkEthernet, len(f.Data)
		require.NoError(t, w.WriteFrame(f))
	}
	require.NoError(t, w.Flush())
	r := &slow{t: t, pieces: [][]byte{out.Bytes()}, want: []int{0}}
	if pieces {
		r.pieces = nil
		for b := out.Bytes(); len(b) > 0; b = b[min(50, len(b)):] {
			r.pieces, r.want = append(r.pieces, b[:min(50, len(b))]), append(r.want, 0)
		}
	}
	f, err := capture.NewReader(r, "script")
	require.NoError(t, err)
	return f
}

// One timestamp far ahead of those around it ends no connection, wherever it stands
// and however the capture comes. What bears it out, or nothing contradicts, is a
// silence and no mistake.
func TestStrayTimestamp(t *testing.T) {
	const stray = "900000 udp 198.51.100.9:1 > 10.0.1.10:443"
	open := script{
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"0 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
		"1 tcp 198.51.100.1:1 > 10.0.1.10:443 A",
	}
	after := script{
		"2 tcp 10.0.1.10:443 > 198.51.100.1:1 A len 5",
		"3 tcp 198.51.100.1:1 > 10.0.1.10:443 A",
	}
	join := func(parts ...script) (out script) {
		for _, p := range parts {
			out = append(out, p...)
		}
		return out
	}
	for _, c := range []struct {
		name string
		script
		want replay.Disorder
		last time.Duration
	}{
		{"between", join(open, script{stray}, after), replay.Disorder{Stray: 1}, 3 * time.Second},
		{"first", join(script{stray}, open, after), replay.Disorder{Stray: 1}, 3 * time.Second},
		{"several", join(script{stray}, open, script{stray}, after[:1], script{stray}, after[1:]), replay.Disorder{Stray: 3}, 3 * time.Second},
		{"last", join(open, after, script{stray}), replay.Disorder{}, 900_000 * time.Second},
		{"after a step back", join(open, script{"9 udp 192.0.2.1:1 > 192.0.2.2:2", "18 udp 192.0.2.1:1 > 192.0.2.2:2"}, after[:1], script{stray}, after[1:]),
			replay.Disorder{Late: 2, LateBy: 16 * time.Second, Steps: 1, Stray: 1}, 18 * time.Second},
		{"few seconds", join(open, script{"9 udp 192.0.2.1:1 > 192.0.2.2:2"}, after), replay.Disorder{Late: 2, LateBy: 7 * time.Second}, 9 * time.Second},
	} {
		for _, form := range []string{"source", "file", "pieces"} {
			for _, workers := range []int{1, 3} {
				var source replay.Source = c.script
				if form != "source" {
					source = fileOf(t, c.script, form == "pieces")
				}
				var seen []string
				o := replay.Options{Workers: workers, Observer: observe(func(p *replay.Packet) error {
					if p.Frame.Header.Protocol == packet.TCP {
						seen = append(seen, p.Outcome.Reason.String())
					}
					return nil
				})}
				r, err := replay.Run(t.Context(), policy(t, site()), &o, source)
				require.NoError(t, err)
				name := fmt.Sprint(c.name, form, workers)
				assert.Equal(t, []string{"rule", "tracked", "tracked", "tracked", "tracked"}, seen, name)
				assert.Equal(t, c.want, r.Disorder, name)
				assert.Equal(t, c.last, r.Last.Sub(began), name)
			}
		}
	}
}

// A silence is no stray timestamp: what it ended is ended.
func TestSilence(t *testing.T) {
	r, lines := run(t, replay.Options{}, script{
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"900000 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
		"900001 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"900001 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
	})
	assert.Equal(t, []string{"no_rule", "tracked"}, append(reasons(t, lines)[1:2], reasons(t, lines)[3]))
	assert.Zero(t, r.Disorder)
}

// A stray timestamp in one capture does not hold it back behind others.
func TestStrayTimestampMerged(t *testing.T) {
	a := script{"0 udp 192.0.2.1:1 > 192.0.2.9:1", "900000 udp 192.0.2.1:2 > 192.0.2.9:1", "2 udp 192.0.2.1:3 > 192.0.2.9:1"}
	b := script{"1 udp 192.0.2.1:4 > 192.0.2.9:1", "3 udp 192.0.2.1:5 > 192.0.2.9:1"}
	var order []uint16
	o := replay.Options{Observer: observe(func(p *replay.Packet) error {
		order = append(order, p.Frame.Header.SrcPort)
		return nil
	})}
	r, err := replay.Run(t.Context(), policy(t, site()), &o, fileOf(t, a, true), b)
	require.NoError(t, err)
	assert.Equal(t, []uint16{1, 2, 4, 3, 5}, order)
	assert.Equal(t, replay.Disorder{Stray: 1}, r.Disorder)
}

// What captures of both ends hold is judged once, whatever their clocks say, and what
// one end alone saw is judged too.
func TestDoubles(t *testing.T) {
	web := script{
		"0 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S",
		"0.1 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S", // again: its twin was lost
		"0.2 tcp 10.0.2.20:5432 > 10.0.1.10:4000 SA",
		"0.3 tcp 10.0.1.10:4000 > 10.0.2.20:5432 A",
		"0.4 udp 10.0.1.10:9 > 192.0.2.1:9",
		"0.5 not ip",
	}
	for _, skew := range []float64{0, 0.0001, -0.25, 4, -9} {
		db := script{}
		for _, i := range []int{0, 2, 3, 5} {
			var at float64
			fmt.Sscan(web[i], &at)
			db = append(db, fmt.Sprint(100+at+skew)+web[i][len("0.1"):])
		}
		db[0] = fmt.Sprint(100+skew) + web[0][1:]
		late := sourceFunc(func(yield func(*capture.Frame, error) bool) {
			for f, err := range web.Frames() {
				f.Time = f.Time.Add(100 * time.Second)
				f.Header.HopLimit = 3 // it passed routers
				if !yield(f, err) {
					return
				}
			}
		})
		r, _ := run(t, replay.Options{}, late, db)
		assert.Equal(t, replay.Count{Packets: 3, Bytes: 300}, r.Doubles, "%v", skew)
		assert.EqualValues(t, 7, r.Packets, "%v", skew)
		assert.EqualValues(t, 4, r.Of(sg.Accept).Packets, "%v", skew)

		o := replay.Options{Place: func(source int, _ *capture.Frame) replay.Place {
			return replay.Place{ENI: []sg.ENIID{"eni-web", "eni-db"}[source], Direction: sg.Ingress}
		}}
		r, _ = run(t, o, late, db)
		assert.Zero(t, r.Doubles)
		assert.EqualValues(t, 10, r.Packets, "two places are two packets")
	}
	again, _ := run(t, replay.Options{}, web, script{"100 tcp 10.0.1.10:4000 > 10.0.2.20:5432 S"})
	assert.Zero(t, again.Doubles, "a minute later it is another packet")
}

// The peak is exact within a second too.
func TestPeak(t *testing.T) {
	r, _ := run(t, replay.Options{}, script{"5 tcp 198.51.100.1:1 > 10.0.1.10:443 S"})
	assert.EqualValues(t, 1, r.Peak)
	assert.Equal(t, began.Add(5*time.Second), r.PeakTime)

	var s script
	for i := range 20 { // each refused before the next
		s = append(s, fmt.Sprintf("0.%02d tcp 198.51.100.1:%d > 10.0.1.10:443 S", i, i+1),
			fmt.Sprintf("0.%02d5 tcp 10.0.1.10:443 > 198.51.100.1:%d RA", i, i+1))
	}
	s = append(s, "1 tcp 198.51.100.2:1 > 10.0.1.10:443 S", "1.1 tcp 10.0.1.10:4 > 10.0.2.20:5432 S", "400 not ip",
		"400 tcp 198.51.100.3:1 > 10.0.1.10:443 S")
	r, _ = run(t, replay.Options{}, s)
	assert.EqualValues(t, 3, r.Peak)
	assert.Equal(t, began.Add(1100*time.Millisecond), r.PeakTime)

	s = s[:0]
	for i := range 1200 { // each lives 120 s
		s = append(s, fmt.Sprintf("%g tcp 198.51.100.1:%d > 10.0.1.10:443 S", float64(i)/8, i+1))
	}
	r, _ = run(t, replay.Options{}, s)
	assert.EqualValues(t, 960, r.Peak)

	empty, _ := run(t, replay.Options{}, script{"0 not ip"})
	assert.Zero(t, empty.Peak)
	assert.Zero(t, empty.PeakTime)
}

// A SYN-ACK that is recorded before its SYN is told from a connection that was open.
func TestSwapped(t *testing.T) {
	r, lines := run(t, replay.Options{}, script{
		"0 tcp 10.0.1.10:443 > 198.51.100.1:1 SA",
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 S",
		"0 tcp 198.51.100.1:1 > 10.0.1.10:443 A",
		"1 tcp 10.0.1.10:443 > 198.51.100.2:1 A", // this one was open, and its port comes again
		"9 tcp 198.51.100.2:1 > 10.0.1.10:443 S",
	})
	assert.Equal(t, []string{"no_rule", "rule", "tracked", "no_rule", "rule"}, reasons(t, lines))
	one := replay.Count{Packets: 1, Bytes: 100}
	assert.Equal(t, replay.Midstream{Open: 1, OpenDropped: one, Swapped: 1, SwappedDropped: one}, r.Midstream)
}
