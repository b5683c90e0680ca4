package graph_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/graph"
	"github.com/sgsim/sgsim/sg/internal/enum/enumtest"
	"github.com/sgsim/sgsim/sg/internal/topotext"
)

// account has two VPCs, a cycle, a group that names itself, one that nothing knows,
// and a list.
const account = `
group sg-web vpc=vpc-a name="web servers"
rule sg-web ingress tcp 443 0.0.0.0/0
rule sg-web ingress tcp 80 0.0.0.0/0
rule sg-web ingress tcp 22 sg-admin
rule sg-web egress tcp 5432 sg-db
rule sg-web egress all 0.0.0.0/0
group sg-db vpc=vpc-a
rule sg-db ingress tcp 5432 sg-web
rule sg-db ingress all self
rule sg-db egress tcp 9000 sg-web
group sg-admin vpc=vpc-b
rule sg-admin ingress tcp 22 pl-office
rule sg-admin ingress tcp 3389 10.0.1.1/32
rule sg-admin ingress tcp 22 sg-gone
group sg-idle vpc=vpc-b
prefixlist pl-office name=office
entry pl-office 192.0.2.0/24
eni eni-1 10.0.1.1 sg-web vpc=vpc-a
eni eni-2 10.0.1.2 sg-web vpc=vpc-a name=two
eni eni-3 10.0.1.3 sg-db vpc=vpc-a
`

func parse(t testing.TB, text string) *sg.Topology {
	topo, err := topotext.Parse("test", text)
	require.NoError(t, err)
	return topo
}

// text is a graph as a test shows it: a line for each node and edge.
func text(g *graph.Graph) string {
	var b strings.Builder
	arrow := map[graph.Ends]string{graph.AtReceiver: "->", graph.AtSender: "~>", graph.AtBoth: "=>"}
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "%d %s\n", n.Kind, strings.Join(append([]string{n.Title}, n.Lines...), " | "))
	}
	for _, e := range g.Edges {
		fmt.Fprintf(&b, "%s %s %s:", g.Nodes[e.From].Title, arrow[e.Ends], g.Nodes[e.To].Title)
		for _, t := range e.Traffic {
			fmt.Fprintf(&b, " %s", t.Text)
			if g.Counted {
				fmt.Fprintf(&b, " (%d)", t.Hits)
			}
		}
		if e.Unused {
			b.WriteString(" unused")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func TestGroups(t *testing.T) {
	assert.Equal(t, strings.TrimPrefix(`
0 sg-admin | vpc-b | no interface
0 sg-db | vpc-a | eni-3
0 sg-idle | vpc-b | no interface
0 web servers | sg-web | vpc-a | eni-1 | two (eni-2)
2 sg-gone | not in the input
3 10.0.1.1/32 | eni-1
3 anywhere, IPv4 | 0.0.0.0/0
3 anywhere, IPv4 | 0.0.0.0/0
4 office | pl-office | 1 entry
sg-admin -> web servers: tcp 22
sg-db -> sg-db: all
sg-db ~> web servers: tcp 9000
web servers => sg-db: tcp 5432
web servers ~> anywhere, IPv4: all
sg-gone -> sg-admin: tcp 22
10.0.1.1/32 -> sg-admin: tcp 3389
anywhere, IPv4 -> web servers: tcp 80 tcp 443
office -> sg-admin: tcp 22
`, "\n"), text(graph.New(parse(t, account), nil)))
}

// One interface's view: what its groups name, and what names them.
func TestOneInterface(t *testing.T) {
	assert.Equal(t, strings.TrimPrefix(`
0 sg-db | eni-3
0 web servers | sg-web | eni-1 | two (eni-2)
sg-db -> sg-db: all
sg-db ~> web servers: tcp 9000
web servers => sg-db: tcp 5432
`, "\n"), text(graph.New(parse(t, account), &graph.Options{ENI: "eni-3"})))
	assert.Empty(t, graph.New(parse(t, account), &graph.Options{ENI: "eni-none"}).Nodes)
}

func TestByVPC(t *testing.T) {
	want := strings.TrimPrefix(`
1 vpc-a | 2 groups | 3 interfaces | 4 rules among them
1 vpc-b | 2 groups | 0 interfaces
2 sg-gone | not in the input
3 10.0.1.1/32 | eni-1
3 anywhere, IPv4 | 0.0.0.0/0
3 anywhere, IPv4 | 0.0.0.0/0
4 office | pl-office | 1 entry
vpc-a ~> anywhere, IPv4: all
vpc-b -> vpc-a: tcp 22
sg-gone -> vpc-b: tcp 22
10.0.1.1/32 -> vpc-b: tcp 3389
anywhere, IPv4 -> vpc-a: tcp 80 tcp 443
office -> vpc-b: tcp 22
`, "\n")
	topo := parse(t, account)
	assert.Equal(t, want, text(graph.New(topo, &graph.Options{By: graph.ByVPC})))

	for i := range graph.Many {
		topo.Groups = append(topo.Groups, sg.Group{ID: sg.GroupID(fmt.Sprint("sg-", i)), VPC: "vpc-b"})
	}
	assert.Equal(t, strings.Replace(want, "vpc-b | 2", "vpc-b | 42", 1), text(graph.New(topo, nil)), "too many to look at")
	assert.Contains(t, text(graph.New(topo, &graph.Options{By: graph.ByGroup})), "sg-39")

	for i := range 8 { // beside 10.0.1.1/32
		peer := sg.MustCIDR(fmt.Sprintf("10.%d.0.0/16", i+1))
		topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.Rule{Protocol: sg.UDP, Ports: sg.Port(53), Peer: peer})
	}
	got := text(graph.New(topo, nil))
	assert.Contains(t, got, "3 networks | 10.0.1.1/32 | 10.1.0.0/16 | and 7 more\n")
	assert.Contains(t, got, "networks -> vpc-a: udp 53\nnetworks -> vpc-b: tcp 3389\n")
	assert.Contains(t, got, "anywhere, IPv4 -> vpc-a")
}

// Packets that the rules of both ends let pass count once.
func TestHits(t *testing.T) {
	hits := func(g sg.GroupID, dir sg.Direction, i int) uint64 {
		switch {
		case g == "sg-web" && dir == sg.Ingress && i == 1: // port 80
			return 1
		case g == "sg-web" && dir == sg.Egress && i == 0:
			return 1200
		case g == "sg-db" && dir == sg.Ingress && i == 0:
			return 1234
		}
		return 0
	}
	g := graph.New(parse(t, account), &graph.Options{Hits: hits})
	got := text(g)
	assert.Contains(t, got, "web servers => sg-db: tcp 5432 (1234)\n")
	assert.Contains(t, got, "anywhere, IPv4 -> web servers: tcp 80 (1)\nanywhere, IPv4 -> web servers: tcp 443 (0) unused\n")
	for name, write := range formats {
		var b bytes.Buffer
		require.NoError(t, write(g, &b), name)
		assert.Contains(t, b.String(), "tcp 5432: 1,234 packets", name)
		assert.Contains(t, b.String(), "tcp 80: 1 packet", name)
	}
}

var formats = map[string]func(*graph.Graph, io.Writer) error{
	"mermaid": (*graph.Graph).WriteMermaid, "dot": (*graph.Graph).WriteDOT, "svg": (*graph.Graph).WriteSVG,
}

// The order of the input does not show.
func TestOrder(t *testing.T) {
	for _, by := range []graph.By{graph.ByGroup, graph.ByVPC} {
		want := map[string]string{}
		for seed := range uint64(30) {
			topo := parse(t, account)
			if seed > 0 {
				r := rand.New(rand.NewPCG(seed, 1))
				shuffle(r, topo.Groups)
				shuffle(r, topo.ENIs)
				for i := range topo.Groups {
					shuffle(r, topo.Groups[i].Ingress)
					shuffle(r, topo.Groups[i].Egress)
				}
			}
			for name, write := range formats {
				var b bytes.Buffer
				require.NoError(t, write(graph.New(topo, &graph.Options{By: by}), &b))
				if seed == 0 {
					want[name] = b.String()
				}
				require.Equal(t, want[name], b.String(), "%s, seed %d", name, seed)
			}
		}
	}
}

func shuffle[T any](r *rand.Rand, s []T) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func TestByText(t *testing.T) { enumtest.RoundTrip[graph.By](t, 3) }

// An edge with many kinds of traffic stays readable.
func TestManyPorts(t *testing.T) {
	topo := &sg.Topology{Groups: []sg.Group{{ID: "sg-a"}}}
	for port := range 30 {
		topo.Groups[0].Ingress = append(topo.Groups[0].Ingress, sg.Rule{Protocol: sg.TCP, Ports: sg.Port(port), Peer: sg.AnyIPv4})
	}
	slices.Reverse(topo.Groups[0].Ingress)
	var b bytes.Buffer
	require.NoError(t, graph.New(topo, nil).WriteMermaid(&b))
	assert.Contains(t, b.String(), `|"tcp 0<br>tcp 1<br>tcp 2<br>tcp 3<br>and 26 more"|`)
}

// Of many drops, an edge shows the most, and says if it does not know of all.
func TestManyDrops(t *testing.T) {
	o := &graph.Options{}
	for port := range 30 {
		o.Drops = append(o.Drops, graph.Drop{Text: fmt.Sprintf("tcp %d", port), Packets: uint64(port + 1)})
	}
	var b bytes.Buffer
	require.NoError(t, graph.New(&sg.Topology{}, o).WriteMermaid(&b))
	assert.Contains(t, b.String(), `|"tcp 29: 30 packets dropped<br>tcp 28: 29 packets dropped<br>`)
	b.Reset()
	o.MoreDrops = true
	require.NoError(t, graph.New(&sg.Topology{}, o).WriteMermaid(&b))
	assert.Contains(t, b.String(), "tcp 29: at least 30 packets dropped")
}
