// Package page writes reports as HTML: one file with its style, script and data in it,
// which asks nobody for anything.
//
// What is shown comes from files that hold anything. All of it is text: html/template
// escapes it for where it stands, and what does not print is written so that it can be
// seen. The page's policy allows its own script and style by their hashes, and no request.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"io"
	"path"
	"strings"
	"sync"

	"github.com/sgsim/sgsim/sg/internal/prose"
)

// A Page is what a page shows, in its order.
type Page struct {
	Command string // "sgsim replay"
	Title   string
	Lead    string // a sentence
	Tiles   []Tile
	Notes   []Note

	Sections []Section

	// Data writes the same as JSON, which the page holds too.
	Data func(io.Writer) error
}

// A Tile is a number that is to be seen first.
type Tile struct {
	Mark  Mark
	Label string
	Value string
	Note  string
	Share float64 // of all, 0 to 1
}

// NewTile is a count with its share of all.
func NewTile(m Mark, label string, n, all uint64, note string) Tile {
	t := Tile{Mark: m, Label: label, Value: prose.Number(n), Note: note}
	if all > 0 {
		t.Share = float64(n) / float64(all)
		t.Note = Share(n, all) + ", " + note
	}
	return t
}

// Inputs names what a page is about: the first few files, without their folders.
func Inputs(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	bases := make([]string, len(names))
	for i, name := range names {
		bases[i] = path.Base(strings.ReplaceAll(name, `\`, "/"))
	}
	return strings.Join(prose.First(bases, 3, ""), ", ")
}

// A Mark says what something is good for. It shows as a sign and a colour, and stands
// beside words.
type Mark uint8

// Marks. The zero Mark is none.
const (
	None Mark = iota
	Good
	Bad
	Doubt
	Quiet
)

var marks = [...]struct{ class, sign string }{
	None: {"", ""}, Good: {"good", "✓"}, Bad: {"bad", "✕"}, Doubt: {"doubt", "?"}, Quiet: {"quiet", "–"},
}

// Class and Sign are how a mark shows.
func (m Mark) Class() string { return marks[m].class }
func (m Mark) Sign() string  { return marks[m].sign }

// A Note is a sentence. One that is Sub belongs to the one before.
type Note struct {
	Text string
	Sub  bool
}

// A Section is a part of a page with a heading.
type Section struct {
	ID    string // of the package that writes, not of what it writes about
	Title string
	Text  []string
	Chart *Chart
	Map   *Map
	Notes []Note
	Table []Table
}

// dataMost is how many bytes of JSON a page holds. A document that is larger is left
// out, and the page says so.
const dataMost = 2 << 20

// whyMost is how many bytes of explanations a page holds, so that with its data it stays
// well below 5 MB whatever the input is.
const whyMost = 1 << 20

// boundExplanations leaves out the explanations that are too many, from the last tables'
// rows on, and has the tables say so.
func (p *Page) boundExplanations() {
	room := whyMost
	for i := range p.Sections {
		for j := range p.Sections[i].Table {
			t, out := &p.Sections[i].Table[j], 0
			for k := range t.Rows {
				r := &t.Rows[k]
				if room -= len(template.HTMLEscapeString(r.Why)); room < 0 && r.Why != "" {
					r.Why = ""
					out++
				}
			}
			if out > 0 {
				t.More = strings.TrimSpace(t.More + " " + Count(uint64(out), "row") + " without an explanation, of which there are too many: sgsim explain has them.")
			}
		}
	}
}

// The parts of every page.
var (
	//go:embed page.css
	styleSheet string
	//go:embed page.js
	script string
	//go:embed page.tmpl
	layout string
)

// Nothing here is made before a page is written: programs that write none then come
// without most of html/template, and start as fast as without it.
var (
	once   sync.Once
	parsed *template.Template
)

func parse() *template.Template {
	once.Do(func() {
		parsed = template.Must(template.New("page").Funcs(template.FuncMap{
			"line": Line, "text": Text, "style": func() template.CSS { return template.CSS(styleSheet) },
			"script": func() template.JS { return template.JS(script) }, "policy": policy,
		}).Parse(layout))
	})
	return parsed
}

// policy is the page's Content-Security-Policy.
func policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; script-src " + hash(script) + "; style-src " + hash(styleSheet) +
		"; img-src data:; base-uri 'none'; form-action 'none'"
}

// Write writes the page.
func (p *Page) Write(w io.Writer) error {
	var doc bytes.Buffer
	if err := p.Data(&doc); err != nil {
		return err
	}
	view := struct {
		*Page
		JSON    json.RawMessage
		TooLong bool
	}{Page: p}
	if doc.Len() <= dataMost {
		view.JSON = doc.Bytes()
	} else {
		view.TooLong = true
	}
	p.boundExplanations()
	var b bytes.Buffer
	if err := parse().Execute(&b, view); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}
