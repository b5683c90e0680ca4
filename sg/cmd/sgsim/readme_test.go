package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
)

const root = "../../.." // of the repository

// A block is a fenced block of the README.
type block struct {
	language string
	text     string
}

func readmeBlocks(t *testing.T) []block {
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	var out []block
	for _, m := range regexp.MustCompile("(?ms)^```([a-z]*)\n(.*?)^```$").FindAllStringSubmatch(string(data), -1) {
		out = append(out, block{m[1], m[2]})
	}
	require.NotEmpty(t, out)
	return out
}

// Every program in the README runs, and prints what the block behind it says; every
// test passes.
func TestReadmePrograms(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles programs")
	}
	t.Parallel()
	blocks := readmeBlocks(t)
	var programs []string
	for _, b := range blocks {
		if b.language == "go" {
			programs = append(programs, b.text)
		}
	}
	require.NotEmpty(t, programs)
	run := linked(t, programs)
	n := 0
	for i, b := range blocks {
		if b.language != "go" {
			continue
		}
		out := run(n)
		n++
		if strings.HasPrefix(b.text, "package main\n") {
			require.Less(t, i+1, len(blocks), "a program without its output behind it")
			assert.Equal(t, blocks[i+1].text, out)
		}
	}
}

var (
	packageClause = regexp.MustCompile(`^package \w+\n`)
	testFunc      = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
)

// linked compiles programs and files of tests as if they lay in the repository, without
// putting them there, and returns what one of them prints. Each is a package of its own
// whose main is called Main. One program calls them all, since linking takes longest.
func linked(t *testing.T, sources []string) (run func(n int) string) {
	dir := t.TempDir()
	abs, err := filepath.Abs(root)
	require.NoError(t, err)
	replace := map[string]string{}
	add := func(name, source string) {
		file := filepath.Join(dir, strings.ReplaceAll(name, "/", "_"))
		require.NoError(t, os.WriteFile(file, []byte(source), 0o644))
		replace[filepath.Join(abs, "examples", "readme_blocks", filepath.FromSlash(name))] = file
	}
	var imports, tests strings.Builder
	for n, source := range sources {
		name := fmt.Sprint("block", n)
		calls := fmt.Sprintf("\t%s.Main()\n", name)
		if fs := testFunc.FindAllStringSubmatch(source, -1); fs != nil {
			calls = ""
			for _, f := range fs {
				calls += fmt.Sprintf("\tt.Run(%q, %s.%s)\n", f[1], name, f[1])
			}
		}
		source = packageClause.ReplaceAllString(source, "package "+name+"\n")
		add(name+"/block.go", strings.Replace(source, "\nfunc main() {", "\nfunc Main() {", 1))
		fmt.Fprintf(&imports, "\t%q\n", module+"/examples/readme_blocks/"+name)
		fmt.Fprintf(&tests, "\nfunc TestBlock%d(t *testing.T) {\n%s}\n", n, calls)
	}
	add("blocks_test.go", "package readme_test\n\nimport (\n\t\"testing\"\n\n"+imports.String()+")\n"+tests.String())
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644))
	program := filepath.Join(dir, "blocks")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-ldflags=-s -w", "-o", program, "-overlay", filepath.Join(dir, "overlay.json"), "./examples/readme_blocks")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return func(n int) string {
		cmd := exec.Command(program, "-test.run", fmt.Sprintf("^TestBlock%d$", n))
		cmd.Dir = root
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return strings.TrimSuffix(string(out), "PASS\n")
	}
}

// The README's first program is the Example of package sg.
func TestReadmeProgramIsExample(t *testing.T) {
	example, err := os.ReadFile(filepath.Join(root, "sg", "example_test.go"))
	require.NoError(t, err)
	for _, b := range readmeBlocks(t) {
		if b.language == "go" {
			body := strings.TrimSuffix(funcBody(t, b.text, "func main() {\n"), "}\n")
			assert.True(t, strings.Contains(string(example), body), "no example of package sg is the README's program:\n%s", body)
			return
		}
	}
	t.Fatal("no program")
}

func funcBody(t *testing.T, source, start string) string {
	_, body, ok := strings.Cut(source, start)
	require.True(t, ok)
	return body
}

// The commands of the README start with the two that everybody runs, and every
// command that calls sgsim is understood.
func TestReadmeCommands(t *testing.T) {
	var lines []string
	for _, b := range readmeBlocks(t) {
		if b.language == "sh" {
			for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", "")) {
				command, _, _ := strings.Cut(line, " #")
				lines = append(lines, strings.TrimSpace(command))
			}
		}
	}
	require.Greater(t, len(lines), 1)
	assert.Equal(t, []string{"go run ./sg/cmd/sgsim replay", "go test ./..."}, lines[:2])
	for _, line := range lines {
		args, ok := strings.CutPrefix(line, "go run ./sg/cmd/sgsim ")
		if !ok || strings.Contains(args, " groups.json") { // the reader's own files
			continue
		}
		page := filepath.Join(t.TempDir(), "report.html")
		run(t, strings.ReplaceAll(args, "report.html", page))
		if strings.Contains(args, "report.html") {
			written, err := os.ReadFile(page)
			require.NoError(t, err)
			assert.Empty(t, pagetest.Read(written).Problems)
		}
	}
}

// run returns what the command prints that is called with these arguments.
func run(t *testing.T, args string) string {
	var words []string
	for i, part := range strings.Split(args, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	cmd := exec.Command(sgsim, words...)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", args, out)
	return string(out)
}

// Each story prints what stands behind its command. With -update that is written anew.
func TestReadmeStories(t *testing.T) {
	blocks := readmeBlocks(t)
	file := filepath.Join(root, "README.md")
	readme, err := os.ReadFile(file)
	require.NoError(t, err)
	stories := 0
	for i, b := range blocks {
		args, ok := strings.CutPrefix(strings.ReplaceAll(b.text, "\\\n", ""), "go run ./sg/cmd/sgsim explain -topology examples/stories/")
		if !ok {
			continue
		}
		stories++
		require.Less(t, i+1, len(blocks), "a story without its output behind it")
		got := run(t, "explain -topology examples/stories/"+args)
		if *update {
			readme = bytes.Replace(readme, []byte(b.text+"```\n\n```\n"+blocks[i+1].text), []byte(b.text+"```\n\n```\n"+got), 1)
			require.NoError(t, os.WriteFile(file, readme, 0o644))
			continue
		}
		assert.Equal(t, blocks[i+1].text, got)
	}
	assert.Equal(t, 3, stories)
}

// The README names the packages whose tests do more with -long, which are those that
// .ci/run finds.
func TestReadmeLong(t *testing.T) {
	out, err := exec.Command("git", "-C", root, "grep", "--untracked", "-l", "flag.Bool(\"long\"", "--", "*_test.go").Output()
	if err != nil {
		t.Skipf("no git here: %v", err)
	}
	want := map[string]bool{}
	for file := range strings.Lines(string(out)) {
		want["./"+path.Dir(file)] = true
	}
	command := strings.Join(slices.Sorted(maps.Keys(want)), " ")
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	if command = "go test " + command + " -long\n"; !strings.Contains(string(readme), command) {
		t.Errorf("the README is without %s", command)
	}
}

// What the README points to is there.
func TestReadmeLinks(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	links := regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(string(data), -1)
	assert.NotEmpty(t, links)
	for _, m := range links {
		assert.FileExists(t, filepath.Join(root, m[1]))
	}
}
