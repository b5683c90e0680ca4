package sgtest

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/prose"
)

// Matrix makes many claims at once, in a table of words. Its first line names
// destinations, each followed by a colon and traffic as [sg.ParseTraffic] reads
// it, or "ping"; the first word of every other line names a source. What holds blanks
// stands in double quotes, as in "web 1":https. A cell says
// "yes" ([Network.Allows]), "no" ([Network.Denies]), or "-" for no claim.
//
//	from\to   lb:https  app:tcp/8080  db:postgresql
//	internet  yes       no            no
//	lb        -         yes           no
//	app       no        -             yes
//
// Empty lines and lines that start with "#" are ignored. If a cell is wrong, the
// message shows the actual table and explains each wrong cell.
func (n *Network) Matrix(t TB, table string) bool {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	rows, err := parseMatrix(table)
	if err != nil {
		t.Fatalf("matrix: %v", err)
		return false
	}
	var bad []*failure
	for _, row := range rows[1:] {
		for i, cell := range row[1:] {
			from := unquoted(row[0])
			to, what, err := parseColumn(unquoted(rows[0][i+1]))
			if err != nil {
				t.Fatalf("matrix: %v", err)
				return false
			}
			if cell == "-" {
				continue
			}
			wrong, err := n.ask(from, to, what, cell == "yes")
			if err != nil {
				t.Fatalf("matrix: %s to %s: %v", row[0], rows[0][i+1], err)
				return false
			}
			if wrong != nil {
				bad = append(bad, wrong)
				is := map[string]string{"yes": "NO", "no": "YES"}[cell]
				if wrong.verdict == sg.Unknown {
					is = "UNKNOWN"
				}
				row[i+1] = is + "(want-" + cell + ")"
			}
		}
	}
	if len(bad) == 0 {
		return true
	}
	var b strings.Builder
	are := "are"
	if len(bad) == 1 {
		are = "is"
	}
	fmt.Fprintf(&b, "%s of the matrix %s wrong:\n%s", prose.Count(len(bad), "cell"), are, indented(columns(rows)))
	for _, f := range bad {
		fmt.Fprintf(&b, "%s", f)
	}
	t.Errorf("%s", b.String())
	return false
}

var matrixWord = regexp.MustCompile(`(?:"[^"]*"|\S)+`)

// unquoted is a word without its quotes. Those of a Terraform address, as in
// aws_instance.web["a"], belong to it.
func unquoted(word string) string {
	if strings.Contains(word, `["`) {
		return word
	}
	return strings.ReplaceAll(word, `"`, "")
}

// parseMatrix returns the words of the table, with as many in every row.
func parseMatrix(table string) ([][]string, error) {
	var rows [][]string
	for _, line := range strings.Split(table, "\n") {
		row := matrixWord.FindAllString(line, -1)
		if len(row) == 0 || row[0][0] == '#' {
			continue
		}
		if len(rows) > 0 {
			if len(row) != len(rows[0]) {
				return nil, fmt.Errorf("row %q has %s for %s", row[0], prose.Count(len(row)-1, "cell"), prose.Count(len(rows[0])-1, "column"))
			}
			for _, cell := range row[1:] {
				if cell != "yes" && cell != "no" && cell != "-" {
					return nil, fmt.Errorf("row %q: %q is not yes, no or -", row[0], cell)
				}
			}
		}
		rows = append(rows, row)
	}
	if len(rows) < 2 || len(rows[0]) < 2 {
		return nil, fmt.Errorf("a table needs a line of destinations and one of a source")
	}
	return rows, nil
}

// parseColumn splits "db:postgresql". The address of "[2001:db8::1]:ssh" is in
// brackets.
func parseColumn(s string) (to string, what sg.Traffic, err error) {
	i := strings.Index(s, ":")
	if strings.HasPrefix(s, "[") {
		i = strings.Index(s, "]:") + 1
	}
	if i <= 0 {
		return "", what, fmt.Errorf("column %q: want a destination, a colon and a kind of traffic", s)
	}
	to = strings.TrimSuffix(strings.TrimPrefix(s[:i], "["), "]")
	switch s[i+1:] {
	case "ping":
		return to, Ping, nil
	case "ping6":
		return to, Ping6, nil
	}
	what, err = sg.ParseTraffic(s[i+1:])
	return to, what, err
}

// columns lines up the words of rows.
func columns(rows [][]string) string {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		line := ""
		for i, cell := range row {
			line += fmt.Sprintf("%-*s  ", width[i], cell)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}
