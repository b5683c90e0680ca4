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
	assert.Equal(t, "Profile(7)", Profile(7).String())
	assert.Equal(t, "fragment", Fragment.String())
	assert.Equal(t, "Class(9)", Class(9).String())
	assert.Equal(t, "ignored", WhyIgnored.String())
	assert.Equal(t, int(WhyIgnored)+1, len(whyText), "every reason has a name")
	assert.Equal(t, "Why(99)", Why(99).String())
}

func TestProfileText(t *testing.T) {
	for p, text := range map[Profile]string{AWS: "aws", Linux: "linux"} {
		b, err := p.MarshalText()
		assert.NoError(t, err)
		assert.Equal(t, text, string(b))
		assert.Equal(t, text, p.String())
		back := Profile(9)
		assert.NoError(t, back.UnmarshalText(b))
		assert.Equal(t, p, back)
	}
	_, err := Profile(2).MarshalText()
	assert.EqualError(t, err, `2: not one of ["aws" "linux"]`)
	p := Linux
	assert.EqualError(t, p.UnmarshalText([]byte("AWS")), `"AWS": not one of ["aws" "linux"]`)
	assert.Equal(t, Linux, p)
}
