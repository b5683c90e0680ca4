package load_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the .topo files in testdata")

// vpcFiles are the outputs of the AWS CLI for one invented VPC.
var vpcFiles = []string{
	"testdata/groups.json", "testdata/rules.json", "testdata/enis.json", "testdata/prefix-lists.json",
	"pl-0aa0000000000000a=testdata/offices.json", "testdata/vpcs.json", "testdata/subnets.json", "testdata/peerings.json",
}

// golden compares a topology's text with a file.
func golden(t *testing.T, name string, r result) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(path, []byte(r.text), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), r.text)
}

func TestFiles(t *testing.T) {
	golden(t, "vpc.topo", must(t, resultOf(load.Files(vpcFiles...))))
}

// The files may come in any order, and any of their commands may run first.
func TestFilesInAnyOrder(t *testing.T) {
	want := must(t, resultOf(load.Files(vpcFiles...))).text
	files := slices.Clone(vpcFiles)
	for range files {
		files = append(files[1:], files[0])
		assert.Equal(t, want, must(t, resultOf(load.Files(files...))).text)
		reversed := slices.Clone(files)
		slices.Reverse(reversed)
		assert.Equal(t, want, must(t, resultOf(load.Files(reversed...))).text)
	}
}

// describe-security-group-rules alone gives the same rules. Only what it does not
// tell is missing: the VPC and the description of each group.
func TestRulesAlone(t *testing.T) {
	all := must(t, resultOf(load.Files(vpcFiles...)))
	for i := range all.topo.Groups {
		g := &all.topo.Groups[i]
		g.VPC, g.Description = "", ""
	}
	alone := must(t, resultOf(load.Files(vpcFiles[1:]...)))
	alone.topo.Groups[0].Name = "web"
	assert.Equal(t, load.FormatText(all.topo), load.FormatText(alone.topo))
}

// describe-security-groups alone gives the same rules without ids.
func TestGroupsAlone(t *testing.T) {
	all := must(t, resultOf(load.Files(vpcFiles...)))
	for i := range all.topo.Groups {
		for _, rules := range [][]sg.Rule{all.topo.Groups[i].Ingress, all.topo.Groups[i].Egress} {
			for j := range rules {
				rules[j].ID = ""
			}
		}
	}
	files := slices.Delete(slices.Clone(vpcFiles), 1, 2)
	assert.Equal(t, load.FormatText(all.topo), must(t, resultOf(load.Files(files...))).text)
}

// The topology can be made again, and is not the same memory.
func TestTopologyTwice(t *testing.T) {
	l := load.New()
	for _, f := range vpcFiles {
		l.AddFile(f)
	}
	one := must(t, resultOf(l.Topology()))
	two := must(t, resultOf(l.Topology()))
	assert.Equal(t, one.text, two.text)
	one.topo.Groups[0].Ingress[0].Protocol = sg.UDP
	assert.Equal(t, sg.TCP, two.topo.Groups[0].Ingress[0].Protocol)
}
