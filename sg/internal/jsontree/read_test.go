package jsontree

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Reading UTF-16 takes a few times the memory of what is read, as reading UTF-8 does.
func TestUTF16Memory(t *testing.T) {
	in := "\xff\xfe" + strings.Repeat("a\x00", 4<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, err := ReadText(strings.NewReader(in), func(string) error { return nil })
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	assert.Len(t, out, 4<<20)
	assert.Less(t, (after.TotalAlloc-before.TotalAlloc)/uint64(len(in)), uint64(8))
}
