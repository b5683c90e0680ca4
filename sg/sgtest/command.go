package sgtest

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/errlist"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/internal/words"
	"github.com/sgsim/sgsim/sg/lint"
)

// A runner is the state that the statements of a case work on.
type runner struct {
	scenario *Scenario
	build    *topotext.Builder // the topology, kept in step with the firewall
	options  sg.Options
	start    time.Time
	fw       *sg.Firewall
}

// timed makes the run of a statement with a time. The first one makes the firewall.
func timed(at time.Duration, do func(r *runner, now time.Time) (result, error)) func(*runner) (result, error) {
	return func(r *runner) (result, error) {
		if r.fw == nil {
			policy, err := sg.Compile(r.build.Topo)
			if err != nil {
				return result{}, err
			}
			r.build.Settle()
			r.fw = sg.NewFirewall(policy, &r.options)
		}
		return do(r, r.start.Add(at))
	}
}

// parseCommand reads one statement and the expectation beside it.
func parseCommand(line string) (*command, error) {
	if line[0] == '@' {
		return parseTimed(line)
	}
	ws, err := words.Split(line)
	if err != nil {
		return nil, err
	}
	c := &command{left: line, exact: true}
	switch verb := ws[0].Value; {
	case ws[0].Key != "":
		return nil, fmt.Errorf("%q: not a statement", line)
	case topotext.IsStatement(verb):
		c.run = untimed(func(r *runner) error { return r.build.Statement(line, ws) })
	case verb == "load" && len(ws) > 1:
		c.run = untimed(func(r *runner) error { return r.load(fileNames(ws[1:]), r.build) })
	case verb == "option":
		if err := optionFields(&sg.Options{}).Set(ws[1:]); err != nil {
			return nil, err
		}
		c.run = untimed(func(r *runner) error { return optionFields(&r.options).Set(ws[1:]) })
	case verb == "check" && len(ws) == 1:
		c.run = func(r *runner) (result, error) {
			var rows []string
			for _, f := range lint.Check(r.build.Topo) {
				rows = append(rows, f.String())
			}
			return result{rows: rows}, nil
		}
	case verb == "compile" && len(ws) == 1:
		c.run = func(r *runner) (result, error) {
			_, err := sg.Compile(r.build.Topo)
			return result{rows: errorRows(err)}, nil
		}
	default:
		return nil, fmt.Errorf("%q: not a statement", line)
	}
	return c, nil
}

// untimed makes the run of a statement without a time. It fails once packets flow, since
// the statement would happen at no defined moment.
func untimed(do func(*runner) error) func(*runner) (result, error) {
	return func(r *runner) (result, error) {
		if r.fw != nil {
			return result{}, errors.New("needs a time such as @5s, now that packets flow")
		}
		return result{}, do(r)
	}
}

func errorRows(err error) []string {
	if err == nil {
		return nil
	}
	var rows []string
	for _, err := range errlist.Of(err) {
		row := "error " + strings.ReplaceAll(err.Error(), "\n", " ")
		if code := sg.ErrorCode(err); code != "" {
			row += " (" + code + ")"
		}
		rows = append(rows, row)
	}
	return rows
}

// parseTimed reads "@5s ...".
func parseTimed(line string) (*command, error) {
	fields := fieldsOf(line)
	stamp := fields[0].text[1:]
	at, err := time.ParseDuration(stamp)
	if err != nil || at < 0 {
		return nil, fmt.Errorf("%q: not a time since the start such as @1.5s", "@"+stamp)
	}
	if fields = fields[1:]; len(fields) == 0 {
		return nil, fmt.Errorf("nothing happens at @%s", stamp)
	}
	c := &command{left: line, timed: true}
	switch verb := fields[0].text; {
	case verb == "forward":
		err = c.parseForward(line, at, fields[1:])
	case verb == "explain":
		err = c.parseExplain(line, at, fields[1:])
	case verb == "connections":
		c.parseConnections(line, at, fields)
	case len(fields) > 1 && (fields[1].text == "ingress" || fields[1].text == "egress") && !isChange(verb):
		err = c.parseEvaluate(line, at, fields)
	default:
		ws, splitErr := words.Split(line)
		if splitErr != nil {
			return nil, splitErr
		}
		if len(ws) < 2 {
			return nil, fmt.Errorf("nothing happens at @%s", stamp)
		}
		c.exact = true
		err = c.parseChange(line, at, ws[1:])
	}
	return c, err
}

// A field is a run of characters other than blanks.
type field struct {
	text       string
	start, end int
}

func fieldsOf(line string) []field {
	var fs []field
	for i := 0; i < len(line); {
		if line[i] == ' ' || line[i] == '\t' {
			i++
			continue
		}
		j := i
		for j < len(line) && line[j] != ' ' && line[j] != '\t' {
			j++
		}
		fs = append(fs, field{line[i:j], i, j})
		i = j
	}
	return fs
}

// A flight is a packet as a statement writes it.
type flight struct {
	eni sg.ENIID     // empty for both ends
	dir sg.Direction // zero for both ends
	via sg.Via
	h   packet.Header
}

func (f *flight) packet(now time.Time) sg.Packet {
	return sg.Packet{Header: &f.h, Time: now, Via: f.via}
}

// parseFlight reads "[ENI DIR] [via X] PACKET [VERDICT ...] [# remark]" and sets
// the expectation of c.
func (c *command) parseFlight(line string, fs []field, oneEnd bool) (flight, error) {
	f := flight{}
	if oneEnd {
		if len(fs) < 2 {
			return f, errors.New("a packet at one end needs ENI and direction")
		}
		dir, err := topotext.ParseDirection(words.Word{Value: fs[1].text})
		if err != nil {
			return f, err
		}
		f.eni, f.dir, fs = sg.ENIID(fs[0].text), dir, fs[2:]
	}
	if len(fs) > 1 && fs[0].text == "via" {
		if err := f.via.UnmarshalText([]byte(fs[1].text)); err != nil {
			return f, fmt.Errorf("via %w", err)
		}
		fs = fs[2:]
	}
	if i := slices.IndexFunc(fs, func(f field) bool { return f.text[0] == '#' }); i >= 0 {
		c.remark = strings.TrimRight(line[fs[i].start:], " \t")
		fs = fs[:i]
	}
	end := len(fs)
	if i := slices.IndexFunc(fs, func(f field) bool {
		return new(sg.Verdict).UnmarshalText([]byte(f.text)) == nil
	}); i >= 0 {
		end = i
		c.want = strings.TrimSpace(line[fs[i].start:fs[len(fs)-1].end])
	}
	if end == 0 {
		return f, errors.New("no packet")
	}
	c.left = line[:fs[end-1].end]
	h, err := packet.ParseHeader(line[fs[0].start:fs[end-1].end])
	f.h = h
	return f, err
}

func (c *command) parseEvaluate(line string, at time.Duration, fs []field) error {
	f, err := c.parseFlight(line, fs, true)
	c.inline = true
	c.run = timed(at, func(r *runner, now time.Time) (result, error) {
		e := r.fw.ENI(f.eni)
		if e == nil {
			return result{}, fmt.Errorf("no ENI %q in the topology", f.eni)
		}
		p := f.packet(now)
		why := e.Explain(f.dir, p)
		d := e.Evaluate(f.dir, p)
		if err := agree(why.Hops, []sg.Decision{d}); err != nil {
			return result{}, err
		}
		return result{text: FormatDecision(d), explain: why.String}, nil
	})
	return err
}

// agree compares an explanation, given before the packet, with what happened.
func agree(said []sg.HopExplanation, got []sg.Decision) error {
	same := len(said) == len(got)
	for i := 0; same && i < len(got); i++ {
		same = said[i].Decision == got[i]
	}
	if !same {
		return fmt.Errorf("the explanation differs from what happened: %v and %v", said, got)
	}
	return nil
}

func (c *command) parseForward(line string, at time.Duration, fs []field) error {
	f, err := c.parseFlight(line, fs, false)
	c.inline = true
	c.run = timed(at, func(r *runner, now time.Time) (result, error) {
		p := f.packet(now)
		why := r.fw.Explain(p)
		out := r.fw.Forward(p)
		var ds []sg.Decision
		for _, hop := range out.Hops() {
			ds = append(ds, hop.Decision)
		}
		if err := agree(why.Hops, ds); err != nil {
			return result{}, err
		}
		return result{text: formatOutcome(&out), rows: formatHops(&out), explain: why.String}, nil
	})
	return err
}

func (c *command) parseExplain(line string, at time.Duration, fs []field) error {
	forward := len(fs) > 0 && fs[0].text == "forward"
	if forward {
		fs = fs[1:]
	}
	f, err := c.parseFlight(line, fs, !forward)
	if err == nil && c.want != "" {
		err = errors.New("an explanation stands below the statement, indented")
	}
	c.exact = true
	c.run = timed(at, func(r *runner, now time.Time) (result, error) {
		p := f.packet(now)
		var why *sg.Explanation
		if forward {
			why = r.fw.Explain(p)
		} else if e := r.fw.ENI(f.eni); e != nil {
			why = e.Explain(f.dir, p)
		} else {
			return result{}, fmt.Errorf("no ENI %q in the topology", f.eni)
		}
		return result{rows: strings.Split(strings.TrimRight(why.String(), "\n"), "\n")}, nil
	})
	return err
}

func (c *command) parseConnections(line string, at time.Duration, fs []field) {
	c.inline, c.exact = true, true
	c.left = line[:fs[0].end]
	if len(fs) > 1 {
		c.want = line[fs[1].start:fs[len(fs)-1].end]
	}
	c.run = timed(at, func(r *runner, now time.Time) (result, error) {
		n := 0
		for range r.fw.Conns(now) {
			n++
		}
		return result{text: fmt.Sprint(n)}, nil
	})
}

func isChange(verb string) bool {
	switch verb {
	case "authorize", "revoke", "attach", "detach", "setgroups", "entry", "aclentry", "associate", "swap":
		return true
	}
	return topotext.IsStatement(verb)
}

// A change applies to the firewall and in the same way to the topology beside it.
type change func(r *runner, now time.Time) error

func (c *command) parseChange(line string, at time.Duration, ws []words.Word) error {
	do, err := parseChangeText(line, ws)
	c.run = timed(at, func(r *runner, now time.Time) (result, error) {
		return result{rows: errorRows(do(r, now))}, nil
	})
	return err
}

func parseChangeText(line string, ws []words.Word) (change, error) {
	verb, args := ws[0].Value, ws[1:]
	for _, w := range args {
		if w.Key != "" && !topotext.IsStatement(verb) && verb != "authorize" && verb != "revoke" && verb != "swap" {
			return nil, fmt.Errorf("%q: not understood here", w.Key+"="+w.Value)
		}
	}
	switch {
	case (verb == "authorize" || verb == "revoke") && len(args) > 0:
		dir, rule, err := topotext.ParseDirRule(line, args[1:])
		return ruleChange(verb == "authorize", sg.GroupID(args[0].Value), dir, rule), err
	case (verb == "attach" || verb == "detach") && len(args) == 2:
		return groupChange(verb == "attach", sg.ENIID(args[0].Value), sg.GroupID(args[1].Value)), nil
	case verb == "setgroups" && len(args) > 0:
		var groups []sg.GroupID
		for _, w := range args[1:] {
			groups = append(groups, sg.GroupID(w.Value))
		}
		return setGroups(sg.ENIID(args[0].Value), groups), nil
	case verb == "entry" && len(args) == 3 && (args[0].Value == "add" || args[0].Value == "remove"):
		cidr, err := netip.ParsePrefix(args[2].Value)
		if err != nil {
			err = fmt.Errorf("%q: not a CIDR block", args[2].Value)
		}
		return entryChange(args[0].Value == "add", sg.PrefixListID(args[1].Value), cidr), err
	case verb == "aclentry" && len(args) > 3 && (args[0].Value == "add" || args[0].Value == "replace" || args[0].Value == "remove"):
		return parseEntryChange(line, args)
	case verb == "associate" && (len(args) == 1 || len(args) == 2):
		id := sg.NetworkACLID("")
		if len(args) == 2 {
			id = sg.NetworkACLID(args[1].Value)
		}
		return associate(sg.SubnetID(args[0].Value), id), nil
	case verb == "swap" && len(args) > 0:
		return func(r *runner, now time.Time) error {
			b := topotext.New(nil)
			if err := r.load(fileNames(args), b); err != nil {
				return err
			}
			return r.swap(b, now)
		}, nil
	case topotext.IsStatement(verb) && len(args) > 0:
		return func(r *runner, now time.Time) error {
			b := topotext.New(r.build.Topo)
			if err := b.Statement(line, ws); err != nil {
				return err
			}
			return r.swap(b, now)
		}, nil
	}
	return nil, fmt.Errorf("%q: not a packet and not a change", strings.TrimSpace(line))
}
