package lint_test

import (
	"testing"

	"github.com/sgsim/sgsim/sg/internal/enum/enumtest"
	"github.com/sgsim/sgsim/sg/lint"
)

// Every kind and severity reads back what it writes, and nothing else.
func TestTextForms(t *testing.T) {
	enumtest.RoundTrip[lint.Kind](t, 12)
	enumtest.RoundTrip[lint.Severity](t, 4)
}
