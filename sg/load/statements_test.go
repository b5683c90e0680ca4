package load_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
)

// The text of a topology is read as it was written, alone and beside listings that say
// the same.
func TestStatements(t *testing.T) {
	text, err := os.ReadFile("testdata/vpc.topo")
	require.NoError(t, err)
	more := "transitgateway tgw-1 vpc-1 unknown=vpc-2 referencing=enable\n"
	full := strings.Replace(string(text), "prefixlist", more+"prefixlist", 1)
	assert.Equal(t, full, must(t, read("vpc.topo|# the site\n\n"+full)).text)
	assert.Equal(t, string(text), must(t, resultOf(load.Files(append([]string{"testdata/vpc.topo"}, vpcFiles...)...))).text)
}

func TestStatementErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		in   []string
		want []string
	}{
		"each line": {[]string{"t|group sg-a\nrule sg-b ingress all self\r\n\ngroup sg-a\neni e 10.0.0.300\nremove group sg-a\nnonsense x\nentry pl-1 10.0.0.0/8\nsubnet v s"}, []string{
			`t:2: rule of group "sg-b", which no line above declares`, "t:4: group sg-a is already at line 1", `t:5: "10.0.0.300": not an IP address`,
			`t:6: "remove": a file has nothing to remove`, `t:7: "nonsense": not a statement about a topology, as "rule sg-web ingress tcp 443 0.0.0.0/0" is`,
			`t:8: entry of prefix list "pl-1", which no line above declares`, `t:9: subnet of VPC "v", which no line above declares`}},
		"a group whose own line is wrong": {[]string{"t|group sg-pub pub\nrule sg-pub ingress tcp 443 0.0.0.0/0\nrule sg-pub ingress tcp 80 0.0.0.0/0\neni e 10.0.0.1 sg-pub"}, []string{
			`t:1: "pub": not understood here: to name it, write name=pub`}},
		"a listing of another moment": {[]string{"t|group sg-a account=1\nrule sg-a ingress tcp 22 10.0.0.0/8\neni eni-1 10.0.0.1 sg-a vpc=v", group("", ""), liveENI("eni-1", "10.0.0.2", "sg-a"), liveVPC}, []string{
			"t:3: eni-1 has different addresses here than at 3.json:1: NetworkInterfaces[0]: give the newer of the two, or prefer one (-prefer FILE)",
			"t:2: sg-a has this rule here, but not at 2.json:1: SecurityGroups[0]: were they printed at different times: give the newer of the two, or prefer one (-prefer FILE)"}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tc.want, read(tc.in...).errors)
		})
	}
	l := load.New()
	l.Add("t", strings.NewReader("# one\ngroup sg-a\nrule sg-a ingress tcp 22 10.0.0.0/8\nrule sg-a ingress tcp 9-8 self\n"))
	topo, _, err := l.Topology()
	require.NoError(t, err)
	assert.Equal(t, load.Place{File: "t", Line: 3}, l.RulePlace("sg-a", sg.Ingress, 0))
	_, err = sg.Compile(topo)
	assert.ErrorContains(t, l.Locate(err), "t:4: ")
}
