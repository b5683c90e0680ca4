package graph_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/escape"
)

// Whatever names and ids hold, each format holds as many nodes and edges as the graph,
// and gives back the text.
func FuzzNames(f *testing.F) {
	for _, s := range []string{
		"web", "", `"];x[`, "</text><script>alert(1)</script>", "a|b", "]]>", "&amp;#35;", `\`, `\N"`, "\x1b[31m\n", "\u202e",
		"1. one", "- one", "`code`", "#quot;", "%%{init}%%", "end", "\xff\ufffe", "subgraph", strings.Repeat("long ", 20), "<br>",
	} {
		f.Add(s, "sg-"+s, "pl-"+s)
	}
	f.Fuzz(func(t *testing.T, name, group, list string) {
		topo := &sg.Topology{
			Groups: []sg.Group{{ID: sg.GroupID("x" + group), Name: name, VPC: "v", Ingress: []sg.Rule{
				{Protocol: sg.TCP, Ports: sg.Port(1), Peer: sg.FromGroup(sg.GroupID("y" + group))},
				{Protocol: sg.TCP, Ports: sg.Port(2), Peer: sg.FromPrefixList(sg.PrefixListID("p" + list))},
				{Protocol: sg.TCP, Ports: sg.Port(3), Peer: sg.Self},
			}}},
			ENIs: []sg.ENI{{ID: sg.ENIID("e" + list), Name: name, Groups: []sg.GroupID{sg.GroupID("x" + group)}}},
		}
		g := graph.New(topo, nil)
		if len(g.Nodes) != 3 || len(g.Edges) != 3 {
			t.Fatalf("%d nodes, %d edges", len(g.Nodes), len(g.Edges))
		}
		var want []string // what stands at the nodes
		for _, n := range g.Nodes {
			want = append(want, strings.Join(append([]string{n.Title}, n.Lines...), "\n"))
			for _, line := range append([]string{n.Title}, n.Lines...) {
				if escape.Text(line) != line {
					t.Fatalf("%q does not print", line)
				}
			}
		}
		for format, read := range map[string]func(*testing.T, string) []string{"svg": svgTexts, "dot": dotTexts, "mermaid": mermaidTexts} {
			var b bytes.Buffer
			if err := formats[format](g, &b); err != nil {
				t.Fatal(err)
			}
			got := read(t, b.String())
			for i := range want {
				w := want[i]
				if format == "svg" {
					w = strings.ReplaceAll(w, "\n", ", ")
				}
				if i >= len(got) || got[i] != w {
					t.Fatalf("%s: %q instead of %q in\n%s", format, got, want, b.String())
				}
			}
			if len(got) != len(want) {
				t.Fatalf("%s: %q are nodes of\n%s", format, got, b.String())
			}
		}
	})
}

// svgTexts returns the titles of the nodes. There is nothing in the document but what
// draws.
func svgTexts(t *testing.T, s string) []string {
	var titles []string
	var path []string
	d := xml.NewDecoder(strings.NewReader(s))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return titles
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, s)
		}
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, token.Name.Local)
			switch token.Name.Local {
			case "svg", "title", "defs", "marker", "path", "rect", "g", "text":
			default:
				t.Fatalf("<%s> in\n%s", token.Name.Local, s)
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if strings.Join(path, " ") == "svg g title" {
				titles = append(titles, string(token))
			}
		}
	}
}

var (
	dotNode = regexp.MustCompile(`^  n\d+ \[(?:\w+=(?:\w+|"[#\w,]*"), )*label="((?:[^"\\]|\\.)*)"\];$`)
	dotEdge = regexp.MustCompile(`^  n\d+ -> n\d+ \[(?:\w+=(?:\w+|"[#\w]*"), )*label="(?:[^"\\]|\\.)*"\];$`)
)

func dotTexts(t *testing.T, s string) []string {
	var texts []string
	edges := 0
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for _, line := range lines[4 : len(lines)-1] {
		if m := dotNode.FindStringSubmatch(line); m != nil {
			texts = append(texts, html.UnescapeString(strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\n`, "\n").Replace(m[1])))
		} else if dotEdge.MatchString(line) {
			edges++
		} else {
			t.Fatalf("%q in\n%s", line, s)
		}
	}
	if edges != 3 || lines[len(lines)-1] != "}" {
		t.Fatalf("%d edges in\n%s", edges, s)
	}
	return texts
}

// Texts between quotes hold numbers for all that is not plain, and <br>.
const mermaidQuoted = `"((?:[^\x00-\x1f"#;<>&|\x60\[\]{}%\\]|#\d+;|<br>)*)"`

var (
	mermaidNode   = regexp.MustCompile(`^  n\d+(?:\[|\[/)` + mermaidQuoted + `(?:/\]|\]):::\w+$`)
	mermaidEdge   = regexp.MustCompile(`^  n\d+ -->\|` + mermaidQuoted + `\| n\d+$`)
	mermaidClass  = regexp.MustCompile(`^  classDef \w+ [#\w:,\- ]+$`)
	mermaidNumber = regexp.MustCompile(`#(\d+);`)
)

func mermaidTexts(t *testing.T, s string) []string {
	var texts []string
	edges := 0
	lines := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	for _, line := range lines[1:] {
		m := mermaidNode.FindStringSubmatch(line)
		switch {
		case m != nil:
			text := strings.ReplaceAll(m[1], "<br>", "\n")
			texts = append(texts, mermaidNumber.ReplaceAllStringFunc(text, func(n string) string {
				r, err := strconv.Atoi(n[1 : len(n)-1])
				if err != nil {
					t.Fatal(err)
				}
				return string(rune(r))
			}))
		case mermaidEdge.MatchString(line):
			edges++
		case mermaidClass.MatchString(line):
		default:
			t.Fatalf("%q in\n%s", line, s)
		}
	}
	if edges != 3 {
		t.Fatalf("%d edges in\n%s", edges, s)
	}
	return texts
}
