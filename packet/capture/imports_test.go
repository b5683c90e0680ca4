package capture

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Package packet is imported by all who decide; it must not bring gopacket's layer
// tables, nor anything else, with it.
func TestPacketNeedsOnlyTheStandardLibrary(t *testing.T) {
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go tool: ", err)
	}
	out, err := exec.Command(goTool, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "github.com/sgsim/sgsim/packet").Output()
	require.NoError(t, err)
	require.Equal(t, "github.com/sgsim/sgsim/packet", strings.TrimSpace(string(out)))

	// And capture needs gopacket, but nothing else.
	out, err = exec.Command(goTool, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "github.com/sgsim/sgsim/packet/capture").Output()
	require.NoError(t, err)
	for dep := range strings.FieldsSeq(string(out)) {
		require.True(t, strings.HasPrefix(dep, "github.com/sgsim/sgsim/packet") || strings.HasPrefix(dep, "github.com/google/gopacket"), dep)
	}
}
