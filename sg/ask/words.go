package ask

import (
	"io"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// Words put explanations into words, with a topology's names for its interfaces
// and groups. Options are named like the flags of sgsim.
type Words struct {
	names prose.Names

	// Statements also names the statements behind hints, such as CT-20.
	Statements bool
}

// NewWords returns Words with the names of a topology, of which it keeps nothing else.
func NewWords(topo *sg.Topology) *Words { return &Words{names: prose.NamesOf(topo)} }

// A Line is one line of an explanation. It is printable.
type Line struct {
	// Label says what the line is about, such as "rule" or "nearest". It is empty for
	// the first line, about the packet, and for the line of each place that judges it.
	Label string
	Text  string
}

// Lines returns an explanation line by line, without wrapping.
func (w *Words) Lines(x *sg.Explanation) []Line {
	var lines []Line
	for line := range strings.Lines(w.names.Explanation(x, w.Statements)) {
		line = strings.TrimRight(line, "\n")
		if len(line) > labelWidth && strings.HasPrefix(line, "  ") {
			lines = append(lines, Line{strings.TrimSpace(line[:labelWidth]), line[labelWidth:]})
		} else {
			lines = append(lines, Line{Text: line})
		}
	}
	return lines
}

const labelWidth = len("  connection  ")

// WriteText writes explanations with an empty line between them, at most 80 columns wide.
func (w *Words) WriteText(out io.Writer, all []*sg.Explanation) error {
	var b []byte
	for i, x := range all {
		if i > 0 {
			b = append(b, '\n')
		}
		for _, l := range w.Lines(x) {
			indent, before := 2, len(b)
			if l.Label != "" {
				b = append(append(b, "  "...), l.Label...)
				b = prose.Blanks(b, labelWidth-(len(b)-before))
				indent = labelWidth
			}
			b, _ = prose.Wrap(b, l.Text, len(b)-before, indent)
			b = append(b, '\n')
		}
	}
	_, err := out.Write(b)
	return err
}
