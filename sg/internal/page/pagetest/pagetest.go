// Package pagetest reads pages as a browser does and says what is wrong with them. It is
// for tests.
package pagetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// A Doc is a page that was read.
type Doc struct {
	JSON     []byte   // the embedded document
	Text     string   // of all that is shown
	Skeleton string   // elements and their attributes, without values
	Problems []string // none in a good page

	ids, refs map[string]bool
	policy    string
}

// What the template and the drawings of package graph are made of.
var (
	elements = strings.Fields(`html head meta link title style body a header p h1 h2 nav ul li main span svg rect section
		script code button footer div label input output table caption thead tbody tr th td pre details summary path
		g defs marker text`)
	attributes = strings.Fields(`lang charset http-equiv content name rel href class id aria-label aria-labelledby aria-hidden
		aria-live aria-expanded aria-controls role tabindex type for autocomplete spellcheck scope colspan data-do
		viewBox preserveAspectRatio d width height x y rx fill stroke stroke-width stroke-dasharray xmlns font-family font-size
		font-weight text-anchor marker-end markerUnits markerWidth markerHeight refX refY orient`)
)

// Read reads a page.
func Read(page []byte) *Doc {
	d := &Doc{ids: map[string]bool{}, refs: map[string]bool{}}
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		d.wrong("%v", err)
		return d
	}
	var skeleton, text strings.Builder
	d.walk(root, &skeleton, &text)
	d.Skeleton, d.Text = skeleton.String(), text.String()
	for id := range d.refs {
		if !d.ids[id] {
			d.wrong("nothing has the id %q", id)
		}
	}
	for _, r := range d.Text {
		if r != '\n' && !strconv.IsPrint(r) && r != '\u00a0' {
			d.wrong("%U does not print", r)
		}
	}
	if d.JSON != nil && !json.Valid(d.JSON) {
		d.wrong("no JSON: %.200s", d.JSON)
	}
	slices.Sort(d.Problems)
	return d
}

func (d *Doc) wrong(format string, args ...any) {
	d.Problems = append(d.Problems, fmt.Sprintf(format, args...))
}

func (d *Doc) walk(n *html.Node, skeleton, text *strings.Builder) {
	switch n.Type {
	case html.TextNode:
		if p := n.Parent.Data; p != "script" && p != "style" {
			text.WriteString(n.Data)
		}
	case html.CommentNode:
		d.wrong("a comment: %q", n.Data)
	case html.ElementNode:
		d.element(n)
		skeleton.WriteString("<" + n.Data)
		for _, a := range n.Attr {
			skeleton.WriteString(" " + a.Key)
		}
		skeleton.WriteString(">")
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		d.walk(c, skeleton, text)
	}
}

func (d *Doc) element(n *html.Node) {
	if !slices.Contains(elements, n.Data) {
		d.wrong("element %q", n.Data)
	}
	at := map[string]string{}
	for _, a := range n.Attr {
		at[a.Key] = a.Val
		if !slices.Contains(attributes, a.Key) {
			d.wrong("attribute %q of %s", a.Key, n.Data)
		}
	}
	if id := at["id"]; id != "" {
		if d.ids[id] {
			d.wrong("two have the id %q", id)
		}
		d.ids[id] = true
	}
	for _, key := range [...]string{"aria-labelledby", "aria-controls", "for"} {
		if at[key] != "" {
			d.refs[at[key]] = true
		}
	}
	if href, is := at["href"]; is {
		if target, inside := strings.CutPrefix(href, "#"); inside {
			d.refs[target] = true
		} else if href != "data:," {
			d.wrong("it leads to %q", href)
		}
	}
	inner := ""
	if n.FirstChild != nil {
		inner = n.FirstChild.Data
	}
	switch n.Data {
	case "meta":
		if at["http-equiv"] == "Content-Security-Policy" {
			d.policy = at["content"]
		}
	case "style":
		d.allowed("style-src", inner)
	case "script":
		switch {
		case at["type"] == "":
			d.allowed("script-src", inner)
		case at["id"] == "report":
			d.JSON = []byte(inner)
		}
	case "table":
		if n.FirstChild == nil || n.FirstChild.NextSibling == nil || n.FirstChild.NextSibling.Data != "caption" {
			d.wrong("a table without a caption")
		}
	case "th":
		if at["scope"] == "" {
			d.wrong("th without scope")
		}
	}
}

// allowed checks that the page's policy, which stands before, allows what is inline.
func (d *Doc) allowed(what, text string) {
	sum := sha256.Sum256([]byte(text))
	if want := what + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(d.policy, want) {
		d.wrong("policy %q does not allow it: %s", d.policy, want)
	}
	if !strings.HasPrefix(d.policy, "default-src 'none'; ") || strings.Contains(d.policy, "unsafe") || strings.Contains(d.policy, "http") {
		d.wrong("policy %q allows more", d.policy)
	}
}
