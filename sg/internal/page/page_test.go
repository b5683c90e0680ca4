package page

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
)

// saying is a page that says s wherever a page says something.
func saying(s string) *Page {
	s = "x" + s
	table := Table{
		ID: "rows", Caption: s, More: s, Why: "why", Columns: []Column{{Name: s, Code: true}, {Name: s, Number: true}, {Name: "m"}},
		Rows: []Row{{Cells: Cells(T(s), N(1), M(Bad, s)), Why: s}, {Cells: Cells(T(s), N(2), T(s))}},
	}
	return &Page{
		Command: "sgsim replay", Title: s, Lead: s, Tiles: []Tile{NewTile(Good, s, 1, 2, s)},
		Sections: []Section{
			{ID: "one", Title: "One", Text: []string{s}, Notes: []Note{{s, false}, {s, true}}, Table: []Table{table}},
			{ID: "two", Title: "Two", Chart: &Chart{Label: s, Unit: "packet", Start: time.Unix(0, 0), Width: time.Second, Lanes: []Lane{{Good, s, []uint64{1, 0, 3}}}}},
			MapSection(graph.New(&sg.Topology{Groups: []sg.Group{{ID: sg.GroupID(s), Name: s}}}, nil)),
		},
		Data: func(w io.Writer) error { return json.NewEncoder(w).Encode(map[string]string{"said": s}) },
	}
}

func read(t testing.TB, p *Page) *pagetest.Doc {
	var b bytes.Buffer
	require.NoError(t, p.Write(&b))
	return pagetest.Read(b.Bytes())
}

// Text from files stays text: whatever it is, the page has the same elements and
// attributes, and the data is what it was.
func FuzzPage(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	plain := read(f, saying("y")).Skeleton
	f.Fuzz(func(t *testing.T, s string) {
		d := read(t, saying(s))
		if len(d.Problems) > 0 {
			t.Fatal(d.Problems)
		}
		if d.Skeleton != plain {
			t.Fatalf("%q changes the page:\n%s\n%s", s, plain, d.Skeleton)
		}
		var data map[string]string
		if err := json.Unmarshal(d.JSON, &data); err != nil || data["said"] != string([]rune("x"+s)) {
			t.Fatalf("%v: %q, want %q", err, data["said"], s)
		}
	})
}

var hostile = []string{
	"", "</script><script>alert(1)</script>", "<!--", "]]>", `" onload="alert(1)`, "' onclick='x", "javascript:alert(1)",
	"\u202egnp.exe", "\u2066", "\x00\x1b[31m", "</title><img src=x onerror=alert(1)>", "</style>", "{{.}}", "&lt;&#x27;", "\u2028", "\xff\xfe", strings.Repeat("<b>", 5000),
}

func TestPage(t *testing.T) {
	d := read(t, saying("y"))
	assert.Empty(t, d.Problems)
	assert.Contains(t, d.Text, "4 packets, at most 3 in 1 s")
	assert.Contains(t, d.Skeleton, "<nav aria-label>")
	assert.Equal(t, 1, strings.Count(d.Skeleton, "<main "))
	assert.Equal(t, 1, strings.Count(d.Skeleton, "<h1>"))
	for _, s := range hostile {
		assert.NotContains(t, read(t, saying(s)).Text, "\u202e")
	}
}

// What is wrong with a page is seen.
func TestProblems(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, saying("y").Write(&b))
	for from, to := range map[string]string{
		"<h1>": `<h1 onclick="x">`, "</h1>": "</h1><img>", `href="#main"`: `href="https://example.com"`, "\"use strict\"": "'use strict'",
		`scope="row"`: "", `id="one"`: `id="two"`, "default-src 'none'": "default-src *", "<h2": "\u202e<h2", `id="rows-0"`: "",
	} {
		page := bytes.Replace(b.Bytes(), []byte(from), []byte(to), 1)
		if from == "default-src 'none'" {
			page = bytes.Replace(b.Bytes(), []byte("default-src &#39;none&#39;"), []byte("default-src *"), 1)
		}
		require.NotEqual(t, b.Bytes(), page, from)
		assert.NotEmpty(t, pagetest.Read(page).Problems, from)
	}
}

// Data beyond the bound is left out, and the page says so.
func TestTooMuchData(t *testing.T) {
	p := saying("y")
	p.Data = func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%q", strings.Repeat("x", dataMost))
		return err
	}
	d := read(t, p)
	assert.Empty(t, d.Problems)
	assert.Nil(t, d.JSON)
	assert.Contains(t, d.Text, "The data is more than this page holds")
}

// Explanations beyond the bound are left out, and their table says so.
func TestTooManyExplanations(t *testing.T) {
	p := saying("y")
	table := Table{ID: "many", Caption: "Many", Why: "why", Columns: []Column{{Name: "One"}}}
	for range 3 {
		table.Rows = append(table.Rows, Row{Cells: Cells(T("x")), Why: strings.Repeat("<", whyMost/10)})
	}
	p.Sections = append(p.Sections, Section{ID: "more", Title: "More", Table: []Table{table}})
	d := read(t, p)
	assert.Empty(t, d.Problems)
	assert.Contains(t, d.Text, "1 row without an explanation, of which there are too many")
}

func TestMost(t *testing.T) {
	var all []int
	for i := range MaxRows + 2 {
		all = append(all, i%(MaxRows+1))
	}
	most, more := Most(all, func(a, b int) bool { return a > b }, "rule", "the largest")
	assert.Len(t, most, MaxRows)
	assert.Equal(t, []int{1, 2}, most[:2], "in their order, without the two zeros")
	assert.Equal(t, "1,000 of 1,002 rules are shown: the largest.", more)
	most, more = Most(all[:5], func(a, b int) bool { return a > b }, "rule", "")
	assert.Equal(t, []int{0, 1, 2, 3, 4}, most)
	assert.Empty(t, more)
}

func TestWords(t *testing.T) {
	assert.Equal(t, "M0,100H0V68H333.3V100H666.6V2H1000V100Z", Lane{Slots: []uint64{1, 0, 3}}.Path())
	assert.Equal(t, "M0,100H1000V100Z", Lane{Slots: []uint64{0}}.Path())
	assert.Equal(t, []string{"under 0.1%", "over 99.9%", "50.0%", "0%", "100%", ""}, []string{Share(1, 10_000), Share(9_999, 10_000), Share(1, 2), Share(0, 2), Share(2, 2), Share(0, 0)})
	assert.Equal(t, []string{"999 B", "1.0 kB", "1.0 MB", "18.4 EB"}, []string{Bytes(999), Bytes(1000), Bytes(999_960), Bytes(1<<64 - 1)})
	assert.Equal(t, []string{"1,234,567 entries", "1 entry", "2 entries"}, []string{Count(1234567, "entry"), Count(1, "entry"), Count(2, "entry")})
	assert.Equal(t, "a.pcap, b.pcap, c.pcap, and 2 more", Inputs([]string{"x/a.pcap", `y\b.pcap`, "c.pcap", "d", "e"}, ""))
}

// Every colour of a drawing has one for dark pages too.
func TestColoursOfDrawings(t *testing.T) {
	topo := &sg.Topology{
		Groups: []sg.Group{{ID: "sg-a", VPC: "vpc-1", Ingress: []sg.Rule{sg.HTTPS.From(sg.AnyIPv4), sg.SSH.From(sg.FromGroup("sg-gone")), sg.SSH.From(sg.FromPrefixList("pl-1"))}}},
	}
	for _, by := range []graph.By{graph.ByGroup, graph.ByVPC} {
		g := graph.New(topo, &graph.Options{By: by, Hits: func(sg.GroupID, sg.Direction, int) uint64 { return 0 }, Drops: []graph.Drop{{Text: "x"}}})
		colours := regexp.MustCompile(`(fill|stroke)="#[0-9a-f]{6}"`).FindAllString(string(MapSection(g).Map.SVG), -1)
		assert.Greater(t, len(colours), 10)
		for _, c := range colours {
			assert.True(t, strings.Contains(styleSheet, ".map ["+c+"]"), c)
		}
	}
}
