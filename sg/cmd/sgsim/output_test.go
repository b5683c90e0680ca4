package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// No output may destroy what is read, or another output.
func TestOutputInUse(t *testing.T) {
	topology, packets := vpc(t), pcapFile(t, askWeb, askSSH)
	entries := write(t, "entries.json", []byte(`{"Entries": [{"Cidr": "10.0.0.0/8"}]}`))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Link(packets, link))
	out := filepath.Join(t.TempDir(), "out.pcap")
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"capture":     {[]string{"-accepted", packets, packets}, packets + ": is one of the captures that are read\n"},
		"hard link":   {[]string{"-dropped", link, packets}, link + ": is one of the captures that are read\n"},
		"redirected":  {[]string{"-dropped", packets, "-"}, packets + ": is one of the captures that are read\n"},
		"topology":    {[]string{"-accepted", topology, packets}, topology + ": is one of the topology's files\n"},
		"entries":     {[]string{"-topology", "pl-1=" + entries, "-accepted", entries, packets}, entries + ": is one of the topology's files\n"},
		"each other":  {[]string{"-accepted", out, "-dropped", out, packets}, out + ": is where the accepted packets go\n"},
		"annotated":   {[]string{"-annotated", packets, packets}, packets + ": is one of the captures that are read\n"},
		"and dropped": {[]string{"-dropped", out, "-annotated", out, packets}, out + ": is where the dropped packets go\n"},
		"kept intact": {[]string{"-accepted", packets, "-dropped", t.TempDir(), link}, packets + ": is one of the captures that are read\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var before [][]byte
			for _, file := range []string{topology, packets, entries} {
				b, err := os.ReadFile(file)
				require.NoError(t, err)
				before = append(before, b)
			}
			stdin, err := os.Open(packets)
			require.NoError(t, err)
			defer stdin.Close()
			cmd := exec.Command(sgsim, append([]string{"replay", "-topology", topology}, c.args...)...)
			cmd.Stdin = stdin
			_, err = cmd.Output()
			failed := &exec.ExitError{}
			require.ErrorAs(t, err, &failed)
			assert.Equal(t, exitInput, failed.ExitCode())
			assert.Equal(t, c.want, string(failed.Stderr))
			for i, file := range []string{topology, packets, entries} {
				b, err := os.ReadFile(file)
				require.NoError(t, err)
				assert.Equal(t, before[i], b, "%s is as it was", file)
			}
		})
	}
}

// An output is emptied only when both can be written, and is then written anew.
func TestOutputReplaced(t *testing.T) {
	packets := pcapFile(t, askWeb)
	old := write(t, "old.pcap", make([]byte, 10000))
	r := runSgsim(t, "replay", "-topology", vpc(t), "-accepted", old, "-dropped", t.TempDir(), packets)
	assert.Equal(t, exitInput, r.status)
	b, err := os.ReadFile(old)
	require.NoError(t, err)
	assert.Equal(t, 10000, len(b))
	r = runSgsim(t, "replay", "-topology", vpc(t), "-accepted", old, "-dropped", os.DevNull, packets)
	assert.Equal(t, exitOK, r.status, r.stderr)
	want, err := os.ReadFile(packets)
	require.NoError(t, err)
	b, err = os.ReadFile(old)
	require.NoError(t, err)
	assert.Equal(t, len(want), len(b))
}
