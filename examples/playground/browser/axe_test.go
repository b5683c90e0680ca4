package browser

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const axeVersion = "4.14.1"

// axe is the script of axe-core, from npm.
var axe = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "axe")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	for try := 1; ; try++ { // the network may fail once
		cmd := exec.Command("npm", "pack", "axe-core@"+axeVersion)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err == nil {
			break
		}
		if try == 3 {
			return "", fmt.Errorf("%w: %s", err, bytes.Join(bytes.Fields(out), []byte(" ")))
		}
		time.Sleep(5 * time.Second)
	}
	file, err := os.Open(filepath.Join(dir, "axe-core-"+axeVersion+".tgz"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return "", err
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err != nil {
			return "", errors.Join(errors.New("no axe.min.js"), err)
		}
		if h.Name == "package/axe.min.js" {
			script, err := io.ReadAll(r)
			return string(script), err
		}
	}
})

// accessible fails for what axe finds serious or critical. The script comes through the
// protocol of the developer tools, which no policy of a page concerns.
func (p *tab) accessible(state string) {
	p.t.Helper()
	script, err := axe()
	if err != nil {
		p.t.Skipf("no axe-core: %v", err)
	}
	p.do(evaluate(script + "; null"))
	found := say[[]struct {
		ID     string `json:"id"`
		Impact string `json:"impact"`
		Help   string `json:"help"`
		Where  string `json:"where"`
	}](p, `axe.run(document, { iframes: false }).then((r) => r.violations
		.filter((v) => v.impact === 'serious' || v.impact === 'critical')
		.map((v) => ({ id: v.id, impact: v.impact, help: v.help, where: v.nodes.map((n) => n.target.join(' ')).join(', ') })))`)
	var lines []string
	for _, f := range found {
		lines = append(lines, f.Impact+" "+f.ID+": "+f.Help+": "+f.Where)
	}
	assert.Empty(p.t, strings.Join(lines, "\n"), state)
}

// Every state of the page is accessible, light and dark.
func TestAccessible(t *testing.T) {
	p := playground(t, "", 390)
	for _, s := range states {
		s.do(p)
		for _, dark := range []bool{false, true} {
			p.dark(dark)
			p.accessible(s.name)
		}
	}
}

// The pages that sgsim writes open without a request, an error or a finding of axe.
func TestReports(t *testing.T) {
	if missing != "" {
		t.Skip(missing)
	}
	dir := t.TempDir()
	demo := func(name string) string { return "sg/cmd/sgsim/demo/" + name }
	topology := []string{"-topology", demo("security-groups.json"), "-topology", demo("network-interfaces.json"), "-topology", demo("vpcs.json")}
	changed := filepath.Join(dir, "after.json")
	groups, err := os.ReadFile(filepath.Join(folder, "demo", "security-groups.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(changed, []byte(strings.ReplaceAll(string(groups), "5432", "5433")), 0o644))
	for name, args := range map[string][]string{
		"replay.html": append(append([]string{"replay", "-format", "none", "-html", filepath.Join(dir, "replay.html")}, topology...), demo("demo.pcap")),
		"check.html":  append([]string{"check", "-html", filepath.Join(dir, "check.html")}, topology...),
		"diff.html": {"diff", "-html", filepath.Join(dir, "diff.html"), "-before", demo("security-groups.json"), "-before", demo("network-interfaces.json"),
			"-after", changed, "-after", demo("network-interfaces.json")},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command("go", append([]string{"run", "./sg/cmd/sgsim"}, args...)...)
			cmd.Dir = "../../.."
			out, err := cmd.CombinedOutput()
			page := filepath.Join(dir, name)
			require.FileExists(t, page, "%v: %s", err, out)
			for _, width := range []int64{390, 1440} {
				p := open(t, "file://"+page, width)
				p.until(`document.querySelector('main')`)
				for _, dark := range []bool{false, true} {
					p.dark(dark)
					p.accessible(name)
				}
				assert.Empty(t, say[[]string](p, `performance.getEntriesByType('resource').map((e) => e.name).filter((n) => !n.startsWith('data:'))`), "requests")
				assert.LessOrEqual(t, say[int](p, `document.documentElement.scrollWidth - innerWidth`), 0, "wider than the window")
				if width > 1000 { // nothing is cut off
					assert.Empty(t, say[[]string](p, `[...document.querySelectorAll('.scroll')].filter((e) => e.querySelector('table') && e.scrollWidth > e.clientWidth).map((e) => e.innerText)`), "tables with a scrollbar")
				}
			}
		})
	}
}
