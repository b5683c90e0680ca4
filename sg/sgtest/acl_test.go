package sgtest_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// failures is a test that goes on and keeps what was said.
type failures struct{ text string }

func (f *failures) Helper()                      {}
func (f *failures) Errorf(s string, args ...any) { f.text += fmt.Sprintf(s, args...) }
func (f *failures) Fatalf(s string, args ...any) { f.text += fmt.Sprintf(s, args...) }

// Claims see ACLs: the SYN arrives, and the answer does not.
func TestACLClaims(t *testing.T) {
	topo, err := sgtest.ParseTopology("topology", `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/24
group sg-1
rule sg-1 ingress tcp 443 10.0.0.0/8
rule sg-1 egress tcp 443 10.0.0.0/8
eni eni-a 10.0.1.10 sg-1 vpc=vpc-1 subnet=subnet-a
eni eni-b 10.0.2.20 sg-1 vpc=vpc-1 subnet=subnet-b
acl acl-b vpc=vpc-1 subnet=subnet-b
aclentry acl-b ingress 100 allow tcp 443 10.0.1.0/24
`)
	require.NoError(t, err)
	var said failures
	n := sgtest.NewNetwork(t, topo, nil)
	assert.False(t, n.Allows(&said, "eni-a", "eni-b", sg.HTTPS))
	assert.Contains(t, said.text, "eni-a reaches eni-b with HTTPS, but the answer does not come back")
	assert.Contains(t, said.text, "acl-b egress: drop, acl_deny")
	assert.Contains(t, said.text, "aclentry acl-b ingress 100 allow tcp 443 10.0.1.0/24")
}
