package load

import (
	"fmt"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/internal/words"
)

// FormatText writes a topology in the text form that the package reads, one statement
// per line.
func FormatText(t *sg.Topology) string { return topotext.Format(t) }

// isStatements reports whether a text begins as the text form of a topology does.
func isStatements(text string) bool {
	for line := range strings.Lines(text) {
		if ws := strings.Fields(line); len(ws) > 0 && ws[0][0] != '#' {
			return len(ws) > 1 && topotext.IsStatement(ws[0])
		}
	}
	return false
}

// statements reads a topology's text.
func (b *builder) statements(doc *cursor) {
	declared := make(map[string]int)
	n := uint32(0)
	for line := range strings.Lines(doc.src.text) {
		n++
		c := &cursor{src: doc.src, n: n}
		line = strings.TrimRight(line, "\r\n")
		ws, err := words.Split(line)
		if err == nil && len(ws) > 0 {
			err = b.statement(line, ws, declared, c, doc)
		}
		if err != nil {
			c.fail("", "%w", err)
		}
	}
}

// partOf are the statements that continue a declaration.
var partOf = map[string]string{"subnet": "vpc", "entry": "prefixlist", "rule": "group", "aclentry": "acl"}

// statement reads one line, at c. declared are the lines of the same text that declare
// something, by kind and id.
func (b *builder) statement(line string, ws []words.Word, declared map[string]int, c, list *cursor) error {
	part := topotext.New(nil)
	kind, of := ws[0].Value, ""
	if len(ws) > 1 {
		of = ws[1].Value
	}
	if kind == "remove" {
		return fmt.Errorf("%q: a file has nothing to remove", kind)
	}
	whole, belongs := partOf[kind]
	if belongs && declared[whole+" "+of] > 0 { // the parser needs to know nothing else
		if err := part.Statement("", []words.Word{{Value: whole}, {Value: of}}); err != nil {
			return err
		}
	}
	bad := part.Statement(line, ws)
	if bad != nil && (belongs || kind == "eni") {
		return bad
	}
	if !belongs {
		key := kind + " " + of
		if first := declared[key]; first > 0 {
			return fmt.Errorf("%s is already at line %d", key, first)
		}
		declared[key] = c.place().Line
	}
	b.part(part.Topo, !belongs, c, list) // even of a bad one, so that its parts are not bad too
	return bad
}

// part adds what a line says. The line may declare a prefix list or a group, or be part
// of one.
func (b *builder) part(t *sg.Topology, declares bool, c, list *cursor) {
	for _, p := range t.VPCs {
		b.vpc(p, c)
	}
	for _, p := range t.Peerings {
		b.peering(p, c, false)
	}
	for _, p := range t.TransitGateways {
		b.gateway(p, c)
	}
	for _, p := range t.PrefixLists {
		l := b.list(p, c)
		l.complete = l.complete || declares && !p.Incomplete
		for _, e := range p.Entries {
			b.addListed(l, e, c)
		}
	}
	for i := range t.Groups {
		p := &t.Groups[i]
		g := b.group(*p, c)
		if declares {
			g.whole, g.listings = g.whole || !p.Incomplete, append(g.listings, c)
			g.prefer(c)
		}
		for dir := sg.Ingress; dir <= sg.Egress; dir++ {
			for _, r := range *topotext.RulesOf(p, dir) {
				b.addRule(g, dir, r, c, list, true)
			}
		}
	}
	for i := range t.NetworkACLs {
		b.aclPart(&t.NetworkACLs[i], declares, c)
	}
	for _, p := range t.ENIs {
		b.listENI(&eni{ENI: p}, c)
	}
}
