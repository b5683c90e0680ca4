package playground

import (
	"fmt"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/ask"
)

// MostPackets bounds the packets that are typed.
const MostPackets = 500

// An Answer is what becomes of a packet and why, in the words of sgsim explain.
type Answer struct {
	Line    int        `json:"line,omitempty"`  // of the text, from 1
	Error   string     `json:"error,omitempty"` // the line is no packet; then there is nothing else
	Packet  string     `json:"packet,omitempty"`
	Verdict string     `json:"verdict,omitempty"`
	Reason  string     `json:"reason,omitempty"`
	Notes   []ask.Line `json:"notes,omitempty"`
	Hops    []Hop      `json:"hops,omitempty"`
}

// A Hop is an interface or a network ACL on the packet's way.
type Hop struct {
	Title   string     `json:"title"` // "web ingress: accept, rule"
	Verdict string     `json:"verdict"`
	Beyond  bool       `json:"beyond,omitempty"` // the packet did not come that far
	Lines   []ask.Line `json:"lines"`
}

// Ask judges packets that stand one a line, each of which meets the connections of those
// before. Empty lines and those that begin with # say nothing; a line that is no packet is
// an error of its own, and the others are judged all the same.
func (s *Session) Ask(text string) []Answer {
	answers := []Answer{}
	if s.policy == nil {
		return answers
	}
	var questions []ask.Question
	var of []int // places in answers
	for i, line := range paragraphs(text) {
		if line == "" {
			continue
		}
		if len(answers) == MostPackets {
			answers = append(answers, Answer{Line: i + 1, Error: fmt.Sprintf("more than %d packets: save them as a capture", MostPackets)})
			break
		}
		q, err := s.parser.Parse(line)
		answers = append(answers, Answer{Line: i + 1})
		if err != nil {
			answers[len(answers)-1].Error = err.Error()
			continue
		}
		questions, of = append(questions, q), append(of, len(answers)-1)
	}
	options := s.settings.firewall()
	for i, x := range ask.Explain(sg.NewFirewall(s.policy, &options), sg.Via{}, questions) {
		a := s.answer(x)
		a.Line = answers[of[i]].Line
		answers[of[i]] = a
	}
	return answers
}

// paragraphs returns the lines of a text, "" for those that say nothing. What a replay
// says below a packet, which is far to the right, stays with it.
func paragraphs(text string) []string {
	lines := strings.Split(text, "\n")
	last := -1
	for i, line := range lines {
		line = strings.TrimRight(line, " \t\r")
		switch said := strings.TrimSpace(line); {
		case said == "" || said[0] == '#':
			line = ""
		case strings.HasPrefix(line, "        ") && last >= 0:
			lines[last] += "\n" + line
			line = ""
		default:
			last = i
		}
		lines[i] = line
	}
	return lines
}

// answer says an explanation, whose parts begin with lines without a label.
func (s *Session) answer(x *sg.Explanation) Answer {
	a := Answer{Packet: x.Header.String(), Verdict: x.Verdict.String(), Reason: x.Reason.String()}
	for _, l := range s.words.Lines(x)[1:] {
		switch n := len(a.Hops); {
		case l.Label == "" && n < len(x.Hops):
			a.Hops = append(a.Hops, Hop{Title: l.Text, Verdict: x.Hops[n].Decision.Verdict.String(), Lines: []ask.Line{}})
		case l.Label == "":
			a.Hops = append(a.Hops, Hop{Title: l.Text, Verdict: x.Beyond.Decision.Verdict.String(), Beyond: true, Lines: []ask.Line{}})
		case n == 0:
			a.Notes = append(a.Notes, l)
		default:
			a.Hops[n-1].Lines = append(a.Hops[n-1].Lines, l)
		}
	}
	return a
}
