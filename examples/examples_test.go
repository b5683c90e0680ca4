package examples

import (
	"bytes"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/examples/internal/sample"
)

var long = flag.Bool("long", false, "link and run the examples, and make modules as users do")

// aPage is how long a main.go may be.
const aPage = 100 // lines

// TestExamples reads every example of this module; at length it builds and runs each
// and compares what it prints with the sample at its top. Nested modules have such a
// test of their own.
func TestExamples(t *testing.T) {
	mains, err := filepath.Glob("*/main.go")
	require.NoError(t, err)
	require.NotEmpty(t, mains)
	bin := t.TempDir() + string(filepath.Separator)
	if *long {
		out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", bin, "./...").CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	for _, file := range mains {
		dir := filepath.Dir(file)
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		t.Run(dir, func(t *testing.T) {
			assert.LessOrEqual(t, bytes.Count(src, []byte("\n")), aPage, "%s is longer than a page", file)
			if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
				t.Skip("a nested module, tested by its own go test")
			}
			want, err := sample.Output(file)
			require.NoError(t, err)
			if !*long {
				return // go test ./... has compiled it
			}
			got, err := exec.Command(filepath.Join(bin, dir)).CombinedOutput()
			require.NoError(t, err, "%s", got)
			assert.Equal(t, want, sample.Clean(string(got)), "what %s prints is not its sample", dir)
		})
	}
}
