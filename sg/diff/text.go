package diff

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowreplay"
	"github.com/sgsim/sgsim/sg/internal/escape"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// TextOptions say how changes are written for people. The zero TextOptions name
// everything by id.
type TextOptions struct {
	// ENIs and Groups are names to show next to ids.
	ENIs   map[sg.ENIID]string
	Groups map[sg.GroupID]string

	// Most is how many changes, pairs and flows are shown of each; the others are
	// only counted. Zero means 20.
	Most int

	// Notes are about the input, such as what it lacks. They stand above the changes.
	Notes []string
}

func (o TextOptions) most() int {
	if o.Most == 0 {
		return 20
	}
	return o.Most
}

// upTo shows the first items of a list, and returns how many more there are.
func upTo[T any](most int, all []T, show func(*T)) (more int) {
	for i := range all[:min(most, len(all))] {
		show(&all[i])
	}
	return max(0, len(all)-most)
}

// WriteText writes what differs for people: what breaks before what opens, each the biggest
// change first.
func (d *Diff) WriteText(w io.Writer, o TextOptions) error {
	t := &text{names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}}
	t.line(0, "%s", d.summary())
	for _, s := range o.Notes {
		t.line(0, "%s", escape.Text(s))
	}
	for _, s := range slices.Concat(t.interfaces(d), t.timeouts(d), t.doubts(d)) {
		t.line(0, "%s", s)
	}
	if more := upTo(o.most(), d.ranked(), t.change); more > 0 {
		t.line(0, "")
		t.line(0, "and %d more changes", more)
	}
	t.pairs(d, o.most())
	_, err := w.Write(t.b)
	return err
}

// doubts are notes about what was not compared, or with addresses that are made up.
func (t *text) doubts(d *Diff) []string {
	all := d.Pending.notes(t.names)
	if len(d.Unjudged) > 0 {
		all = append(all, "known on only one side, so not judged on the other: the network ACL at "+t.enis(d.Unjudged))
	}
	if len(d.Unfinished) > 0 {
		all = append(all, "not all rules or entries could be compared: more may differ at "+t.enis(d.Unfinished))
	}
	if len(d.Uncarried) > 0 {
		all = append(all, "no interface carries "+few(each(d.Uncarried, t.names.Group), 4, "groups")+", whose rules differ: what they will let pass is not compared")
	}
	if len(d.Unshared) > 0 {
		all = append(all, "only interfaces that are new or gone carry "+few(each(d.Unshared, t.names.Group), 4, "groups")+", whose rules differ: what that changes for others is not compared")
	}
	return all
}

// summary describes the changes in a sentence.
func (d *Diff) summary() string {
	switch {
	case len(d.Changes) == 0 && len(d.Unfinished)+len(d.Uncarried)+len(d.Unshared)+len(d.Pending.Undecided()) > 0:
		return "nothing was found to differ at an interface"
	case len(d.Changes) == 0:
		return "the rules do not differ: the same connections open as before"
	}
	opened, broken, unknown := d.count()
	enis := map[sg.ENIID]bool{}
	for i := range d.Changes {
		for _, id := range d.Changes[i].ENIs {
			enis[id] = true
		}
	}
	words := fmt.Sprintf("%d broken, %d opened", broken, opened)
	if unknown > 0 {
		words += fmt.Sprintf(", %d where the input does not decide", unknown)
	}
	return fmt.Sprintf("%s at %s", words, prose.Count(len(enis), "interface"))
}

// count counts the changes.
func (d *Diff) count() (opened, broken, unknown uint64) {
	for i := range d.Changes {
		switch c := &d.Changes[i]; {
		case c.Opens():
			opened++
		case c.Breaks():
			broken++
		default:
			unknown++
		}
	}
	return opened, broken, unknown
}

// A text is the output so far.
type text struct {
	names prose.Names
	b     []byte
}

// line writes a line after a label; continuation lines are indented below it.
func (t *text) line(indent int, format string, args ...any) {
	s := fmt.Sprintf(format, args...)
	t.b, _ = prose.Wrap(prose.Blanks(t.b, indent), s, indent, indent+9)
	t.b = append(t.b, '\n')
}

// interfaces are notes about those that one side lacks.
func (t *text) interfaces(d *Diff) (all []string) {
	if len(d.Added) > 0 {
		all = append(all, "new: "+t.enis(d.Added))
	}
	if len(d.Removed) > 0 {
		all = append(all, "gone: "+t.enis(d.Removed))
	}
	return all
}

// enis names some interfaces.
func (t *text) enis(ids []sg.ENIID) string {
	return few(each(ids, t.names.ENI), 4, "interfaces")
}

// ranked are the changes in the order for people: what breaks comes first.
func (d *Diff) ranked() []Change {
	all := slices.Clone(d.Changes)
	rank := func(c Change) int {
		if c.Breaks() {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Change) int { return rank(a) - rank(b) })
	return all
}

func (t *text) change(c *Change) {
	t.line(0, "")
	t.line(0, "%s: %s of %s", c.Kind(), c.Direction, t.enis(c.ENIs))
	t.line(2, "packets  %s", c.what(t.names))
	t.line(2, "before   %s", t.because(c.Before, c.RulesBefore))
	t.line(2, "after    %s", t.because(c.After, c.RulesAfter))
	if h, ok := c.Opening(0); ok {
		t.line(2, "opened   %s%s", h, c.pending().standing(&h, t.names))
	}
	if h, ok := c.Witness(0); ok {
		t.line(2, "try      %s%s", h, c.pending().standing(&h, t.names))
	}
}

// because returns a verdict with the rules behind it.
func (t *text) because(v sg.Verdict, rules []sg.RuleRef) string {
	if len(rules) == 0 {
		return v.String()
	}
	return v.String() + ", " + few(each(rules, t.rule), 3, "rules")
}

// rule names a rule by its group and text: its place in the group changes when
// others do.
func (t *text) rule(r sg.RuleRef) string {
	if r.ACL() != "" {
		return escape.Text(r.String())
	}
	rule, words := r.Rule(), t.names.Group(r.Group())
	if rule.ID != "" {
		words += " " + escape.Text(string(rule.ID))
	}
	return words + ": " + prose.Rule(r.Direction(), rule, t.names.Group)
}

// pairs names some pairs of interfaces.
func (t *text) pairs(d *Diff, most int) {
	n := 0
	all := d.somePairs(func(p Pair) bool {
		if n == most {
			return false
		}
		if n++; n == 1 {
			t.line(0, "")
			t.line(0, "between interfaces:")
		}
		t.pair(p)
		return true
	})
	if !all && n > 0 {
		t.line(2, "and perhaps more")
	}
}

func (t *text) pair(p Pair) {
	v6 := ""
	if p.Family == packet.IPv6 {
		v6 = " over IPv6"
	}
	for _, kind := range [...]struct {
		word     string
		services []Service
	}{{"broken", p.Broken}, {"opened", p.Opened}} {
		if len(kind.services) > 0 {
			t.line(2, "%s  %s > %s: %s%s", kind.word, t.names.ENI(p.From), t.names.ENI(p.To), serviceWords(kind.services), v6)
		}
	}
}

// WriteText writes what a change does to traffic for people.
func (r *Traffic) WriteText(w io.Writer, o TextOptions) error {
	t := &text{names: prose.Names{ENIs: o.ENIs, Groups: o.Groups}}
	var broken, opened, other uint64
	for i := range r.Flows {
		switch f := &r.Flows[i]; {
		case f.Breaks():
			broken += f.Connections
		case f.Opens():
			opened += f.Connections
		default:
			other += f.Connections
		}
	}
	what := fmt.Sprintf("%s broken, %s opened", prose.Count(broken, "connection"), prose.Count(opened, "connection"))
	if other > 0 {
		what += fmt.Sprintf(", %d unknown before or after", other)
	}
	t.line(0, "in %s: %s", r.what(), what)
	if s := r.unjudged(); s != "" {
		t.line(0, "%s", s)
	}
	if r.Log != nil && r.Log.Disagreeing.Records > 0 {
		t.line(0, "AWS and the first policy disagree about %s: sgsim replay says which", prose.Count(r.Log.Disagreeing.Records, "record"))
	}
	if more := upTo(o.most(), r.Flows, t.flow); more > 0 {
		t.line(2, "and %d more talkers", more)
	}
	t.kept("passing only because they are tracked", r.Kept, o.most())
	t.kept("ended by the change itself", r.Ended, o.most())
	_, err := w.Write(t.b)
	return err
}

// what describes how much traffic there was.
func (r *Traffic) what() string {
	if r.Log != nil {
		return prose.Count(r.Log.Log.Records, "record") + " of flow logs"
	}
	return prose.Count(r.Report.Packets, "captured packet")
}

// unjudged says how many of them no policy judged and why, "" if there are none.
func (r *Traffic) unjudged() string {
	n := uint64(0)
	var why []string
	for _, u := range r.Unjudged {
		n += u.Number
		why = append(why, fmt.Sprintf("%s (%d)", u.why(), u.Number))
	}
	switch len(why) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("%d not judged: %s", n, r.Unjudged[0].why())
	}
	return fmt.Sprintf("%d not judged: %s", n, few(why, 4, "causes"))
}

func (u *Unjudged) why() string {
	switch {
	case u.Undecided != 0 && u.Undecided != flowreplay.NotGiven:
		return u.Undecided.String()
	case u.Reason == sg.NoReason: // a record of no interface of the policy
		return "the topology lacks the interface"
	}
	return prose.Reason(u.Reason)
}

func (t *text) flow(f *Flow) {
	died, place := "", fmt.Sprintf("packet %d", f.Number)
	if f.Died {
		died = ", while open"
	}
	if f.Records > 0 {
		place = escape.Text(f.Position.String())
	}
	t.line(0, "")
	t.line(0, "%s > %s %s: %s, %s%s", f.Src, f.Dst, f.Protocol, prose.Count(f.Packets, "packet"), prose.Count(f.Connections, "connection"), died)
	t.line(2, "first    %s: %s", place, f.First)
	t.line(2, "before   %s", t.fate(f.Before))
	t.line(2, "after    %s", t.fate(f.After))
}

func (t *text) fate(f Fate) string {
	words := []string{f.Verdict.String()}
	if f.Reason != sg.NoReason {
		words[0] += ", " + f.Reason.String()
	}
	if f.Undecided != 0 {
		words[0] += ", " + f.Undecided.String()
	}
	if f.ENI != "" {
		words = append(words, fmt.Sprintf("at %s %s", t.names.ENI(f.ENI), f.Direction))
	}
	if !f.Rule.IsZero() {
		words = append(words, "by "+t.rule(f.Rule))
	}
	return strings.Join(words, " ")
}

func (t *text) kept(head string, all []Kept, most int) {
	if len(all) == 0 {
		return
	}
	t.line(0, "")
	t.line(0, "%s: %s", head, prose.Count(len(all), "connection"))
	several := all[0].Changed != all[len(all)-1].Changed
	for i, k := range all {
		if i == most {
			t.line(2, "and %d more", len(all)-i)
			return
		}
		if several && (i == 0 || k.Changed != all[i-1].Changed) {
			t.line(2, "from %s on", k.Changed.Format(time.RFC3339))
		}
		until := "until " + k.until(k.Expires.Format(time.RFC3339))
		if k.Closed {
			until = "closed by now"
		}
		since := ""
		if !k.Since.IsZero() {
			since = "since " + k.Since.Format(time.RFC3339) + ", "
		}
		t.line(2, "%s at %s, %s%s; opened by %s", k.Tuple, t.names.ENI(k.ENI), since, until, t.rule(k.Rule))
	}
}
