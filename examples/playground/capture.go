package playground

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/ask"
	"github.com/sgsim/sgsim/sg/lint"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// MostRows is how many packets of a capture are listed, and how many of those that were
// not accepted.
const MostRows = 500

// A Replayed is what became of captures.
type Replayed struct {
	Error   string            `json:"error,omitempty"` // the captures were read up to there
	Packets uint64            `json:"packets"`
	Bytes   uint64            `json:"bytes"`
	Seconds float64           `json:"seconds"` // from the first packet to the last
	Count   map[string]uint64 `json:"count"`   // packets by verdict
	Rows    []Row             `json:"rows"`    // the first ones
	Refused []Row             `json:"refused"` // the first ones that were dropped, or of which nobody knows
	Report  string            `json:"report"`  // the page that sgsim replay -html writes
	Map     *Map              `json:"map,omitempty"`
}

// A Row is a packet of a capture.
type Row struct {
	Number  uint64   `json:"number"`
	Seconds float64  `json:"seconds"` // since the first packet
	Verdict string   `json:"verdict"`
	Packet  string   `json:"packet"`
	Why     []string `json:"why"` // a line for each interface that met it
}

// A Progress is told how far a replay is: bytes of the files, of all of them, and packets.
type Progress func(read, total int64, packets uint64)

// Replay judges captures. It holds a window of each file in memory, and what MostRows says.
func (s *Session) Replay(ctx context.Context, files []File, progress Progress) *Replayed {
	out := &Replayed{Count: map[string]uint64{}, Rows: []Row{}, Refused: []Row{}}
	if s.policy == nil {
		out.Error = "no topology to judge by"
		return out
	}
	in, err := openCaptures(files)
	if err != nil {
		out.Error = err.Error()
		return out
	}
	o := s.replayOptions(in, progress)
	o.Observer = &lister{out: out, text: packetlog.NewText(io.Discard, replay.NamesOf(s.topo))}
	report, err := replay.Run(ctx, s.policy, &o, in.sources...)
	if err != nil {
		out.Error = in.located(err).Error()
	}
	report.Blame(lint.Check(s.topo))
	out.Packets, out.Bytes, out.Seconds = report.Packets, report.Bytes, report.Last.Sub(report.First).Seconds()
	for _, c := range report.Reasons {
		out.Count[c.Verdict.String()] += c.Packets
	}
	s.report = report
	out.Map = s.Map("")
	var page strings.Builder
	if err := replay.WriteHTML(&page, report, &replay.PageOptions{Topology: s.topo, Policy: s.policy, Firewall: s.settings.firewall(), Inputs: in.names}); err != nil {
		out.Error = err.Error()
	}
	out.Report = page.String()
	return out
}

// Why explains the packet of a number of captures, which are read again up to there.
func (s *Session) Why(ctx context.Context, files []File, number uint64, progress Progress) Answer {
	if s.policy == nil {
		return Answer{Error: "no topology to judge by"}
	}
	in, err := openCaptures(files)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	x, packets, err := ask.Captured(ctx, s.policy, s.replayOptions(in, progress), number, in.sources...)
	switch {
	case err != nil:
		return Answer{Error: in.located(err).Error()}
	case x == nil:
		return Answer{Error: fmt.Sprintf("packet %d: the captures hold %d", number, packets)}
	}
	return s.answer(x)
}

func (s *Session) replayOptions(in *inputs, progress Progress) replay.Options {
	o := replay.Options{Firewall: s.settings.firewall()}
	if progress != nil {
		o.Progress = func(packets, _ uint64) { progress(in.read, in.total, packets) }
	}
	return o
}

// inputs are captures that are being read.
type inputs struct {
	names       []string
	sources     []replay.Source
	read, total int64 // bytes of the files
}

func openCaptures(files []File) (*inputs, error) {
	in := &inputs{}
	for _, f := range files {
		c, err := capture.NewReader(&counter{f.Open(), &in.read}, f.Name)
		if err != nil {
			return nil, err
		}
		in.names, in.sources, in.total = append(in.names, f.Name), append(in.sources, c), in.total+f.Size
	}
	return in, nil
}

// located puts the name of the capture before what is wrong in it.
func (in *inputs) located(err error) error {
	if alien, ok := errors.AsType[*replay.LinkError](err); ok {
		return fmt.Errorf("%s: %w", in.names[alien.Source], err)
	}
	return err
}

// A counter counts the bytes that are read.
type counter struct {
	io.Reader
	n *int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	*c.n += int64(n)
	return n, err
}

// A lister observes a replay and keeps the first packets.
type lister struct {
	out   *Replayed
	text  *packetlog.Text
	began time.Time
}

// Observe implements [replay.Observer].
func (l *lister) Observe(p *replay.Packet) error {
	if l.began.IsZero() {
		l.began = p.Time
	}
	v := p.Outcome.Verdict
	refused := (v == sg.Drop || v == sg.Unknown) && len(l.out.Refused) < MostRows
	if len(l.out.Rows) == MostRows && !refused {
		return nil
	}
	row := Row{Number: p.Number, Seconds: p.Time.Sub(l.began).Seconds(), Verdict: v.String()}
	row.Packet, row.Why = l.text.Words(p)
	if len(l.out.Rows) < MostRows {
		l.out.Rows = append(l.out.Rows, row)
	}
	if refused {
		l.out.Refused = append(l.out.Refused, row)
	}
	return nil
}
