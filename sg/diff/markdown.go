package diff

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// WriteMarkdown writes the differences and, unless r is nil, their effect on traffic,
// as a comment for a pull request: a line with counts, and a table, in which what breaks
// comes first.
func WriteMarkdown(w io.Writer, d *Diff, r *Traffic, o TextOptions) error {
	t := &text{names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}}
	t.b = fmt.Appendf(t.b, "**Security groups:** %s\n", d.summary())
	for _, s := range o.Notes {
		t.b = fmt.Appendf(t.b, "\n%s\n", cell(escape.Text(s)))
	}
	for _, s := range slices.Concat(t.interfaces(d), t.timeouts(d), t.doubts(d)) {
		t.b = fmt.Appendf(t.b, "\n%s\n", cell(s))
	}
	if len(d.Changes) > 0 {
		t.b = append(t.b, "\n| | where | packets | because of | for example |\n| --- | --- | --- | --- | --- |\n"...)
	}
	more := upTo(o.most(), d.ranked(), func(c *Change) {
		example := ""
		if h, ok := c.Witness(0); ok {
			example = code(h.String()) + cell(c.pending().standing(&h, t.names))
		}
		t.row(c.Kind(), cell(fmt.Sprintf("%s of %s", c.Direction, t.enis(c.ENIs))), cell(c.what(t.names)), t.causes(c), example)
	})
	if more > 0 {
		t.b = fmt.Appendf(t.b, "\nand %d more changes\n", more)
	}
	if r != nil {
		t.traffic(r, o.most())
	}
	_, err := w.Write(t.b)
	return err
}

func (t *text) row(cells ...string) {
	t.b = append(t.b, "| "+strings.Join(cells, " | ")+" |\n"...)
}

// causes names the rules that only one policy has, or that mean something else.
func (t *text) causes(c *Change) string {
	var words []string
	for _, side := range [...]struct {
		sign  string
		rules []sg.RuleRef
	}{{"−", c.RulesBefore}, {"+", c.RulesAfter}} {
		for _, r := range side.rules {
			words = append(words, side.sign+" "+cell(t.rule(r)))
		}
	}
	return few(words, 3, "rules")
}

func (t *text) traffic(r *Traffic, most int) {
	t.b = fmt.Appendf(t.b, "\n**Traffic:** %s; faring differently: %s; passing only because tracked: %s\n",
		r.what(), prose.Count(len(r.Flows), "talker"), prose.Count(len(r.Kept), "connection"))
	if s := r.unjudged(); s != "" {
		t.b = fmt.Appendf(t.b, "\n%s\n", cell(s))
	}
	if len(r.Flows) > 0 {
		t.b = append(t.b, "\n| first packet | packets | before | after |\n| --- | --- | --- | --- |\n"...)
	}
	more := upTo(most, r.Flows, func(f *Flow) {
		t.row(code(f.First.String()), fmt.Sprint(f.Packets), cell(t.fate(f.Before)), cell(t.fate(f.After)))
	})
	if more > 0 {
		t.b = fmt.Appendf(t.b, "\nand %d more talkers\n", more)
	}
}

// cell escapes the text of a table cell, so that nothing that came from files acts as
// markup.
func cell(s string) string {
	return strings.NewReplacer(`\`, `\\`, "|", `\|`, "`", "\\`", "*", `\*`, "_", `\_`, "<", "&lt;", ">", "&gt;", "[", `\[`, "]", `\]`, "@", "&#64;", "#", "&#35;").Replace(s)
}

// code formats a packet's text as code.
func code(s string) string { return "`" + s + "`" }
