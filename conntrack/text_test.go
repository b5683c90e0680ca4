package conntrack

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNames(t *testing.T) {
	assert.Equal(t, "none", None.String())
	assert.Equal(t, "time_wait", TimeWait.String())
	assert.Equal(t, "stream", Stream.String())
	assert.Equal(t, int(Stream)+1, len(stateText), "every state has a name")
	assert.Equal(t, "State(99)", State(99).String())
	assert.Equal(t, "reply", Reply.String())
	assert.Equal(t, "", Direction(0).String())
	assert.Equal(t, "Direction(9)", Direction(9).String())
}
