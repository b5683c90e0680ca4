package load_test

import (
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
)

// A result is what a loader said of its inputs, as text.
type result struct {
	topo     *sg.Topology
	text     string // of the topology, "" where there is none
	warnings []string
	errors   []string
}

// read loads documents. One that starts with "NAME|" has that name, others are
// called 1.json, 2.json and so on.
func read(docs ...string) result {
	l := load.New()
	for i, doc := range docs {
		name, text, ok := strings.Cut(doc, "|")
		if !ok {
			name, text = string(rune('1'+i))+".json", doc
		}
		l.Add(name, strings.NewReader(text))
	}
	return resultOf(l.Topology())
}

func resultOf(topo *sg.Topology, warnings []load.Warning, err error) result {
	r := result{topo: topo}
	if topo != nil {
		r.text = load.FormatText(topo)
	}
	for _, w := range warnings {
		r.warnings = append(r.warnings, w.String())
	}
	if err != nil {
		r.errors = strings.Split(err.Error(), "\n")
	}
	return r
}

// lines returns the statements of a topology that are rules, without the word
// itself, or interfaces.
func (r *result) lines(kinds ...string) []string {
	var out []string
	for line := range strings.Lines(r.text) {
		line = strings.TrimSpace(line)
		for _, kind := range kinds {
			if strings.HasPrefix(line, kind) {
				out = append(out, strings.TrimPrefix(line, "rule "))
			}
		}
	}
	return out
}

// group wraps permissions in the output of describe-security-groups.
func group(ingress, egress string) string {
	return `{"SecurityGroups": [{"GroupId": "sg-a", "OwnerId": "1", "IpPermissions": [` + ingress + `], "IpPermissionsEgress": [` + egress + `]}]}`
}

func must(t *testing.T, r result) result {
	t.Helper()
	for _, e := range r.errors {
		t.Errorf("error: %s", e)
	}
	for _, w := range r.warnings {
		t.Errorf("warning: %s", w)
	}
	if t.Failed() {
		t.FailNow()
	}
	return r
}
