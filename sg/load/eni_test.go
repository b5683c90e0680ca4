package load_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseENI(t *testing.T) {
	got, err := load.ParseENI("id=web, addr=10.0.1.10,addr=2001:db8::10,addr=10.0.1.17/28,group=sg-web,group=sg-all,public=192.0.2.1,nitro=v6," +
		"name=n,vpc=vpc-1,subnet=subnet-1,instance=i-1,account=1,type=efa")
	require.NoError(t, err)
	assert.Equal(t, sg.ENI{
		ID: "web", Name: "n", VPC: "vpc-1", Subnet: "subnet-1", Instance: "i-1", Account: "1", Type: "efa", NitroV6: true,
		Addrs:    []netip.Addr{netip.MustParseAddr("10.0.1.10"), netip.MustParseAddr("2001:db8::10")},
		Prefixes: []netip.Prefix{netip.MustParsePrefix("10.0.1.16/28")},
		Public:   []netip.Addr{netip.MustParseAddr("192.0.2.1")},
		Groups:   []sg.GroupID{"sg-web", "sg-all"},
	}, got)
}

func TestParseENIErrors(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"", `interface "": "": want key=value`},
		{"group=g", `interface "group=g": has no id`},
		{"id=a,group=g,addr=10.0.0", `interface "id=a,group=g,addr=10.0.0": addr=10.0.0: not an IP address`},
		{"id=a,group=g,addr=fe80::1%eth0", `interface "id=a,group=g,addr=fe80::1%eth0": addr=fe80::1%eth0: not an IP address`},
		{"id=a,group=g,addr=10.0.0/8", `interface "id=a,group=g,addr=10.0.0/8": addr=10.0.0/8: not a CIDR block`},
		{"id=a,group=g,id=b", `interface "id=a,group=g,id=b": id=b: a second id`},
		{"id=a,group=g,nitro=v7", `interface "id=a,group=g,nitro=v7": nitro=v7: the only generation that makes a difference is "v6"`},
		{"id=a,group=g,ip=1", `interface "id=a,group=g,ip=1": ip=1: unknown key: want id, addr, group, public, name, vpc, subnet, instance, account, type or nitro`},
		{"id=a,group=", `interface "id=a,group=": "group=": want key=value`},
	} {
		_, err := load.ParseENI(tc.in)
		require.Error(t, err, tc.in)
		first, _, _ := strings.Cut(err.Error(), "\n")
		assert.Equal(t, tc.want, first)
	}
	_, err := load.ParseENI("x,addr=y")
	assert.Len(t, strings.Split(err.Error(), "\n"), 3, "all at once: %v", err)
}

// An interface by hand adds to one of the inputs, and may name groups.
func TestAddENI(t *testing.T) {
	l := load.New()
	l.Add("1.json", strings.NewReader(`{"SecurityGroups": [{"GroupId": "sg-1", "GroupName": "web"}, {"GroupId": "sg-2", "GroupName": "twin"}, {"GroupId": "sg-3", "GroupName": "twin"}]}`))
	l.Add("2.json", strings.NewReader(`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1", "Groups": [{"GroupId": "sg-2"}]}]}`))
	for _, s := range []string{"id=eni-1,addr=10.0.0.2,group=web", "id=eni-1,nitro=v6", "id=eni-2,addr=10.0.0.3,group=sg-1,group=twin"} {
		e, err := load.ParseENI(s)
		require.NoError(t, err)
		l.AddENI(e)
	}
	got := must(t, resultOf(l.Topology()))
	assert.Equal(t, `group sg-1 name=web
group sg-2 name=twin
group sg-3 name=twin
eni eni-1 10.0.0.1 10.0.0.2 sg-2 sg-1 nitro-v6
eni eni-2 10.0.0.3 sg-1 group=twin
`, got.text)
}

// SG-10: an interface has a group, its own or one of the inputs.
func TestAddENIWithoutGroup(t *testing.T) {
	e, err := load.ParseENI("id=eni-1,addr=10.0.0.2")
	require.NoError(t, err)
	l := load.New()
	l.AddENI(e)
	_, _, err = l.Topology()
	assert.EqualError(t, err, "interface eni-1: has no group, and no input has an interface of this id that has one (MissingParameter)")
}
