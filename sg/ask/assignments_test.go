package ask

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
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

// An interface without an address fares as with each that it may get.
func TestAssignments(t *testing.T) {
	topo, err := sgtest.ParseTopology("t", pending)
	require.NoError(t, err)
	said := func(packets ...string) (lines []string) {
		w, err := NewAssignments(topo, packets)
		require.NoError(t, err)
		var firewalls []weak.Pointer[sg.Firewall]
		for topo := range w.All() {
			policy, err := sg.Compile(topo)
			require.NoError(t, err)
			var questions []Question
			for _, s := range packets {
				q, err := NewParser(topo).Parse(s)
				require.NoError(t, err)
				questions = append(questions, q)
			}
			fw := sg.NewFirewall(policy, nil)
			w.Add(Explain(fw, sg.Via{}, questions))
			firewalls = append(firewalls, weak.Make(fw))
		}
		runtime.GC()
		for _, fw := range firewalls[1:] {
			assert.Nil(t, fw.Value(), "it is forgotten")
		}
		for _, x := range w.Agree() {
			lines = append(lines, fmt.Sprintf("%s: %s, %s; %s", x.Header, x.Verdict, x.Reason, strings.Join(x.Notes, "; ")))
		}
		return lines
	}
	const same = "; whichever AWS chooses, the verdict is the same"
	for packet, want := range map[string]string{
		"tcp app-0 > db:5432": "tcp 10.0.1.5:49152 > 10.0.2.4:5432 S: accept, rule; not known yet: the address of app-0 and that of db" + same,
		"tcp app-0 > db:22":   "tcp 10.0.1.5:49152 > 10.0.2.4:22 S: accept, rule; not known yet: the address of app-0 and that of db" + same,
		"tcp app-0 > db:23":   "tcp 10.0.1.5:49152 > 10.0.2.4:23 S: drop, no_rule; not known yet: the address of app-0 and that of db" + same,
		// .16/28 is a part of its subnet; .0/30 is AWS's own, and .77 is another's.
		"tcp app-0 > other:9100": "tcp 10.0.1.5:49152 > 10.0.1.4:9100 S: unknown, unknown_address; not known yet: the address of app-0, on which the verdict depends; -eni can give one; " +
			"from 10.0.1.5 to 10.0.1.4 it is: drop, no_rule; from 10.0.1.16 to 10.0.1.4 it is: accept, rule",
		"dns app-0 > other":                  "udp 10.0.1.5:49152 > 10.0.1.4:53: drop, no_rule; not known yet: the address of app-0" + same,
		"udp app-0 > other:123":              "udp 10.0.1.5:49152 > 10.0.1.4:123: drop, no_rule; not known yet: the address of app-0" + same,
		"tcp app-0 > app-1:22":               "tcp 10.0.1.5:49152 > 10.0.1.6:22 S: drop, no_rule; not known yet: the address of app-0 and that of app-1" + same,
		"tcp 10.0.1.5 > app-0:22":            "tcp 10.0.1.5:49152 > 10.0.1.6:22 S: drop, no_rule; not known yet: the address of app-0" + same,
		"tcp 2001:db8::1 > six:80":           "tcp [2001:db8::1]:49152 > [2001:db8:0:3::4]:80 S: accept, rule; not known yet: the address of six" + same,
		"tcp six > db:25":                    "tcp 10.0.3.4:49152 > 10.0.2.4:25 S: accept, rule; not known yet: the address of six and that of db" + same,
		"tcp loose > other:25":               "tcp 10.0.0.4:49152 > 10.0.1.4:25 S: accept, rule; not known yet: the address of loose" + same,
		"tcp nowhere > 198.51.100.7:1":       "tcp 10.0.0.4:49152 > 198.51.100.7:1 S: accept, rule; not known yet: the address of nowhere" + same,
		"tcp 198.51.100.7:1 > 10.0.1.4:5432": "tcp 198.51.100.7:1 > 10.0.1.4:5432 S: drop, no_rule; ",
		"tcp 10.0.1.6:1 > other:5432":        "tcp 10.0.1.6:1 > 10.0.1.4:5432 S: drop, no_rule; ",
		"tcp loose > other:22":               "tcp 10.0.0.4:49152 > 10.0.1.4:22 S: unknown, unknown_address; not known yet: the address of loose, on which the verdict depends; -eni can give one; from 10.0.0.4 to 10.0.1.4 it is: drop, no_rule; from 10.0.1.5 to 10.0.1.4 it is: accept, rule",
	} {
		assert.Equal(t, []string{want}, said(packet), packet)
	}
	// Each meets the connections of those before it.
	assert.Contains(t, said("tcp app-0:4000 > db:5432", "tcp db:5432 > app-0:4000 SA")[1], "accept, tracked")
	assert.Empty(t, topo.ENIs[1].Addrs)

	for i := range 150 {
		topo.Groups[1].Ingress = append(topo.Groups[1].Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(1000 + i), Peer: sg.MustCIDR(fmt.Sprintf("10.0.1.%d/32", 100+i))})
	}
	_, err = NewAssignments(topo, []string{"tcp app-0 > app-1:22"})
	assert.ErrorContains(t, err, "the address of app-1 is not known yet, and rules tell more than 256 apart")
	w, err := NewAssignments(topo, []string{"tcp 10.0.0.1:1 > other:1"})
	require.NoError(t, err)
	assert.Len(t, slices.Collect(w.All()), 1)
}

// However many interfaces have an address, they are looked at once for each that has none.
func TestAssignmentsOfMany(t *testing.T) {
	text := "vpc vpc-1 10.0.0.0/8\nsubnet vpc-1 subnet-a 10.0.0.0/16\nsubnet vpc-1 subnet-b 10.1.0.0/16\ngroup sg-a vpc=vpc-1\neni first sg-a vpc=vpc-1 subnet=subnet-a\n"
	packets := []string{"first to 198.51.100.7:1"}
	for i := range 100 {
		text += fmt.Sprintf("rule sg-a egress all 10.0.%d.0/24\n", 2*i)
	}
	for i := range 2000 {
		text += fmt.Sprintf("eni known-%d 10.2.%d.%d sg-a vpc=vpc-1\n", i, i/100, i%100*2)
	}
	for i := range 10 {
		text += fmt.Sprintf("eni more-%d sg-a vpc=vpc-1 subnet=subnet-b\n", i)
		packets = append(packets, fmt.Sprintf("more-%d to 198.51.100.7:1", i))
	}
	topo, err := sgtest.ParseTopology("t", text)
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w, err := NewAssignments(topo, packets)
	require.NoError(t, err)
	runtime.ReadMemStats(&after)
	assert.Len(t, slices.Collect(w.All()), 200)
	assert.Less(t, (after.TotalAlloc-before.TotalAlloc)>>20, uint64(50), "MB")
}

// Whatever may tell the addresses of a subnet apart makes further assignments.
func TestAssignmentsTellApart(t *testing.T) {
	const base = "vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-a 10.0.1.0/24\ngroup sg-a vpc=vpc-1\neni a sg-a vpc=vpc-1 subnet=subnet-a\n"
	for more, want := range map[string]int{
		"":                                   1,
		"rule sg-a ingress all 10.0.1.32/32": 3,
		"rule sg-a egress all 10.0.1.128/25": 2,
		"rule sg-a egress all 10.0.1.0/24":   1,
		"prefixlist pl-1\nentry pl-1 10.0.1.0/28\nentry pl-1 10.0.2.0/28":                                           2,
		"acl acl-1 vpc=vpc-1 default\naclentry acl-1 ingress 1 deny all 10.0.1.64/26":                               3,
		"acl acl-1 vpc=vpc-1 default\naclentry acl-1 egress 1 deny all 10.0.1.254/31":                               2,
		"eni b 10.0.1.32 sg-a vpc=vpc-1\nrule sg-a ingress all 10.0.1.32/32":                                        2,
		"eni b 10.0.1.32 sg-a vpc=vpc-2\nrule sg-a ingress all 10.0.1.32/32":                                        3,
		"eni b 10.0.1.9 10.0.1.32/28 sg-a vpc=vpc-1\nrule sg-a ingress all 10.0.1.40/30":                            2,
		"rule sg-a ingress all 10.0.1.0/30\nrule sg-a ingress all 10.0.1.255/32":                                    1,
		"rule sg-a ingress all 10.0.1.128/25\nrule sg-a ingress all 0.0.0.0/0":                                      2,
		"rule sg-a ingress all 10.0.1.0/25\nrule sg-a ingress all 10.0.1.128/25\nsubnet vpc-1 subnet-b 10.0.2.0/24": 2,
	} {
		topo, err := sgtest.ParseTopology("t", base+more)
		require.NoError(t, err, more)
		w, err := NewAssignments(topo, []string{"a to 198.51.100.7:1"})
		require.NoError(t, err)
		n := 0
		for topo := range w.All() {
			n++
			_, err := sg.Compile(topo)
			assert.NoError(t, err)
		}
		assert.Equal(t, want, n, more)
	}
}

// Both families together may tell far too many apart: they are not all made to see that.
func TestTooManyAssignments(t *testing.T) {
	topo, err := sgtest.ParseTopology("t", "vpc vpc-1 10.0.0.0/16\nsubnet vpc-1 subnet-a 10.0.0.0/16 2001:db8::/64\ngroup sg-a vpc=vpc-1\neni a sg-a vpc=vpc-1 subnet=subnet-a\n")
	require.NoError(t, err)
	for i := range 250 {
		for _, cidr := range []string{"10.0.%d.0/24", "2001:db8::%d/128"} {
			topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(1), Peer: sg.MustCIDR(fmt.Sprintf(cidr, i))})
		}
	}
	assert.Less(t, testing.AllocsPerRun(1, func() {
		_, err = NewAssignments(topo, []string{"tcp 10.0.0.1 > a:1"})
	}), 10_000.)
	assert.ErrorContains(t, err, "more than 256")
}
