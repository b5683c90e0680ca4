package sg_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/enum/enumtest"
)

// Every value of a type with names reads back what it writes, and nothing else.
func TestTextForms(t *testing.T) {
	enumtest.RoundTrip[sg.Verdict](t, 4)
	enumtest.RoundTrip[sg.Direction](t, 3)
	enumtest.RoundTrip[sg.Reason](t, 26)
	enumtest.RoundTrip[sg.Midstream](t, 3)
	enumtest.RoundTrip[sg.OnChange](t, 4)
	enumtest.RoundTrip[sg.ACLFragments](t, 3)

	var via sg.Via
	for text, want := range map[string]sg.Via{
		"": {}, "appliance": {Appliance: true}, "tracked": {Tracked: true}, "appliance,tracked": {Appliance: true, Tracked: true},
	} {
		require.NoError(t, via.UnmarshalText([]byte(text)))
		assert.Equal(t, want, via)
		assert.Equal(t, text, via.String())
	}
	require.NoError(t, via.UnmarshalText([]byte("nlb,appliance")))
	assert.Equal(t, "appliance,tracked", via.String())
	assert.ErrorContains(t, via.UnmarshalText([]byte("tracked,")), `""`)
	assert.Equal(t, "appliance,tracked", via.String(), "left alone")

	b, err := json.Marshal(sg.Decision{Verdict: sg.Accept, Reason: sg.OutOfState})
	require.NoError(t, err)
	assert.Contains(t, string(b), `"Verdict":"accept","Reason":"midstream"`)
}

// What becomes of a packet can be printed as it is.
func TestOutcomeString(t *testing.T) {
	fw := explainFirewall(t)
	for _, c := range []struct{ packet, want string }{
		{"tcp 10.0.1.10:40001 > 10.0.2.20:5432 S",
			"accept rule (eni-web egress: accept rule sg-web egress[0]; eni-db ingress: accept rule sg-db ingress[0])"},
		{"tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA",
			"accept tracked (eni-db egress: accept tracked sg-db ingress[0]; eni-web ingress: accept tracked sg-web egress[0])"},
		{"tcp 198.51.100.7:40001 > 10.0.2.20:5432 S", "drop no_rule (eni-db ingress: drop no_rule)"},
		{"tcp 198.51.100.7:40001 > 198.51.100.8:5432 S", "not_applicable no_interface"},
	} {
		outcome := fw.Forward(sent(mustHeader(t, c.packet), start))
		assert.Equal(t, c.want, fmt.Sprint(outcome))
	}
	assert.Equal(t, "drop", fmt.Sprint(sg.Decision{}))
	assert.Equal(t, "drop", fmt.Sprint(sg.Outcome{}))
}
