package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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
	blocks := readmeBlocks(t)
	programs := 0
	for i, b := range blocks {
		if b.language != "go" {
			continue
		}
		programs++
		if !strings.HasPrefix(b.text, "package main") {
			program := filepath.Join(t.TempDir(), "readme.test")
			overlaid(t, b.text, "main_test.go", "test", "-c", "-vet=off", "-o", program)
			out, err := exec.Command(program).CombinedOutput()
			assert.NoError(t, err, "%s", out)
			continue
		}
		require.Less(t, i+1, len(blocks), "a program without its output behind it")
		assert.Equal(t, blocks[i+1].text, runProgram(t, b.text))
	}
	assert.NotZero(t, programs)
}

// runProgram returns what a program prints.
func runProgram(t *testing.T, source string) string { return overlaid(t, source, "main.go", "run") }

// overlaid runs a go command on a file as if it lay in the repository, without
// putting it there.
func overlaid(t *testing.T, source, name string, args ...string) string {
	dir := t.TempDir()
	file := filepath.Join(dir, name)
	require.NoError(t, os.WriteFile(file, []byte(source), 0o644))
	abs, err := filepath.Abs(root)
	require.NoError(t, err)
	overlay, err := json.Marshal(map[string]any{
		"Replace": map[string]string{filepath.Join(abs, "examples", "readme_block", name): file},
	})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644))
	cmd := exec.Command("go", append(args, "-overlay", filepath.Join(dir, "overlay.json"), "./examples/readme_block")...)
	cmd.Dir = root
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	require.NoError(t, err, "%s\n%s", source, stderr.String())
	return string(out)
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
