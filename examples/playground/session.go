package playground

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/ask"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/sgsim/sgsim/sg/replay"
)

// A File is what the user dropped. Opened anew, it is read from its beginning.
type File struct {
	Name string
	Size int64 // bytes
	Open func() io.Reader
}

// IsCapture reports whether a file begins as a pcap or pcapng does, gzipped or not.
func (f File) IsCapture() bool {
	_, err := capture.NewReader(f.Open(), f.Name)
	return !errors.Is(err, capture.ErrFormat)
}

// Settings are what the page has switches for. The zero Settings are those of AWS.
type Settings struct {
	Midstream   sg.Midstream `json:"midstream"`
	RelatedICMP bool         `json:"related_icmp"`
}

// firewall are the options of a firewall.
func (s Settings) firewall() sg.Options {
	return sg.Options{Midstream: s.Midstream, RelatedICMP: s.RelatedICMP}
}

// A Session is what the page works with: a topology, and what was asked of it last. The
// zero Session has none.
type Session struct {
	settings Settings
	loader   *load.Loader
	topo     *sg.Topology
	policy   *sg.Policy // nil where there is nothing to ask
	parser   *ask.Parser
	words    *ask.Words
	report   *replay.Report // of the last replay; nil without one
}

// TextName is what errors call the topology that the user typed.
const TextName = "topology.txt"

// MostBytes bounds the files of a topology together: their JSON takes many times its
// size in memory, of which a browser gives a page so much.
const MostBytes = 64 << 20

// A Problem is an error or a warning about the input.
type Problem struct {
	Severity string `json:"severity"` // error, warning
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"` // from 1
	Place    string `json:"place,omitempty"`
	Text     string `json:"text"`
}

// A Loaded is what there is to say of a topology.
type Loaded struct {
	OK       bool            `json:"ok"` // packets can be judged; not, without problems, where there is no topology
	Groups   int             `json:"groups"`
	Rules    int             `json:"rules"`
	ENIs     int             `json:"enis"`
	Problems []Problem       `json:"problems"`
	Findings json.RawMessage `json:"findings,omitempty"` // as sgsim check -format json writes them
	Map      *Map            `json:"map,omitempty"`
}

// Load takes a topology, typed and in files, in place of the one before.
func (s *Session) Load(settings Settings, text string, files []File) *Loaded {
	*s = Session{settings: settings, loader: load.New()}
	out := &Loaded{Problems: []Problem{}}
	if strings.TrimSpace(text) == "" && len(files) == 0 {
		return out // nothing yet, which is no error
	}
	size := int64(len(text))
	for _, f := range files {
		size += f.Size
	}
	if size > MostBytes {
		out.fail(fmt.Errorf("%d MB of topology: this page takes %d, and sgsim itself as much as there is memory", size>>20, MostBytes>>20))
		return out
	}
	for _, f := range files {
		name := f.Name
		if list := strings.TrimSuffix(path.Base(name), path.Ext(name)); strings.HasPrefix(list, "pl-") {
			name = list + "=" + name // the entries of a prefix list, as in a directory
		}
		s.loader.Add(name, f.Open())
	}
	if strings.TrimSpace(text) != "" {
		s.loader.Add(TextName, strings.NewReader(text))
	}
	topo, warnings, err := s.loader.Topology()
	for _, w := range warnings {
		code := ""
		if w.Code != "" {
			code = " (" + w.Code + ")"
		}
		out.Problems = append(out.Problems, Problem{"warning", w.File, w.Line, w.Place.String(), w.Text + code})
	}
	if err != nil {
		out.fail(err)
		return out
	}
	s.topo = topo
	if s.policy, err = sg.Compile(topo); err != nil {
		out.fail(s.loader.Locate(err))
	}
	s.parser, s.words = ask.NewParser(topo), ask.NewWords(topo)
	out.OK = err == nil
	out.ENIs, out.Groups = len(topo.ENIs), len(topo.Groups)
	for i := range topo.Groups {
		out.Rules += len(topo.Groups[i].Ingress) + len(topo.Groups[i].Egress)
	}
	out.Findings = s.findings()
	out.Map = s.Map("")
	return out
}

// Text is the topology in its text form, so that it can be edited.
func (s *Session) Text() string {
	if s.topo == nil {
		return ""
	}
	return load.FormatText(s.topo)
}

// fail adds errors, most serious first.
func (l *Loaded) fail(err error) {
	var problems []Problem
	for _, err := range flatten(err) {
		p := Problem{Severity: "error", Text: err.Error()}
		if e, ok := errors.AsType[*load.Error](err); ok {
			p.File, p.Line, p.Place = e.File, e.Line, e.Place.String()
			p.Text = strings.TrimPrefix(strings.TrimPrefix(p.Text, p.Place), ": ")
		}
		problems = append(problems, p)
	}
	l.Problems = append(problems, l.Problems...)
}

// flatten returns the errors that were joined.
func flatten(err error) []error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var out []error
	for _, e := range joined.Unwrap() {
		out = append(out, flatten(e)...)
	}
	return out
}
