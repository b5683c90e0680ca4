package conntrack

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

// An answer is a Result by its parts, to be written down in tests.
type answer struct {
	Class                    Class
	Dir                      Direction
	State                    State
	Why                      Why
	Replied, Known, Accepted bool
	Tag                      uint32
}

func answerOf(r Result) answer {
	return answer{r.Class(), r.Dir(), r.State(), r.Why(), r.Replied(), r.Known(), r.Accepted(), r.Tag()}
}

func TestResultText(t *testing.T) {
	assert.Equal(t, "invalid, no_syn", plain(Invalid, WhyNoSYN).String())
	assert.Equal(t, "new", plain(New, WhyNone).String())
	assert.Equal(t, "tracked reply established tag 7, state", about(Tracked, Reply, WhyState, metaOf(6, Established, 7)).String())
	assert.Equal(t, "fragment, accepted true", Result{uint64(Fragment) | resultKnown | resultAccepted}.String())
}
