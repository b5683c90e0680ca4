package main

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What a command says of a topology is the same where that comes on standard input.
func TestTopologyOnStandardInput(t *testing.T) {
	packets := pcapFile(t, askWeb, askSSH)
	for _, args := range [][]string{
		{"check", "-fail-on", "all", "-topology"},
		{"explain", "-topology", "", askWeb},
		{"explain", "-packet", "2", "-topology", "", packets},
		{"graph", "-topology"},
		{"replay", "-topology", "", packets},
		{"replay", "-prefer", "", "-topology", "", packets},
		{"diff", "-option", "nitro-v6", "-before", "", packets},
	} {
		with := func(name string) []string {
			all := append([]string{}, args...)
			for i := range all {
				if all[i] == "" {
					all[i] = name
				}
			}
			if len(all) == len(args) && args[len(args)-1] == "-topology" {
				all = append(all, name)
			}
			return all
		}
		want := runSgsim(t, with(vpc(t))...)
		require.NotEqual(t, exitUsage, want.status, "%s", want.stderr)
		got := runWith(t, []byte(vpcJSON), with("-")...)
		assert.Equal(t, want.status, got.status, "%v: %s", args, got.stderr)
		assert.Equal(t, want.stdout, got.stdout, "%v", args)
	}

	// Both worlds of a plan are in it.
	plan, err := os.ReadFile("testdata/plan-replaced.json")
	require.NoError(t, err)
	for _, prefer := range [][]string{nil, {"-prefer", "plan"}} {
		name := func(plan string) []string {
			args := []string{"diff", "-plan", plan}
			if prefer != nil {
				args = append(args, "-prefer", plan)
			}
			return args
		}
		want := runSgsim(t, name("testdata/plan-replaced.json")...)
		require.Zero(t, want.status, "%s", want.stderr)
		require.NotEmpty(t, want.stdout)
		assert.Equal(t, want.stdout, runWith(t, plan, name("-")...).stdout)
	}

	entries := `{"Entries": [{"Cidr": "198.51.100.0/24"}]}`
	list := write(t, "list.txt", []byte("group sg-a\nrule sg-a ingress tcp 22 pl-1\nprefixlist pl-1 incomplete\neni e 10.0.0.1 sg-a\n"))
	r := runWith(t, []byte(entries), "explain", "-topology", list, "-topology", "pl-1=-", "tcp 198.51.100.7:1 > e:22")
	assert.Contains(t, r.stdout, "S: accept, rule", "%s", r.stderr)
}

// A topology that is read once is not kept beside what was read of it.
func TestStandardInputIsNotKept(t *testing.T) {
	for _, c := range []struct {
		kept bool
		args []string
	}{
		{false, []string{"check", "-topology", "-"}},
		{false, []string{"explain", "-topology", "-", askWeb}},
		{true, []string{"diff", "-option", "nitro-v6", "-before", "-", pcapFile(t, askWeb)}},
	} {
		program := &tool{ctx: t.Context(), stdin: strings.NewReader(vpcJSON), stdout: io.Discard, stderr: io.Discard}
		assert.NotEqual(t, exitInput, program.run(c.args))
		assert.Equal(t, c.kept, program.topologyText != nil, "%v", c.args)
	}
}

func TestStandardInputMessages(t *testing.T) {
	const once = "standard input can be read only once"
	for _, c := range []struct {
		status int
		says   string
		args   []string
	}{
		{exitUsage, once, []string{"check", "-topology", "-", "-topology", "pl-1=-"}},
		{exitUsage, once, []string{"replay", "-topology", "-", "-"}},
		{exitUsage, once, []string{"graph", "-topology", "-", "-"}},
		{exitUsage, once, []string{"explain", "-packet", "1", "-topology", "-", "-"}},
		{exitUsage, once, []string{"diff", "-before", "-", "-after", "-"}},
		{exitUsage, once, []string{"diff", "-plan", "-", "-before", "-"}},
		{exitUsage, once, []string{"diff", "-before", "-", "-after", vpc(t), "-then", "10:00=-", "x.pcap"}},
		{exitInput, "standard input:1:1: empty", []string{"check", "-topology", "-"}},
		{exitInput, "standard input:1:1: empty", []string{"diff", "-plan", "-", "-prefer", "-"}},
		{exitInput, "standard input: is preferred, but is not an input", []string{"check", "-topology", vpc(t), "-prefer", "-"}},
		{exitInput, "none.json: no such file", []string{"diff", "-plan", "none.json", "-prefer", "none.json"}},
	} {
		r := runSgsim(t, c.args...)
		assert.Equal(t, c.status, r.status, "%v", c.args)
		assert.Regexp(t, `\A[^\n]*`+c.says+`[^\n]*\n\z`, r.stderr, "%v", c.args)
		assert.Empty(t, r.stdout, "%v", c.args)
	}
}
