package main

import (
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The drawings of the README are what the commands before them print.
func TestReadmeDrawings(t *testing.T) {
	blocks := readmeBlocks(t)
	drawings := 0
	for i, b := range blocks {
		if b.language != "mermaid" {
			continue
		}
		drawings++
		args, ok := strings.CutPrefix(strings.TrimSpace(blocks[i-1].text), "go run ./sg/cmd/sgsim ")
		require.True(t, ok, "%s is not the command of a drawing", blocks[i-1].text)
		cmd := exec.Command(sgsim, strings.Fields(args)...)
		cmd.Dir = root
		out, err := cmd.Output()
		require.NoError(t, err)
		assert.Equal(t, b.text, string(out))
	}
	assert.Equal(t, 3, drawings)
}

func TestGraph(t *testing.T) {
	topology := vpc(t)
	r := runSgsim(t, "graph", "-topology", topology)
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, `  n1 ==>|"tcp 5432"| n0`)
	assert.NotContains(t, r.stdout, "packets")

	r = runSgsim(t, "graph", "-topology", topology, "-of", "db")
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, "tcp 5432")
	assert.NotContains(t, r.stdout, "tcp 443", "not about db")

	r = runSgsim(t, "graph", "-topology", topology, "-by", "vpc", "-format", "dot")
	assert.Zero(t, r.status, r.stderr)
	assert.Contains(t, r.stdout, `label="no VPC\n2 groups\n2 interfaces\n2 rules among them"`)
}

func TestGraphHits(t *testing.T) {
	topology, packets := vpc(t), pcap(t, askWeb, webSays, askMore, askDB, dbSays, askSSH)
	for _, args := range [][]string{{write(t, "x", packets)}, {"-"}, {"-midstream", "pass", "-"}} {
		r := runWith(t, packets, append([]string{"graph", "-format", "svg", "-topology", topology}, args...)...)
		assert.Zero(t, r.status, r.stderr)
		assert.Contains(t, r.stdout, "tcp 443: 3 packets")
		assert.Contains(t, r.stdout, "tcp 5432: 2 packets")
		assert.Contains(t, r.stdout, ">unused<")
		assert.Contains(t, r.stdout, ">dropped<")
		assert.Contains(t, r.stdout, "tcp 22: 1 packet dropped")
		d := xml.NewDecoder(strings.NewReader(r.stdout))
		var err error
		for err == nil {
			_, err = d.Token()
		}
		assert.Equal(t, io.EOF, err)
	}
}

func TestGraphErrors(t *testing.T) {
	topology := vpc(t)
	for _, c := range []struct {
		status int
		says   string
		args   []string
	}{
		{exitUsage, "no -topology", nil},
		{exitUsage, "-format png: not one of mermaid, dot, svg", []string{"-topology", topology, "-format", "png"}},
		{exitUsage, `not one of ["auto" "group" "vpc"]`, []string{"-topology", topology, "-by", "tag"}},
		{exitUsage, "-of nobody: ", []string{"-topology", topology, "-of", "nobody"}},
		{exitUsage, "standard input can be read only once", []string{"-topology", topology, "-", "-"}},
		{exitInput, "none.pcap", []string{"-topology", topology, "none.pcap"}},
		{exitInput, "not a pcap", []string{"-topology", topology, topology}},
		{exitInput, "port range", []string{"-topology", write(t, "bad.json", []byte(strings.Replace(vpcJSON, `"ToPort": 443`, `"ToPort": 1`, 1)))}},
	} {
		r := runSgsim(t, append([]string{"graph"}, c.args...)...)
		assert.Equal(t, c.status, r.status, c.args)
		assert.Contains(t, r.stderr, c.says)
		assert.Empty(t, r.stdout)
	}
}

// Drawings count all drops, not only those of the senders that the report lists.
func TestGraphManyDrops(t *testing.T) {
	var packets []string
	for i := range 300 {
		packets = append(packets, fmt.Sprintf("tcp 198.51.%d.%d:40000 > 10.0.1.10:22 S", i>>8, i&255))
	}
	file := pcapFile(t, packets...)
	r := runSgsim(t, "graph", "-topology", vpc(t), file)
	assert.Contains(t, r.stdout, "tcp 22: 300 packets dropped", r.stderr)
	page := filepath.Join(t.TempDir(), "x.html")
	r = runSgsim(t, "replay", "-format", "none", "-topology", vpc(t), "-html", page, file)
	require.Zero(t, r.status, r.stderr)
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Contains(t, string(text), "tcp 22: 300 packets dropped")
}
