package load_test

import (
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What Compile refuses is told with its place in the file.
func TestLocate(t *testing.T) {
	for _, tc := range []struct {
		name string
		in   []string
		want string
	}{
		{"timeout of an interface",
			[]string{`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Groups": [], "ConnectionTrackingConfiguration": {"UdpTimeout": 5}}]}`},
			`1.json:1: NetworkInterfaces[0]: eni-1: idle timeout out of range`},
		{"one address on two interfaces",
			[]string{`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.0.1"},` + "\n" + `{"NetworkInterfaceId": "eni-2", "PrivateIpAddress": "10.0.0.1"}]}`},
			`1.json:2: NetworkInterfaces[1]: eni-2: `},
		{"entry of another family",
			[]string{`{"PrefixLists": [{"PrefixListId": "pl-1", "AddressFamily": "IPv6"}]}`, "pl-1=e.json|{\"Entries\": [{\"Cidr\": \"2001:db8::/32\"},\n{\"Cidr\": \"10.0.0.0/8\"}]}"},
			`e.json:2: Entries[1]: pl-1: entry 1: `},
		{"prefix list",
			[]string{`{"PrefixLists": [{"PrefixListId": "pl-1", "MaxEntries": -1}]}`},
			`1.json:1: PrefixLists[0]: pl-1: `},
		{"entry of a network ACL",
			[]string{"group sg-a\nvpc vpc-1 10.0.0.0/16\nacl acl-1 vpc=vpc-1\naclentry acl-1 egress 5 allow tcp 22 0.0.0.0/0\naclentry acl-1 egress 7 allow tcp 0.0.0.0/0\n"},
			`1.json:5: acl-1: egress entry 7: tcp and udp need ports`},
		{"default network ACLs",
			[]string{"group sg-a\nvpc vpc-1 10.0.0.0/16\nacl acl-1 vpc=vpc-1 default\nacl acl-2 vpc=vpc-1 default\n"},
			`1.json:4: acl-2: the VPC has another default network ACL`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := load.New()
			for i, doc := range tc.in {
				name, text, ok := strings.Cut(doc, "|")
				if !ok {
					name, text = string(rune('1'+i))+".json", doc
				}
				l.Add(name, strings.NewReader(text))
			}
			topo, _, err := l.Topology()
			require.NoError(t, err)
			_, err = sg.Compile(topo)
			require.Error(t, err)
			located := l.Locate(err)
			assert.Contains(t, located.Error(), tc.want)
			assert.True(t, strings.HasPrefix(located.Error(), tc.want), located.Error())
		})
	}
}

func TestLocateRules(t *testing.T) {
	l := load.New()
	l.Add("g.json", strings.NewReader(group(`{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/8"},`+"\n"+`{"CidrIp": "10.1.0.0/16"}]}`, "")))
	_, _, err := l.Topology()
	require.NoError(t, err)
	_, invalid := sg.Compile(&sg.Topology{Groups: []sg.Group{{ID: "sg-a", Ingress: []sg.Rule{{}}}}})
	var rule *sg.Error
	require.ErrorAs(t, invalid, &rule)
	rule.Item = 1
	other := errors.New("other")
	located := l.Locate(errors.Join(rule, other, &sg.Error{Part: "group", ID: "sg-a", Item: -1, Err: errors.New("duplicate id")}))
	assert.EqualError(t, located, `g.json:2: SecurityGroups[0].IpPermissions[0].IpRanges[1]: sg-a: ingress rule 1: no protocol (InvalidParameterValue)
other
g.json:1: SecurityGroups[0]: sg-a: duplicate id`)
	assert.ErrorIs(t, located, sg.ErrInvalid)
	assert.ErrorIs(t, located, other)
	assert.Same(t, other, l.Locate(other))
	assert.Equal(t, 2, l.RulePlace("sg-a", sg.Ingress, 1).Line)
	assert.True(t, l.RulePlace("sg-a", sg.Egress, 0).IsZero())
}

// What Compile would refuse is told together with what cannot be read.
func TestLocateBesideErrors(t *testing.T) {
	got := read(`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "0.0.0.0"}, {"NetworkInterfaceId": ""}]}`)
	assert.Equal(t, []string{
		"1.json:1: NetworkInterfaces[1].NetworkInterfaceId: is empty",
		`1.json:1: NetworkInterfaces[0]: eni-1: address "0.0.0.0": not the address of an interface (InvalidParameterValue)`,
	}, got.errors)
}

// AWS knows a group that no input holds.
func TestMissingGroupWarns(t *testing.T) {
	got := read(`{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "Groups": [{"GroupId": "sg-x"}]}]}`)
	assert.Empty(t, got.errors)
	assert.Contains(t, got.warnings, "1.json:1: NetworkInterfaces[0]: eni-1 carries sg-x, which no input holds: what its other groups do not admit is unknown there (InvalidGroup.NotFound)")
}

// A group that nothing declares may be in the input that could not be read.
func TestUnreadInputs(t *testing.T) {
	eni := sg.ENI{ID: "eni-1", Addrs: []netip.Addr{netip.MustParseAddr("10.0.0.1")}, Groups: []sg.GroupID{"sg-x"}}
	for name, text := range map[string]string{
		"no JSON":        `{"SecurityGroups": [`,
		"not understood": `{"Instances": []}`,
	} {
		t.Run(name, func(t *testing.T) {
			l := load.New()
			l.Add("g.json", strings.NewReader(text))
			l.AddENI("interface "+string(eni.ID), eni)
			l.AddENI("interface eni-2", sg.ENI{ID: "eni-2"})
			_, _, err := l.Topology()
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "no such group")
			assert.NotContains(t, err.Error(), "eni-")
		})
	}
	l := load.New()
	l.AddENI("interface "+string(eni.ID), eni)
	l.AddENI("interface eni-2", sg.ENI{ID: "eni-2"})
	_, _, err := l.Topology()
	assert.ErrorContains(t, err, "no such group", "all was read")
	assert.ErrorContains(t, err, "eni-2: has no group")
}

// A prefix list whose entries no input has is incomplete, an empty one is not.
func TestIncompleteLists(t *testing.T) {
	l := load.New()
	l.Add("g.json", strings.NewReader(group(`{"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "pl-1"}, {"PrefixListId": "pl-2"}, {"PrefixListId": "pl-3"}]}`, "")))
	l.Add("l.json", strings.NewReader(`{"PrefixLists": [{"PrefixListId": "pl-1", "AddressFamily": "IPv4", "MaxEntries": 5}]}`))
	l.Add("pl-2=e.json", strings.NewReader(`{"Entries": []}`))
	topo, warnings, err := l.Topology()
	require.NoError(t, err)
	assert.Len(t, warnings, 2, "%v", warnings)
	complete := map[sg.PrefixListID]bool{}
	for _, p := range topo.PrefixLists {
		complete[p.ID] = !p.Incomplete
	}
	assert.Equal(t, map[sg.PrefixListID]bool{"pl-1": false, "pl-2": true, "pl-3": false}, complete)
}
