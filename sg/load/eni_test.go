package load_test

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseENI(t *testing.T) {
	want := sg.ENI{
		ID: "web", Name: "n, m", VPC: "vpc-1", Subnet: "subnet-1", Instance: "i-1", Account: "1", Type: "efa", NitroV6: true,
		Addrs:    []netip.Addr{netip.MustParseAddr("10.0.1.10"), netip.MustParseAddr("2001:db8::10")},
		Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.1.16/28")},
		Public:   []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		Groups:   []sg.GroupID{"sg-web", "all"},
		Timeouts: conntrack.Timeouts{UDP: 40 * time.Second},
	}
	for _, text := range []string{
		`id=web, addr=10.0.1.10,addr=2001:db8::10,addr=10.0.1.16/28,group=sg-web,group=all,public=192.0.2.1,nitro-v6,name="n, m",vpc=vpc-1,subnet=subnet-1,instance=i-1,account=1,type=efa,udp=40s`,
		`web 10.0.1.10 2001:db8::10 10.0.1.16/28 sg-web group=all public=192.0.2.1 nitro-v6 name="n, m" vpc=vpc-1 subnet=subnet-1 instance=i-1 account=1 type=efa udp=40s`,
	} {
		got, err := load.ParseENI(text)
		require.NoError(t, err)
		assert.Equal(t, want, got)
	}

	for _, group := range []sg.GroupID{"sg-web", "aws_security_group.web", `module.vpc["a"].aws_default_security_group.this[0]`} {
		e, err := load.ParseENI("web 10.0.1.10 " + string(group))
		require.NoError(t, err)
		assert.Equal(t, []sg.GroupID{group}, e.Groups)
	}

	e, err := load.ParseENI("nitro-v6 addr=10.0.0.1")
	require.NoError(t, err)
	assert.Equal(t, sg.ENIID("nitro-v6"), e.ID, "the first word is the id, whatever it says")
	assert.False(t, e.NitroV6)
}

func TestParseENIErrors(t *testing.T) {
	for in, want := range map[string]string{
		"":                       "an eni has one id",
		"group=g":                "an eni has one id",
		"id=a,group=g,id=b":      "an eni has one id",
		"a id=a":                 "an eni has one id",
		"id=a,10.0.0":            `"10.0.0": not an IP address`,
		"a web.internal":         `"web.internal": not an IP address: for a group write group=web.internal, for a name name=web.internal`,
		"id=a,group=g,addr=10/8": `"10/8": not a CIDR block`,
		"id=a,group=g,nitro=v7":  `"nitro=v7": not understood here, only account=, addr=, group=, id=, instance=, managed, name=, nitro-v6, no-source-dest-check, public=, subnet=, tcp-established=, type=, udp-stream=, udp=, vpc=`,
		`a name="x`:              "column 8: quote without an end",
	} {
		_, err := load.ParseENI(in)
		assert.EqualError(t, err, want, in)
	}
}

// An interface by hand adds to one of the inputs, and may name groups.
func TestAddENI(t *testing.T) {
	l := load.New()
	l.Add("1.json", strings.NewReader(`{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}, {"GroupId": "sg-2", "GroupName": "twin"}, {"GroupId": "sg-3", "GroupName": "twin"}]}`))
	l.Add("2.json", strings.NewReader(`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1", "Groups": [{"GroupId": "sg-2"}]}]}`))
	for _, s := range []string{"id=eni-1,addr=10.0.0.2,group=web", "eni-1 nitro-v6", "id=eni-2,addr=10.0.0.3,group=sg-1"} {
		e, err := load.ParseENI(s)
		require.NoError(t, err)
		l.AddENI("interface "+string(e.ID), e)
	}
	got := must(t, resultOf(l.Topology()))
	assert.Equal(t, `group sg-1 name=web
group sg-2 name=twin
group sg-3 name=twin
eni eni-1 10.0.0.1 10.0.0.2 sg-2 sg-1 nitro-v6
eni eni-2 10.0.0.3 sg-1
`, got.text)
}

// A name that no group has, or two have, is a mistake.
func TestAddENIUnknownGroup(t *testing.T) {
	l := load.New()
	l.Add("1.json", strings.NewReader(`{"SecurityGroups": [{"GroupId": "sg-2", "GroupName": "twin"}, {"GroupId": "sg-3", "GroupName": "twin"}]}`))
	e, err := load.ParseENI("id=eni-2,addr=10.0.0.3,group=twin")
	require.NoError(t, err)
	l.AddENI("-eni", e)
	_, _, err = l.Topology()
	assert.EqualError(t, err, `-eni: "twin": no such group (InvalidGroup.NotFound)`)
}

// SG-10: an interface has a group, its own or one of the inputs.
func TestAddENIWithoutGroup(t *testing.T) {
	e, err := load.ParseENI("id=eni-1,addr=10.0.0.2")
	require.NoError(t, err)
	l := load.New()
	l.AddENI("interface "+string(e.ID), e)
	_, _, err = l.Topology()
	assert.EqualError(t, err, "interface eni-1: has no group, and no input has an interface of this id that has one (MissingParameter)")
}
