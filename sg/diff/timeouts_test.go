package diff_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// What rules let pass may be the same while silent connections end sooner.
func TestTimeouts(t *testing.T) {
	policy := func(flags string) *sg.Policy {
		topo, err := sgtest.ParseTopology("t", "group sg-1\neni a 10.0.0.1 sg-1"+flags+"\neni b 10.0.0.2 sg-1"+flags+"\n")
		require.NoError(t, err)
		p, err := sg.Compile(topo)
		require.NoError(t, err)
		return p
	}
	assert.Empty(t, diff.Policies(policy(""), policy(" tcp-established=432000s udp=30s udp-stream=180s")).Timeouts, "the defaults")
	d := diff.Policies(policy(" udp=40s"), policy(" nitro-v6 udp=30.5s"))
	assert.Empty(t, d.Changes)
	assert.Equal(t, []diff.Timeout{
		{"a", "tcp-established", 432_000 * time.Second, 350 * time.Second}, {"a", "udp", 40 * time.Second, 30500 * time.Millisecond},
		{"b", "tcp-established", 432_000 * time.Second, 350 * time.Second}, {"b", "udp", 40 * time.Second, 30500 * time.Millisecond},
	}, d.Timeouts)
	const said = "idle timeout tcp-established of a-1 (a), b: 432000 s, then 350 s\n"
	var b, m strings.Builder
	o := diff.TextOptions{ENIs: map[sg.ENIID]string{"a": "a-1"}}
	require.NoError(t, d.WriteText(&b, o))
	assert.Equal(t, "the rules do not differ: the same connections open as before\n"+said+"idle timeout udp of a-1 (a), b: 40 s, then 30.5 s\n", b.String())
	require.NoError(t, diff.WriteMarkdown(&m, d, nil, o))
	assert.Contains(t, m.String(), "\n\n"+said)
	b.Reset()
	require.NoError(t, diff.WriteJSON(&b, d, nil))
	assert.Contains(t, strings.Join(strings.Fields(b.String()), " "), `"timeouts": [ { "eni": "a", "name": "tcp-established", "before": 432000, "after": 350 }, { "eni": "a", "name": "udp", "before": 40, "after": 30.5 },`)
	b.Reset()
	require.NoError(t, diff.WriteHTML(&b, d, nil, &diff.PageOptions{TextOptions: o}))
	assert.Contains(t, b.String(), "432000 s, then 350 s")
}
