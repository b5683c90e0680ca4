package lint_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
	"github.com/sgsim/sgsim/sg/lint"
)

func TestHTML(t *testing.T) {
	topo := &sg.Topology{
		Groups: []sg.Group{{ID: "sg-1", Name: "</script>\u202e", Ingress: []sg.Rule{
			sg.HTTPS.From(sg.AnyIPv4), {ID: `sgr-" onload="x`, Protocol: sg.TCP, Ports: sg.Port(443), Peer: sg.AnyIPv4}, sg.SSH.From(sg.FromGroup("sg-<gone>")),
		}}},
	}
	o := &lint.WriteOptions{Topology: topo, Inputs: []string{"dir/<b>.json"}, Place: func(lint.Subject) lint.Place { return lint.Place{File: "<b>.json", Line: 7} }}
	findings := lint.Check(topo)
	require.NotEmpty(t, findings)
	var b, doc bytes.Buffer
	require.NoError(t, lint.WriteHTML(&b, findings, o))
	page := pagetest.Read(b.Bytes())
	assert.Empty(t, page.Problems)
	for _, want := range []string{"<b>.json:7", "1 group with 3 rules", `</script>\u202e (sg-1) ingress sgr-" onload="x, tcp 443 from 0.0.0.0/0`, "duplicate", "dangling", "The other: <b>.json:7: ", "Who may talk to whom"} {
		assert.Contains(t, page.Text, want)
	}
	require.NoError(t, lint.WriteJSON(&doc, findings, o))
	assert.JSONEq(t, doc.String(), string(page.JSON))
	for _, write := range []func(io.Writer, []lint.Finding, *lint.WriteOptions) error{lint.WriteHTML, lint.WriteJSON, lint.WriteText} {
		b.Reset()
		require.NoError(t, write(&b, findings, nil))
		assert.Contains(t, b.String(), "sg-1")
	}

	b.Reset()
	require.NoError(t, lint.WriteHTML(&b, nil, &lint.WriteOptions{Topology: &sg.Topology{}}))
	page = pagetest.Read(b.Bytes())
	assert.Empty(t, page.Problems)
	assert.Contains(t, page.Text, "Nothing was found.")
}
