package lint_test

import (
	"encoding"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/lint"
)

// Every kind and severity reads back what it writes, and nothing else.
func TestTextForms(t *testing.T) {
	roundTrip[lint.Kind](t, 12)
	roundTrip[lint.Severity](t, 4)
}

func roundTrip[T interface {
	~uint8
	String() string
	encoding.TextMarshaler
}](t *testing.T, n int) {
	seen := map[string]bool{}
	for i := range 256 {
		v := T(i)
		b, err := v.MarshalText()
		if i >= n {
			assert.Error(t, err, "%T %d", v, i)
			continue
		}
		require.NoError(t, err, "%T %d", v, i)
		assert.Equal(t, v.String(), string(b))
		assert.False(t, seen[string(b)], "%T %q", v, b)
		seen[string(b)] = true
		back := ^v
		require.NoError(t, any(&back).(encoding.TextUnmarshaler).UnmarshalText(b))
		assert.Equal(t, v, back)
	}
	v := T(1)
	assert.ErrorContains(t, any(&v).(encoding.TextUnmarshaler).UnmarshalText([]byte("sideways")), `"sideways"`)
	assert.Equal(t, T(1), v, "left alone")
}
