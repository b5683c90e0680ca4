package lint

import (
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every key of findings is described.
func TestJSONIsDescribed(t *testing.T) {
	doc, err := os.ReadFile("../cmd/sgsim/JSON.md")
	require.NoError(t, err)
	keys := 0
	for _, s := range []reflect.Type{reflect.TypeFor[checkJSON](), reflect.TypeFor[findingJSON](), reflect.TypeFor[subjectJSON]()} {
		for i := range s.NumField() {
			if key, _, _ := strings.Cut(s.Field(i).Tag.Get("json"), ","); key != "" {
				assert.Contains(t, string(doc), "`"+key+"`", "of %v", s)
				keys++
			}
		}
	}
	assert.Greater(t, keys, 20)
}
