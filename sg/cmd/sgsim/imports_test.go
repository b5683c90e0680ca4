package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/sgsim/sgsim"

// mayImport is what each package may need beside the standard library and its
// own parts. Imports point down this list.
var mayImport = []struct {
	pkg   string
	needs []string
}{
	{"packet", nil},
	{"sg/flowlog", []string{"packet"}},
	{"packet/capture", []string{"packet", "gopacket"}},
	{"conntrack", []string{"packet"}},
	{"sg", []string{"packet", "conntrack", "netipx"}},
	{"sg/internal/keyed", nil},
	{"sg/internal/duration", nil},
	{"sg/internal/match", []string{"packet", "sg/internal/keyed"}},
	{"sg/internal/cidrtrie", []string{"packet", "sg/internal/keyed"}},
	{"sg/internal/reach", nil},
	{"sg/internal/member", []string{"packet", "sg/internal/keyed"}},
	{"sg/graph", []string{"packet", "conntrack", "netipx", "sg"}},
	{"sg/internal/page", []string{"packet", "conntrack", "netipx", "sg", "sg/graph"}},
	{"sg/lint", []string{"packet", "conntrack", "netipx", "sg", "sg/graph"}},
	{"sg/load", []string{"packet", "conntrack", "netipx", "sg", "json", "yaml"}},
	{"sg/replay", []string{"packet", "packet/capture", "gopacket", "conntrack", "netipx", "sg", "sg/graph", "sg/lint"}},
	{"sg/packetlog", []string{"packet", "packet/capture", "gopacket", "conntrack", "netipx", "sg", "sg/graph", "sg/lint", "sg/flowlog", "sg/replay"}},
	{"sg/flowreplay", []string{"packet", "packet/capture", "gopacket", "conntrack", "netipx", "sg", "sg/graph", "sg/lint", "sg/flowlog", "sg/replay"}},
	{"sg/ask", []string{"packet", "packet/capture", "gopacket", "conntrack", "netipx", "sg", "sg/graph", "sg/lint", "sg/replay"}},
	{"sg/check", []string{"packet", "conntrack", "netipx", "sg", "sg/graph", "sg/lint", "sg/load", "json", "yaml"}},
	{"sg/diff", []string{"packet", "packet/capture", "gopacket", "conntrack", "netipx", "sg", "sg/graph", "sg/lint", "sg/flowlog", "sg/replay", "sg/flowreplay"}},
	{"sg/sgtest", []string{"packet", "packet/capture", "gopacket", "conntrack", "netipx", "sg", "sg/graph", "sg/lint", "sg/flowlog", "sg/replay", "sg/flowreplay", "sg/diff", "sg/load", "json", "yaml"}},
}

func TestImports(t *testing.T) {
	needs := map[string][]string{}
	var pkgs []string
	for _, p := range mayImport {
		needs[p.pkg] = p.needs
		pkgs = append(pkgs, "./"+p.pkg)
	}
	listed := 0
	for _, line := range goList(t, "{{.ImportPath}}{{range .Deps}} {{.}}{{end}}", pkgs...) {
		deps := strings.Fields(line)
		pkg := strings.TrimPrefix(deps[0], module+"/")
		for _, dep := range deps[1:] {
			if first, _, _ := strings.Cut(dep, "/"); !strings.Contains(first, ".") { // of the standard library
				continue
			}
			assert.True(t, allowed(pkg, needs[pkg], dep), "%s needs %s", pkg, dep)
		}
		listed++
	}
	assert.Equal(t, len(mayImport), listed)
}

func allowed(pkg string, needs []string, dep string) bool {
	inside, ours := strings.CutPrefix(dep, module+"/")
	for _, n := range append(slices.Clone(needs), pkg) {
		switch {
		case n == "gopacket" && strings.HasPrefix(dep, "github.com/google/gopacket"),
			n == "netipx" && dep == "go4.org/netipx",
			n == "json" && strings.HasPrefix(dep, "github.com/go-json-experiment/json"),
			n == "yaml" && dep == "go.yaml.in/yaml/v3",
			ours && inside == n,
			ours && strings.HasPrefix(inside, n+"/internal/"):
			return true
		}
	}
	return false
}

// gopacket stays where captures are read: it costs every importer two megabytes.
// testify stays in tests.
func TestForeignImports(t *testing.T) {
	const format = `{{$p := .ImportPath}}{{range .Imports}}{{$p}} {{.}}{{"\n"}}{{end}}`
	for _, line := range goList(t, format, "./...") {
		from, to, _ := strings.Cut(line, " ")
		from = strings.TrimPrefix(from, module+"/")
		assert.False(t, strings.HasPrefix(to, "github.com/stretchr/"), "%s imports %s", from, to)
		if strings.HasPrefix(to, "github.com/google/gopacket") {
			assert.True(t, from == "packet/capture" || from == "packet/packettest" || strings.HasPrefix(from, "bench"),
				"%s imports %s", from, to)
		}
		assert.NotEqual(t, "github.com/google/gopacket/pcap", to, "%s: cgo", from)
		assert.False(t, strings.HasPrefix(to, module+"/sg/cmd/"), "%s imports %s", from, to)
		if example, ok := strings.CutPrefix(to, module+"/examples/"); ok { // only by its own parts
			name, _, _ := strings.Cut(example, "/")
			assert.True(t, strings.HasPrefix(from, "examples/"+name+"/"), "%s imports %s", from, to)
		}
	}
}

// The top level holds what the README says, and nothing else.
func TestTopLevel(t *testing.T) {
	cmd := exec.Command("git", "ls-files")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Skipf("no git here: %v", err)
	}
	known := []string{"sg", "conntrack", "packet", "examples", "bench", "go.mod", "go.sum", "README.md"}
	for name := range strings.Lines(string(out)) {
		top, _, _ := strings.Cut(strings.TrimSpace(name), "/")
		assert.True(t, strings.HasPrefix(top, ".") || slices.Contains(known, top), top)
	}
}

func goList(t *testing.T, format string, args ...string) []string {
	cmd := exec.Command("go", append([]string{"list", "-f", format}, args...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err, "go list %v", args)
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}
