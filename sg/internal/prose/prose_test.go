package prose

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
)

func TestNames(t *testing.T) {
	n := NamesOf(&sg.Topology{
		Groups: []sg.Group{{ID: "sg-1", Name: "web\x1b"}, {ID: "sg-2", Name: "twice"}, {ID: "sg-3", Name: "twice"}},
		ENIs:   []sg.ENI{{ID: "eni-1", Name: "a"}, {ID: "aws_instance.b", Name: "aws_instance.b"}, {ID: "eni-3"}},
	})
	assert.Equal(t, `web\x1b (sg-1)`, n.Group("sg-1"))
	assert.Equal(t, "sg-2", n.Group("sg-2"), "a name of two groups is none")
	assert.Equal(t, "aws_instance.b", n.ENI("aws_instance.b"))
	assert.Equal(t, "eni-3", n.ENI("eni-3"))
	assert.Equal(t, `a (eni-1): web\x1b (sg-1) ingress[0], sg-2, sg-unknown`+"\n", n.Text("eni-1: sg-1 ingress[0], sg-2, sg-unknown\n"))
	assert.Equal(t, `a: web\x1b ingress[0], sg-2`, n.ShortText("eni-1: sg-1 ingress[0], sg-2"))

	// Of what a plan makes, the address in Terraform is the id.
	n = NamesOf(&sg.Topology{
		Groups: []sg.Group{{ID: "aws_security_group.alb", Name: "alb"}, {ID: `module.a["x"].module.b.aws_security_group.app[0]`, Name: "app"}},
		ENIs:   []sg.ENI{{ID: "aws_instance.web-1", Name: "web"}},
	})
	assert.Equal(t, `alb (aws_security_group.alb) egress[0]: tcp 8080 app (module.a["x"].module.b.aws_security_group.app[0]); web (aws_instance.web-1): say through=aws_instance.web-1`,
		n.Text(`aws_security_group.alb egress[0]: tcp 8080 group=module.a["x"].module.b.aws_security_group.app[0]; aws_instance.web-1: say through=aws_instance.web-1`))
	assert.Equal(t, "group=aws_security_group.none", n.Text("group=aws_security_group.none"))
}

func TestRule(t *testing.T) {
	called := func(id sg.GroupID) string { return "<" + string(id) + ">" }
	for text, want := range map[string]string{
		"tcp 443 0.0.0.0/0 desc=x": "tcp 443 from 0.0.0.0/0",
		"all self":                 "all from self",
		"icmp 8/-1 sg-b":           "icmp 8/-1 from <sg-b>",
	} {
		r, err := sg.ParseRule(text)
		require.NoError(t, err)
		assert.Equal(t, want, Rule(sg.Ingress, r, called))
		assert.Equal(t, strings.Replace(want, " from ", " to ", 1), Rule(sg.Egress, r, called))
	}
}

func TestPlain(t *testing.T) {
	assert.Equal(t, "expired, or began before; see -midstream (RFC 1858)", Plain("expired, or began before (CT-44, CT-45); see -midstream (RFC 1858) (SG-07)"))
}

func TestWrap(t *testing.T) {
	b, col := WrapAt(12, []byte("ab"), " cdéf ghijk averyverylongword x", 2, 3)
	assert.Equal(t, "ab cdéf\n   ghijk\n   averyverylongword\n   x", string(b))
	assert.Equal(t, 4, col)
	b, col = Wrap(nil, "é", 0, 0)
	assert.Equal(t, "é", string(b))
	assert.Equal(t, 1, col)
}
