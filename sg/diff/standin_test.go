package diff_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/diff"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const pending = `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/28
subnet vpc-1 subnet-6 10.0.3.0/28 2001:db8:0:3::/64
group sg-app vpc=vpc-1
group sg-db vpc=vpc-1
rule sg-app egress all 0.0.0.0/0
rule sg-app ingress tcp 80 2001:db8::/32
rule sg-db ingress tcp 5432 sg-app
rule sg-db ingress tcp 22 10.0.1.0/24
rule sg-db ingress tcp 9100 10.0.1.16/28
rule sg-db ingress udp 53 10.0.1.0/30
rule sg-db ingress udp 123 10.0.1.77/32
rule sg-db ingress tcp 25 10.0.0.0/9
eni other 10.0.1.4 10.0.1.77 sg-db vpc=vpc-1
eni app-0 sg-app vpc=vpc-1 subnet=subnet-a
eni app-1 sg-app vpc=vpc-1 subnet=subnet-a
eni six sg-app vpc=vpc-1 subnet=subnet-6
eni loose sg-app vpc=vpc-1
eni nowhere sg-app
eni db sg-db vpc=vpc-1 subnet=subnet-b
`

func TestStandIns(t *testing.T) {
	parse := func(text string) *sg.Topology {
		topo, err := sgtest.ParseTopology("t", text)
		require.NoError(t, err)
		return topo
	}
	before, after := parse(strings.Replace(pending, "eni db sg-db", "eni db 10.0.2.9 sg-db", 1)), parse(strings.ReplaceAll(pending, "eni app-1 ", "rule sg-db ingress tcp 99 10.0.2.0/29\nrule sg-db ingress tcp 99 10.0.2.8/29\neni app-2 "))
	p := diff.StandIns(before, after, nil)
	require.NotNil(t, p)
	assert.Equal(t, "[{10.0.0.4 loose} {10.0.1.5 app-0} {10.0.1.6 app-2} {10.0.1.7 app-1} {10.0.3.4 six} {10.128.0.0 nowhere}]", fmt.Sprint(p.StandIns))
	assert.Equal(t, []sg.ENIID{"db"}, p.Without, "rules single out all of its subnet")
	assert.Equal(t, []sg.ENIID{"loose", "nowhere"}, p.Unplaced, "their subnets are not in the input")
	assert.Equal(t, []sg.ENIID{"db", "loose", "nowhere"}, p.Undecided())
	var b strings.Builder
	first, err := sg.Compile(before)
	require.NoError(t, err)
	second, err := sg.Compile(after)
	require.NoError(t, err)
	d := diff.Policies(first, second)
	d.Pending = p
	require.NoError(t, d.WriteText(&b, diff.TextOptions{ENIs: map[sg.ENIID]string{"loose": "loose-1"}}))
	said := strings.Join(strings.Fields(b.String()), " ")
	for _, want := range []string{
		"made-up addresses stand in for those that AWS has yet to choose: 10.0.0.4 for loose-1 (loose), 10.0.1.5 for app-0, 10.0.1.6 for app-2, 10.0.1.7 for app-1, and 2 more",
		"AWS has yet to choose the address of db, and rules single out all that it may choose: rules that name their groups are not compared; -eni can give an address",
		"no input has the subnet of loose-1 (loose), nowhere, and rules tell apart the addresses that AWS may choose there: what these rules let pass is not decided; add describe-subnets",
	} {
		assert.Contains(t, said, want)
	}
	for _, topo := range []*sg.Topology{before, after} {
		assert.Equal(t, "[10.0.1.5]", fmt.Sprint(topo.ENIs[1].Addrs), "the same before and after")
		_, err := sg.Compile(topo)
		assert.NoError(t, err)
	}
	assert.Nil(t, diff.StandIns(parse("eni a 10.0.0.1 managed\neni b managed type=efa-only"), parse("eni a 10.0.0.1 managed"), nil))
}

// Subnets of a large plan are many, and nothing tells the addresses of some.
func TestStandInsOfMany(t *testing.T) {
	const places = 1000
	text := "vpc vpc-1 10.0.0.0/8\ngroup sg-a vpc=vpc-1\n"
	for i := range 3 * places {
		if i < places-1 {
			text += fmt.Sprintf("subnet vpc-1 subnet-%d 10.%d.%d.0/28\neni at-%d 10.%[2]d.%[3]d.4 sg-a vpc=vpc-1\n", i, i/100, i%100, i)
		}
		text += fmt.Sprintf("eni eni-%d sg-a vpc=vpc-1 subnet=subnet-%d\n", i, i)
	}
	topo, err := sgtest.ParseTopology("t", text)
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	p := diff.StandIns(topo, topo, nil)
	runtime.ReadMemStats(&after)
	assert.Empty(t, p.Undecided())
	assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(50), "MB")
	_, err = sg.Compile(topo)
	assert.NoError(t, err)
}

// Subnets that share addresses, for all that is known, share no made-up ones.
func TestStandInsOfPlacesThatOverlap(t *testing.T) {
	for _, subnets := range []string{"", "subnet vpc-1 s1 10.0.0.0/24\n", "subnet vpc-1 s1 10.0.0.0/24\nsubnet vpc-1 s2 10.0.0.0/24\n"} {
		topo, err := sgtest.ParseTopology("t", "vpc vpc-1 10.0.0.0/24\n"+subnets+"group sg-a vpc=vpc-1\n"+
			"eni a sg-a vpc=vpc-1 subnet=s1\neni b sg-a vpc=vpc-1 subnet=s2\neni c sg-a vpc=vpc-1 subnet=s1\neni d sg-a vpc=vpc-1 subnet=s2")
		require.NoError(t, err)
		assert.Len(t, diff.StandIns(topo, topo, nil).StandIns, 4)
		_, err = sg.Compile(topo)
		assert.NoError(t, err, subnets)
	}
}

// Where the subnet is not in the input, an address is as good as any other only if rules
// treat all alike.
func TestUnplaced(t *testing.T) {
	for _, tt := range []struct {
		topology string
		unplaced bool
	}{
		{"rule sg-1 ingress all 0.0.0.0/0", false},
		{"rule sg-1 ingress all 203.0.113.0/24", false},
		{"rule sg-1 ingress all 2001:db8::/32", false},
		{"rule sg-1 ingress all 10.0.0.0/8", true}, // it may be in 172.16.0.0/12
		{"vpc vpc-1 10.0.0.0/16\nrule sg-1 ingress all 10.0.0.0/8", false},
		{"vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-2 10.0.9.0/24\nrule sg-1 ingress all 10.0.0.0/16", false},
		{"vpc vpc-1 10.0.0.0/16\nrule sg-1 ingress all 10.0.9.0/24", true},
		{"vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-1 10.0.9.0/24\nrule sg-1 ingress all 10.0.9.0/24", false},
	} {
		topo, err := sgtest.ParseTopology("t", "group sg-1 vpc=vpc-1\neni a sg-1 vpc=vpc-1 subnet=subnet-1\n"+tt.topology)
		require.NoError(t, err)
		p := diff.StandIns(&sg.Topology{}, topo, nil)
		require.NotNil(t, p)
		assert.Equal(t, tt.unplaced, len(p.Undecided()) > 0, tt.topology)
	}
}

// What a plan replaces has its old address in the comparison, which then says too little
// about rules for that address.
func TestReaddressed(t *testing.T) {
	for _, tt := range []struct {
		topology    string
		readdressed bool
	}{
		{"rule sg-1 ingress all 10.0.1.10/32", true},
		{"rule sg-1 ingress all 10.0.1.11/32", false},
		{"rule sg-1 ingress all 10.0.1.0/24", true}, // the subnet may be larger
		{"rule sg-1 ingress all 10.0.0.0/16", false},
		{"vpc vpc-1 10.0.0.0/20\nrule sg-1 ingress all 10.0.0.0/20", false},
		{"vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-1 10.0.1.0/24\nrule sg-1 ingress all 10.0.1.0/24", false},
		{"vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-1 10.0.1.0/24\nrule sg-1 ingress all 10.0.1.0/25", true},
		{"rule sg-1 ingress all 2001:db8::/64", true},
		{"rule sg-1 ingress all 2001:db8::/44", false},
	} {
		topo, err := sgtest.ParseTopology("t", "group sg-1 vpc=vpc-1\neni a 10.0.1.10 2001:db8::1 sg-1 vpc=vpc-1 subnet=subnet-1\n"+tt.topology)
		require.NoError(t, err)
		kept := func(id sg.ENIID) []netip.Addr { return topo.ENIs[0].Addrs }
		p := diff.StandIns(topo, topo, kept)
		assert.Equal(t, tt.readdressed, len(p.Undecided()) > 0, tt.topology)
		assert.Nil(t, diff.StandIns(topo, topo, nil))
	}
}
