package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var colorRule = regexp.MustCompile(`(?m)^@([^@]+)@frame\.comment matches "([^"@]+)"@\[[0-9,]+\]\[[0-9,]+\]$`)

// Each first comment that there can be has a colour, and no other comment has one.
func TestWiresharkColors(t *testing.T) {
	rules, err := profile.ReadFile("wireshark/colorfilters")
	require.NoError(t, err)
	all := colorRule.FindAllStringSubmatch(string(rules), -1)
	assert.Len(t, all, bytes.Count(rules, []byte("\n@")))
	for comment, want := range map[string]string{
		"drop, no_rule":                            "sgsim: dropped here",
		"drop, bad_direction":                      "sgsim: dropped here",
		"accept, rule; in all drop, no_rule":       "sgsim: passes here, dropped at the next ENI",
		"accept, tracked; in all drop, midstream":  "sgsim: passes here, dropped at the next ENI",
		"unknown, missing_prefix_list":             "sgsim: not known",
		"unknown, cut; in all drop, no_rule":       "sgsim: not known",
		"accept, rule; in all unknown, cut":        "sgsim: not known",
		"not_applicable, no_interface":             "sgsim: no ENI judged it",
		"accept, tracked":                          "sgsim: passes by its connection",
		"accept, related":                          "sgsim: passes by its connection",
		"accept, rule":                             "sgsim: a rule admits it",
		"accept, untracked; in all unknown, cut":   "sgsim: not known",
		"accept, untracked":                        "sgsim: a rule admits it",
		"accept, exempt":                           "sgsim: groups do not filter it",
		"accept, unfiltered":                       "sgsim: groups do not filter it",
		"accept, exempt; in all drop, no_rule":     "sgsim: passes here, dropped at the next ENI",
		"drop, no_rule egress: reply":              "", // of an ENI with a strange name
		"neither end is an ENI of the topology":    "",
		"web ingress: no ingress rule admits it":   "",
		"nearest: web ingress[0]: port 1, had 443": "",
	} {
		got := ""
		for _, rule := range all {
			if regexp.MustCompile(rule[2]).MatchString(comment) {
				got = rule[1]
				break
			}
		}
		assert.Equal(t, want, got, comment)
	}
}

// Nothing of others is overwritten.
func TestWiresharkProfile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profiles", "sgsim")
	for range 2 {
		assert.Equal(t, result{}, runSgsim(t, "wireshark-profile", dir))
	}
	colors := filepath.Join(dir, "colorfilters")
	require.FileExists(t, colors)
	require.NoError(t, os.Remove(colors))
	preferences := filepath.Join(dir, "preferences")
	require.NoError(t, os.WriteFile(preferences, []byte("mine"), 0o644))
	assert.Equal(t, result{stderr: preferences + ": exists already, and differs\n", status: exitInput}, runSgsim(t, "wireshark-profile", dir))
	assert.NoFileExists(t, colors)
	assert.Equal(t, exitUsage, runSgsim(t, "wireshark-profile").status)
}

// Wireshark takes the profile, and its colours and filters find what they are for.
func TestWiresharkReadsProfile(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("no tshark")
	}
	if testing.Short() {
		t.Skip("tshark takes its time to start")
	}
	home := t.TempDir()
	require.Zero(t, runSgsim(t, "wireshark-profile", filepath.Join(home, ".config", "wireshark", "profiles", "sgsim")).status)
	file := filepath.Join(t.TempDir(), "annotated.pcapng")
	r := runSgsim(t, "replay", "-format", "none", "-annotated", file, "-topology", vpc(t),
		pcapFile(t, askWeb, webSays, askSSH, askDB, dbSays, "tcp 10.0.2.20:1 > 10.0.1.10:2 S", strangers, "arp", webMore))
	require.Zero(t, r.status, r.stderr)
	read := func(args ...string) string {
		cmd := exec.CommandContext(t.Context(), tshark, append([]string{"-C", "sgsim", "-r", file}, args...)...)
		cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+filepath.Join(home, ".config"), "LC_ALL=C.UTF-8")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		require.NoError(t, err, stderr.String())
		assert.NotContains(t, stderr.String(), "profile")
		assert.NotContains(t, stderr.String(), "references")
		return string(out)
	}
	assert.Equal(t, `1 sgsim: a rule admits it
2 sgsim: passes by its connection
3 sgsim: dropped here
4 sgsim: a rule admits it
4 sgsim: a rule admits it
5 sgsim: passes by its connection
5 sgsim: passes by its connection
6 sgsim: dropped here
7 sgsim: no ENI judged it
8 sgsim: no ENI judged it
9 sgsim: passes by its connection
`, read("--color", "-T", "fields", "-E", "separator= ", "-e", "frame.packet_id", "-e", "frame.coloring_rule.name"))
	assert.Contains(t, read(), "198.51.100.7 → web          TCP accept, rule 50000 → 443", "names and columns")

	buttons, err := profile.ReadFile("wireshark/dfilter_buttons")
	require.NoError(t, err)
	finds := map[string]int{"Dropped": 2, "No rule": 2, "Not judged": 2, "Opens": 3, "Each packet once": 9}
	for line := range strings.Lines(string(buttons)) {
		fields := strings.Split(strings.Trim(line, "\"\n"), `","`)
		require.Len(t, fields, 4)
		found := read("-Y", strings.ReplaceAll(fields[2], `\x22`, `"`), "-T", "fields", "-e", "frame.number")
		assert.Equal(t, finds[fields[1]], strings.Count(found, "\n"), "%s: %s", fields[1], found)
	}
}
