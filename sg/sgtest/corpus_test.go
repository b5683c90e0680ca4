package sgtest_test

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/sgtest"
)

var update = flag.Bool("update", false, "rewrite what the scenarios in testdata expect")

// TestScenarios runs the corpus. STATEMENTS.md says which file shows what.
func TestScenarios(t *testing.T) {
	if *update {
		require.NoError(t, sgtest.UpdateDir("../testdata"))
	}
	sgtest.RunDir(t, "../testdata")
}
