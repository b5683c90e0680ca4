package examples

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const module = "github.com/sgsim/sgsim"

// newModule makes a module outside the tree of this one, as a user would who works
// against a checkout.
func newModule(t *testing.T, files map[string]string) (run func(args ...string) string) {
	t.Helper()
	if testing.Short() || !*long {
		t.Skip("builds a module from nothing: -long")
	}
	root, err := filepath.Abs("..")
	require.NoError(t, err)
	dir := t.TempDir()
	write := func(name, text string) {
		name = filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
		require.NoError(t, os.WriteFile(name, []byte(text), 0o644))
	}
	write("go.mod", "module example.com/user\n\ngo 1.26\n\nrequire "+module+" v0.0.0\n\nreplace "+module+" => "+root+"\n")
	for name, text := range files {
		write(name, text)
	}
	sum, err := os.ReadFile("../go.sum")
	require.NoError(t, err)
	write("go.sum", string(sum)) // go mod tidy then needs nothing from the network
	run = func(args ...string) string {
		t.Helper()
		cmd := exec.Command("go", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if args[0] != "test" { // whose output says whether it failed
			require.NoError(t, err, "go %s:\n%s", strings.Join(args, " "), out)
		}
		return string(out)
	}
	run("mod", "tidy")
	return run
}

// dependencies returns the modules whose packages go into a build of pkgs.
func dependencies(run func(...string) string, pkgs ...string) []string {
	out := run(append([]string{"list", "-deps", "-f", "{{with .Module}}{{.Path}}{{end}}"}, pkgs...)...)
	mods := strings.Fields(out)
	slices.Sort(mods)
	return slices.Compact(mods)
}

// TestUserModule imports every package as a user would, and looks at what comes
// with each.
func TestUserModule(t *testing.T) {
	run := newModule(t, map[string]string{"main.go": `package main

import (
	_ "` + module + `/conntrack"
	_ "` + module + `/packet"
	_ "` + module + `/packet/capture"
	_ "` + module + `/sg"
	_ "` + module + `/sg/flowlog"
	_ "` + module + `/sg/flowreplay"
	_ "` + module + `/sg/load"
	_ "` + module + `/sg/replay"
	_ "` + module + `/sg/sgtest"
)

func main() {}
`})
	const netipx, gopacket = "go4.org/netipx", "github.com/google/gopacket"
	const json, yaml = "github.com/go-json-experiment/json", "go.yaml.in/yaml/v3"
	run("build", "-o", os.DevNull, ".")
	for pkg, may := range map[string][]string{
		"packet":         {},
		"conntrack":      {},
		"sg":             {netipx},
		"sg/flowlog":     {},
		"sg/sgtest":      {gopacket, netipx, json, yaml},
		"sg/load":        {netipx, json, yaml},
		"packet/capture": {gopacket},
		"sg/replay":      {gopacket, netipx},
		"sg/flowreplay":  {gopacket, netipx},
	} {
		assert.Subset(t, append(may, module), dependencies(run, module+"/"+pkg), "modules that come with %s", pkg)
	}

	// The module graph has what this module and its dependencies require, and
	// none of what nested modules do.
	for _, m := range strings.Split(run("list", "-m", "all"), "\n") {
		for _, nested := range []string{"gvisor.dev", "tailscale.com", "bart", "parquet"} {
			assert.NotContains(t, m, nested)
		}
	}
}

// TestUserTests runs tests that a user wrote: one with claims about a network, one
// that runs scenario files. Both pass, and both fail once the rule is gone that
// they are about.
func TestUserTests(t *testing.T) {
	const scenario = `group sg-db
rule sg-db ingress tcp 5432 10.0.1.0/24
eni eni-db 10.0.2.20 sg-db
@0s  eni-db ingress tcp 10.0.1.10:40001 > 10.0.2.20:5432 S   accept rule
@1ms eni-db egress tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA   accept tracked reply
`
	const tests = `package user

import (
	"os"
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

func TestClaims(t *testing.T) {
	b, err := os.ReadFile("testdata/db.txtar")
	if err != nil {
		t.Fatal(err)
	}
	topology, _, _ := strings.Cut(string(b), "@0s")
	topo, err := sgtest.ParseTopology("db", topology)
	if err != nil {
		t.Fatal(err)
	}
	net := sgtest.NewNetwork(t, topo, nil)
	net.Converse(t, "10.0.1.10", "eni-db", sg.PostgreSQL)
	net.Denies(t, "198.51.100.7", "eni-db", sg.AllTraffic)
}

func TestScenarios(t *testing.T) { sgtest.RunDir(t, "testdata") }
`
	run := newModule(t, map[string]string{"user_test.go": tests, "testdata/db.txtar": scenario})
	out := run("test", "-v", ".")
	assert.Contains(t, out, "--- PASS: TestClaims")
	assert.Contains(t, out, "--- PASS: TestScenarios/db.txtar")

	broken := strings.Replace(scenario, "tcp 5432 10", "tcp 5433 10", 1)
	run = newModule(t, map[string]string{"user_test.go": tests, "testdata/db.txtar": broken})
	out = run("test", "-v", ".")
	assert.Contains(t, out, "--- FAIL: TestClaims")
	assert.Contains(t, out, "--- FAIL: TestScenarios/db.txtar")
}

// TestREADMEProgram runs the README's program in a module of a user's own, where
// it has to print what the README says it prints.
func TestREADMEProgram(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	program := block(string(readme), "```go\npackage main\n")
	require.NotEmpty(t, program, "the README has a program")
	run := newModule(t, map[string]string{"main.go": "package main\n" + program})
	assert.Subset(t, []string{"example.com/user", module, "go4.org/netipx"}, dependencies(run, "."))
	_, after, _ := strings.Cut(string(readme), program)
	want := block(strings.TrimPrefix(after, "```"), "```\n")
	require.NotEmpty(t, want, "the README says what its program prints")
	assert.Equal(t, want, run("run", "."))
}

// block returns what stands between the first open and the end of that block.
func block(text, open string) string {
	_, rest, ok := strings.Cut(text, open)
	if !ok {
		return ""
	}
	body, _, _ := strings.Cut(rest, "```")
	return body
}
