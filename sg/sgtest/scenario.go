package sgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// A Scenario is a scenario file: a topology, packets and changes in order of
// time, and the expected result of each.
//
// A line is one statement. Lines that start with "#" are comments, and so is the
// rest of a line from a word that starts with "#". Statements about the topology
// are those of [ParseTopology]; "load FILE" reads more of them from a section of
// the file, or AWS CLI JSON from a section whose name ends in .json. "option"
// sets options of the firewall (see [FormatOptions]).
//
// Events carry a time, counted from the start:
//
//	@0s  eni-web ingress tcp 192.0.2.1:40001 > 10.0.1.10:443 S  accept  rule sg-web ingress[0]
//	@1ms eni-web egress tcp 10.0.1.10:443 > 192.0.2.1:40001 SA  accept  tracked reply
//	@2s  forward tcp 10.0.1.10:40001 > 10.0.2.20:5432 S         accept  rule
//	    eni-web egress   accept  rule sg-web egress[0]
//	    eni-db  ingress  accept  rule sg-db ingress[0]
//	@5s  revoke sg-web ingress tcp 443 0.0.0.0/0
//
// A packet is written as packet.ParseHeader reads it. "via appliance" or "via
// tracked" before it describes its path ([sg.Via]). After it come verdict, reason
// and rule; only the words given are compared. The hops of a packet through both
// ends follow, indented, one per line; they have to be complete.
//
// Changes are authorize, revoke, attach ENI GROUP, detach ENI GROUP, setgroups ENI
// GROUP..., "entry add LIST CIDR", "entry remove LIST CIDR", "aclentry add ACL ingress
// 100 allow ...", "aclentry replace" with the same, "aclentry remove ACL ingress 100",
// "associate SUBNET ACL", where no ACL means the default one, "swap FILE", and any
// statement about the topology, which replaces the thing it names. The expected error of
// a refused change is on the line below: "    error TEXT".
//
// "check" has the findings about the topology on the lines below it, "compile"
// the topology's errors, and "@5s explain ...", with a packet as above, the
// explanation. "@5s connections" has the number of live connections on its own
// line.
//
// "case NAME" starts over with the topology and options from above the first
// case; statements in a case replace things only for that case.
type Scenario struct {
	name  string   // for messages: the file
	lines []string // of the script
	tail  string   // the sections as they were read
	files map[string]string

	shared []*command // before the first case
	cases  []scenarioCase
}

type scenarioCase struct {
	name     string
	commands []*command
}

// A command is one statement of a scenario.
type command struct {
	line   int    // in Scenario.lines
	left   string // without the expectation
	remark string // comment at its end

	run    func(*runner) (result, error)
	inline bool // the first word of the result is on the statement's line
	exact  bool // the whole result must match, not just its start
	timed  bool

	want     string
	wantRows []string
	rowLines int // lines below the statement that hold wantRows
}

// A result is what a command did: a text beside it and rows below it.
type result struct {
	text    string
	rows    []string
	explain func() string // for a mismatch
}

// A Mismatch is a statement of a scenario that did not do what was expected.
type Mismatch struct {
	File      string
	Line      int // 1-based
	Case      string
	Statement string
	Got, Want string
	Explain   string // why Got is so; may be empty
}

func (m *Mismatch) Error() string {
	s := fmt.Sprintf("%s:%d: %s\n  got   %s\n  want  %s", m.File, m.Line, m.Statement,
		indent(m.Got, "        "), indent(m.Want, "        "))
	if m.Explain != "" {
		s += "\n  why   " + indent(strings.TrimRight(m.Explain, "\n"), "        ")
	}
	return s
}

func indent(s, by string) string {
	if s == "" {
		return "(nothing)"
	}
	return strings.ReplaceAll(s, "\n", "\n"+by)
}

// ReadScenario reads a scenario file.
func ReadScenario(file string) (*Scenario, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return ParseScenario(filepath.ToSlash(file), string(b))
}

// ParseScenario reads the text of a scenario. name is for messages. It reports
// all lines that it cannot understand at once.
func ParseScenario(name, text string) (*Scenario, error) {
	s := &Scenario{name: name}
	script, files, tail := splitSections(text)
	s.files, s.tail = files, tail
	s.lines = strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	var errs []error
	into, current, seen := &s.shared, (*command)(nil), map[string]bool{}
	for i, line := range s.lines {
		line = strings.TrimRight(line, " \t\r")
		bare := strings.TrimLeft(line, " \t")
		bad := func(err error) { errs = append(errs, fmt.Errorf("%s:%d: %w", name, i+1, err)) }
		switch {
		case bare == "":
			current = nil
		case bare[0] == '#' && len(bare) == len(line):
			current = nil
		case len(bare) < len(line):
			if current == nil {
				bad(errors.New("expected result without a statement above it"))
				continue
			}
			current.wantRows = append(current.wantRows, bare)
			current.rowLines = i - current.line
		case strings.HasPrefix(line, "case ") || line == "case":
			title := strings.TrimSpace(line[4:])
			if title == "" || seen[title] {
				bad(fmt.Errorf("case %q: a case needs a name of its own", title))
			}
			seen[title] = true
			s.cases = append(s.cases, scenarioCase{name: title})
			into, current = &s.cases[len(s.cases)-1].commands, nil
		default:
			c, err := parseCommand(line)
			if err != nil {
				bad(err)
				continue
			}
			c.line = i
			*into = append(*into, c)
			current = c
		}
	}
	if len(s.cases) == 0 {
		s.cases = []scenarioCase{{commands: s.shared}}
		s.shared = nil
	}
	for _, c := range s.shared {
		if c.timed {
			errs = append(errs, fmt.Errorf("%s:%d: only the topology and options may stand above the first case", name, c.line+1))
		}
	}
	return s, errors.Join(errs...)
}

// Cases returns the names of the cases in their order. A scenario without "case"
// has one unnamed case.
func (s *Scenario) Cases() []string {
	var names []string
	for _, c := range s.cases {
		names = append(names, c.name)
	}
	return names
}

// Run runs all cases. The error joins every mismatch, each a *[Mismatch], and
// whatever kept a case from running; it is nil if everything went as expected.
func (s *Scenario) Run() error {
	var errs []error
	for i := range s.cases {
		errs = append(errs, s.runCase(&s.cases[i]))
	}
	return errors.Join(errs...)
}

// RunCase runs one case by name, as [Scenario.Run] does.
func (s *Scenario) RunCase(name string) error {
	for i := range s.cases {
		if s.cases[i].name == name {
			return s.runCase(&s.cases[i])
		}
	}
	return fmt.Errorf("%s: no case %q", s.name, name)
}

func (s *Scenario) runCase(c *scenarioCase) error {
	var errs []error
	err := s.each(c, func(cmd *command, got result) {
		if m := cmd.compare(got); m != nil {
			m.File, m.Line, m.Case = s.name, cmd.line+1, c.name
			errs = append(errs, m)
		}
	})
	return errors.Join(append(errs, err)...)
}

// each runs the shared statements and those of a case. It stops at the first one
// that cannot run, since the rest depends on it.
func (s *Scenario) each(c *scenarioCase, done func(*command, result)) error {
	r := &runner{scenario: s, build: topotext.New(nil), start: scenarioStart}
	for i, cmds := range [][]*command{s.shared, c.commands} {
		if i == 1 && len(s.shared) > 0 {
			r.build.Settle()
		}
		for _, cmd := range cmds {
			got, err := cmd.run(r)
			if err != nil {
				return fmt.Errorf("%s:%d: %s: %w", s.name, cmd.line+1, strings.TrimSpace(cmd.left), err)
			}
			done(cmd, got)
		}
	}
	return nil
}

// scenarioStart is the time of @0s. Any would do, so it is far from overflow.
var scenarioStart = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

func (c *command) compare(got result) *Mismatch {
	same := c.match(got.text, c.want) && len(got.rows) == len(c.wantRows)
	for i := 0; same && i < len(got.rows); i++ {
		same = c.match(got.rows[i], c.wantRows[i])
	}
	if c.inline && c.want == "" {
		same = false
	}
	if same {
		return nil
	}
	join := func(text string, rows []string) string {
		return strings.TrimPrefix(strings.Join(append([]string{text}, rows...), "\n"), "\n")
	}
	m := &Mismatch{Statement: strings.Join(strings.Fields(c.left), " "),
		Got: join(got.text, got.rows), Want: join(c.want, c.wantRows)}
	if got.explain != nil {
		m.Explain = got.explain()
	}
	return m
}

// match reports whether want is got, or its first words unless c is exact.
func (c *command) match(got, want string) bool {
	g, w := strings.Fields(got), strings.Fields(want)
	if len(w) > len(g) || c.exact && len(w) != len(g) {
		return false
	}
	for i := range w {
		if w[i] != g[i] {
			return false
		}
	}
	return len(w) > 0 || len(g) == 0
}

// Update returns the text of the scenario with every expectation replaced by
// what happens, in columns. It changes nothing else.
func (s *Scenario) Update() (string, error) {
	results := map[*command]result{}
	var errs []error
	for i := range s.cases {
		errs = append(errs, s.each(&s.cases[i], func(c *command, got result) { results[c] = got }))
	}
	byLine := map[int]*command{}
	for c := range results {
		byLine[c.line] = c
	}
	var out []string
	for i := 0; i < len(s.lines); {
		c := byLine[i]
		if c == nil {
			out = append(out, s.lines[i])
			i++
			continue
		}
		line := c.left
		if got := results[c]; c.inline {
			line += strings.Repeat(" ", max(2, s.column(byLine, i)-len(line))) + got.text
		}
		if c.remark != "" {
			line += "  " + c.remark
		}
		out = append(out, line)
		for _, row := range results[c].rows {
			out = append(out, strings.TrimRight("    "+row, " "))
		}
		i += 1 + c.rowLines
	}
	return strings.Join(out, "\n") + "\n" + s.tail, errors.Join(errs...)
}

// column returns where the expectations of a block of lines begin: two blanks
// after the longest statement. Lines without a statement end a block.
func (s *Scenario) column(byLine map[int]*command, at int) int {
	rowsOf := map[int]bool{}
	for _, c := range byLine {
		for k := range c.rowLines {
			rowsOf[c.line+1+k] = true
		}
	}
	inBlock := func(i int) bool { return i >= 0 && i < len(s.lines) && (byLine[i] != nil || rowsOf[i]) }
	first, col := at, 0
	for inBlock(first - 1) {
		first--
	}
	for i := first; inBlock(i); i++ {
		if c := byLine[i]; c != nil && c.inline {
			col = max(col, len(c.left)+2)
		}
	}
	return col
}
