package load_test

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/sgsim/sgsim/conntrack"
	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/load"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The VPC of testdata in each form. The plan makes everything anew, with count,
// for_each and a module, so it knows no id but the peer's.
var sources = []struct {
	name     string
	files    []string
	warnings []string
}{
	{"aws", vpcFiles, nil},
	{"state", []string{"testdata/state.json"}, nil},
	{"plan", []string{"testdata/plan.json"}, []string{
		"testdata/plan.json:357: planned_values.root_module.resources[14].values (aws_vpc_peering_connection.monitoring): " +
			"taken to be active once the plan is applied, though vpc-0bb00000000000001 has to accept it"}},
}

// monitoring is what none of the files tells: the peer VPC's group and a member.
func loadVPC(t *testing.T, files []string) (*sg.Topology, []string) {
	t.Helper()
	l := load.New()
	for _, f := range files {
		l.AddFile(f)
	}
	l.Add("peer.json", strings.NewReader(`{"SecurityGroups": [{"GroupId": "sg-0bbbbbbbbbbbbbb01", "GroupName": "monitoring", "OwnerId": "444455556666", "VpcId": "vpc-0bb00000000000001"}]}`))
	e, err := load.ParseENI("id=eni-0bbbbbbbbbbbbbb01,name=monitoring,addr=10.9.0.5,group=sg-0bbbbbbbbbbbbbb01,vpc=vpc-0bb00000000000001")
	require.NoError(t, err)
	l.AddENI("interface "+string(e.ID), e)
	r := resultOf(l.Topology())
	require.Empty(t, r.errors)
	return r.topo, r.warnings
}

// A naming gives ids the names they have in every source.
type naming map[string]string

func names(topo *sg.Topology) naming {
	n := naming{}
	for _, g := range topo.Groups {
		n[string(g.ID)] = "sg-" + cmp.Or(g.Name, "default")
	}
	for _, e := range topo.ENIs {
		n[string(e.ID)] = "eni-" + e.Name
	}
	for _, l := range topo.PrefixLists {
		n[string(l.ID)] = "pl-" + l.Name
	}
	for _, v := range topo.VPCs {
		n[string(v.ID)] = "vpc-main"
		for _, s := range v.Subnets {
			n[string(s.ID)] = "subnet-" + s.CIDRs[0].String()
		}
	}
	for _, p := range topo.Peerings {
		n[string(p.ID)] = "pcx-monitoring"
	}
	return n
}

func rename[T ~string](n naming, id *T) {
	if name, ok := n[string(*id)]; ok {
		*id = T(name)
	}
}

// rule leaves of a rule what all sources know.
func (n naming) rule(r sg.Rule) sg.Rule {
	r.ID, r.Peer.Peering = "", ""
	rename(n, &r.Peer.Group)
	rename(n, &r.Peer.PrefixList)
	return r
}

// comparable leaves of a topology what all sources know, under names, sorted.
func comparable(topo *sg.Topology) []string {
	n := names(topo)
	for i := range topo.Groups {
		g := &topo.Groups[i]
		g.Name, g.Description, g.Account = "", "", ""
		rename(n, &g.ID)
		rename(n, &g.VPC)
		for _, rules := range [][]sg.Rule{g.Ingress, g.Egress} {
			for j := range rules {
				rules[j] = n.rule(rules[j])
			}
		}
	}
	for i := range topo.ENIs {
		e := &topo.ENIs[i]
		e.Account, e.Instance, e.Type, e.Public, e.Timeouts = "", "", "", nil, conntrack.Timeouts{}
		rename(n, &e.ID)
		rename(n, &e.VPC)
		rename(n, &e.Subnet)
		for j := range e.Groups {
			rename(n, &e.Groups[j])
		}
	}
	for i := range topo.VPCs {
		v := &topo.VPCs[i]
		v.Account = ""
		rename(n, &v.ID)
		for j := range v.Subnets {
			rename(n, &v.Subnets[j].ID)
		}
	}
	for i := range topo.Peerings {
		p := &topo.Peerings[i]
		p.RequesterRegion, p.AccepterRegion = "", ""
		rename(n, &p.ID)
		rename(n, &p.Requester)
	}
	topo.PrefixLists = slices.DeleteFunc(topo.PrefixLists, func(l sg.PrefixList) bool { return l.Name != "offices" })
	topo.PrefixLists[0].Owner = ""
	rename(n, &topo.PrefixLists[0].ID)
	return slices.Sorted(strings.Lines(load.FormatText(topo)))
}

func TestSourcesAgree(t *testing.T) {
	var want []string
	for _, src := range sources {
		topo, warnings := loadVPC(t, src.files)
		assert.Equal(t, src.warnings, warnings, src.name)
		got := comparable(topo)
		if want == nil {
			want = got
		}
		assert.Equal(t, want, got, src.name)
	}
}

// Every source decides the same about every kind of packet, for the same rule.
func TestSourcesDecideTheSame(t *testing.T) {
	remotes := []string{
		"10.0.1.10", "10.0.2.10", "10.0.2.11", "10.0.2.20", "10.0.2.70", "10.0.3.10", "10.0.9.3", "10.9.0.5",
		"198.51.100.5", "198.51.100.200", "192.0.2.20", "8.8.8.8", "2001:db8:1:1::10", "2001:db8:9::1",
	}
	type question struct {
		eni, dir, packet string
	}
	var want map[question]string
	for _, src := range sources {
		topo, _ := loadVPC(t, src.files)
		policy, err := sg.Compile(topo)
		require.NoError(t, err)
		n := names(topo)
		got := make(map[question]string)
		accepted := 0
		for _, e := range topo.ENIs {
			for _, remote := range remotes {
				if slices.Contains(e.Addrs, netip.MustParseAddr(remote)) {
					continue // never leaves the interface
				}
				for _, dir := range []sg.Direction{sg.Ingress, sg.Egress} {
					for _, h := range headers(e.Addrs, netip.MustParseAddr(remote), dir) {
						answer := "drop"
						if m, ok := policy.Match(e.ID, dir, &h); ok {
							g := m.Rule.Group()
							rename(n, &g)
							answer = string(g) + " " + n.rule(m.Rule.Rule()).String()
							accepted++
						}
						got[question{e.Name, dir.String(), h.String()}] = answer
					}
				}
			}
		}
		assert.Greater(t, accepted, 100, src.name)
		assert.Greater(t, len(got)-accepted, 100, src.name)
		if want == nil {
			want = got
		}
		assert.Len(t, got, len(want))
		for q, answer := range want {
			if got[q] != answer {
				t.Errorf("%s: %v: %s, want %s", src.name, q, got[q], answer)
			}
		}
	}
}

// headers returns the first packets of connections of all kinds.
func headers(local []netip.Addr, remote netip.Addr, dir sg.Direction) []packet.Header {
	var out []packet.Header
	for _, a := range local {
		if a.Is4() != remote.Is4() {
			continue
		}
		src, dst := remote, a
		if dir == sg.Egress {
			src, dst = a, remote
		}
		from := netip.AddrPortFrom(src, 40000)
		for _, port := range []uint16{22, 80, 443, 5432, 7999, 8000, 8080, 8081, 9100} {
			out = append(out, packet.TCPHeader(from, netip.AddrPortFrom(dst, port), packet.SYN))
		}
		for _, port := range []uint16{53, 54} {
			out = append(out, packet.UDPHeader(from, netip.AddrPortFrom(dst, port)))
		}
		for _, typ := range []uint8{0, 8, 128} {
			out = append(out, packet.ICMPHeader(src, dst, typ, 0, 1))
		}
		break
	}
	return out
}
