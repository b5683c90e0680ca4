package ask

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/packet/packettest"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/internal/mustip"
	"github.com/sgsim/sgsim/sg/replay"
	"github.com/sgsim/sgsim/sg/sgtest"
)

func site(t *testing.T) (*sg.Topology, *sg.Policy) {
	topo, err := sgtest.ParseTopology("site", `
group sg-web name=web
rule sg-web ingress tcp 443 0.0.0.0/0
eni eni-web 10.0.1.10 sg-web
`)
	require.NoError(t, err)
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	return topo, policy
}

func TestExplain(t *testing.T) {
	topo, policy := site(t)
	p := NewParser(topo)
	var questions []Question
	for _, s := range []string{
		"tcp 192.0.2.1:1 > web:443", "tcp web:443 > 192.0.2.1:1 SA",
		"tcp 192.0.2.1:2 > web:22", "tcp 192.0.2.1:2 > web:22 A",
	} {
		q, err := p.Parse(s)
		require.NoError(t, err)
		questions = append(questions, q)
	}
	said := Explain(sg.NewFirewall(policy, nil), sg.Via{}, questions)
	require.Len(t, said, 4)
	assert.Equal(t, []sg.Reason{sg.ByRule, sg.Tracked, sg.NoRule, sg.NoRule},
		[]sg.Reason{said[0].Reason, said[1].Reason, said[2].Reason, said[3].Reason})
	assert.Contains(t, said[3].Notes, "the SYN of its connection was dropped: packet 3")

	// Seen at one interface alone, what leaves there is not what comes in.
	fw := sg.NewFirewall(policy, nil)
	said = Explain(At(fw.ENI("eni-web"), sg.Egress), sg.Via{}, questions[:1])
	assert.Equal(t, sg.Drop, said[0].Verdict)
}

// Who asks twice asks about two connections, and about one where the port says so.
func TestExplainAgain(t *testing.T) {
	topo, policy := site(t)
	var questions []Question
	for _, s := range []string{"https 192.0.2.1 > web", "https 192.0.2.1 > web", "tcp web:443 > 192.0.2.1:49153 SA", "tcp 192.0.2.1:49152 > web:443", "https 192.0.2.2 > web"} {
		q, err := NewParser(topo).Parse(s)
		require.NoError(t, err)
		questions = append(questions, q)
	}
	var got []string
	for _, x := range Explain(sg.NewFirewall(policy, nil), sg.Via{}, questions) {
		got = append(got, fmt.Sprint(x.Header.SrcPort, " ", x.Reason))
	}
	assert.Equal(t, []string{"49152 rule", "49153 rule", "443 tracked", "49152 tracked", "49152 rule"}, got)
}

// Who asks about icmp between IPv6 addresses means another protocol.
func TestExplainOtherICMP(t *testing.T) {
	topo, policy := site(t)
	for in, want := range map[string]string{
		"icmp 2001:db8::1 > 2001:db8::2 8/0":      "there ping is icmpv6 128/0",
		"icmpv6 192.0.2.1 > 10.0.1.10 128/0":      "there ping is icmp 8/0",
		"icmpv6 2001:db8::1 > 2001:db8::2 128/0":  "",
		"icmp 192.0.2.1 > 10.0.1.10 8/0":          "",
		"tcp [2001:db8::1]:1 > [2001:db8::2]:2 S": "",
	} {
		q, err := NewParser(topo).Parse(in)
		require.NoError(t, err)
		notes := strings.Join(Explain(sg.NewFirewall(policy, nil), sg.Via{}, []Question{q})[0].Notes, "\n")
		assert.Equal(t, want != "", strings.Contains(notes, "there ping is"), in)
		assert.Contains(t, notes, want)
	}
}

// A mirrored copy is explained at the interface that sent it.
func TestCaptured(t *testing.T) {
	topo, _ := site(t)
	topo.ENIs = append(topo.ENIs, sg.ENI{ID: "eni-app", Addrs: mustip.Addrs("10.0.1.11"), Groups: []sg.GroupID{"sg-web"}})
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	var file bytes.Buffer
	w := capture.NewWriter(&file, capture.Pcap, nil)
	for _, data := range [][]byte{
		packettest.Ethernet(t, "tcp 192.0.2.1:1 > 10.0.1.10:443 S"),
		packettest.VXLAN(t, "udp 10.0.1.10:9 > 10.0.9.9:4789", 7, packettest.Ethernet(t, "tcp 10.0.1.11:2 > 10.0.1.10:443 S")),
		packettest.Ethernet(t, "tcp 10.0.1.10:443 > 192.0.2.1:1 SA"),
	} {
		require.NoError(t, w.WriteFrame(&capture.Frame{Data: data, Length: len(data), LinkType: packet.LinkEthernet}))
	}
	require.NoError(t, w.Flush())
	for number, want := range map[uint64]sg.Reason{1: sg.ByRule, 2: sg.ByRule, 3: sg.Tracked, 4: sg.NoReason} {
		f, err := capture.NewReader(bytes.NewReader(file.Bytes()), "t")
		require.NoError(t, err)
		x, packets, err := Captured(t.Context(), policy, replay.Options{}, number, f)
		require.NoError(t, err)
		if want == sg.NoReason {
			assert.Nil(t, x)
			assert.Equal(t, uint64(3), packets)
			continue
		}
		assert.Equal(t, want, x.Reason, "packet %d", number)
	}
}

func TestWords(t *testing.T) {
	topo, policy := site(t)
	q, err := NewParser(topo).Parse("tcp 192.0.2.1:1 > web:443 A")
	require.NoError(t, err)
	said := Explain(sg.NewFirewall(policy, nil), sg.Via{}, []Question{q})
	w := NewWords(topo)
	lines := w.Lines(said[0])
	assert.Equal(t, Line{"", "tcp 192.0.2.1:1 > 10.0.1.10:443 A: drop, midstream"}, lines[0])
	assert.Equal(t, Line{"", "eni-web ingress: drop, midstream"}, lines[1])
	assert.Equal(t, Line{"connection", "none"}, lines[2])
	assert.Equal(t, Line{"rule", "web (sg-web) ingress[0]: tcp 443 0.0.0.0/0"}, lines[3])

	var text, more strings.Builder
	require.NoError(t, w.WriteText(&text, said))
	assert.Contains(t, text.String(), "-midstream")
	assert.NotContains(t, text.String(), "(CT-41)")
	w.Statements = true
	require.NoError(t, w.WriteText(&more, said))
	assert.Contains(t, more.String(), "(CT-41)")
	for line := range strings.Lines(more.String()) {
		assert.LessOrEqual(t, len(line), 81, line)
	}
}

// Named interfaces tell which VPC is meant, where their addresses exist in several.
func TestExplainSameAddresses(t *testing.T) {
	topo, err := sgtest.ParseTopology("two", `
group sg-dev vpc=vpc-dev
group sg-prod vpc=vpc-prod
rule sg-prod egress all 0.0.0.0/0
rule sg-prod ingress tcp 443 10.0.0.0/8
eni dev-1 10.0.1.10 sg-dev vpc=vpc-dev
eni dev-2 10.0.1.11 sg-dev vpc=vpc-dev
eni prod-1 10.0.1.10 sg-prod vpc=vpc-prod
eni prod-2 10.0.1.11 sg-prod vpc=vpc-prod
eni prod-3 10.0.1.12 sg-prod vpc=vpc-prod
eni dev-4 10.0.1.13 sg-dev vpc=vpc-dev
eni far 10.1.1.1 sg-prod vpc=vpc-far
eni twin-1 10.2.1.1 sg-prod vpc=vpc-twin
eni twin-2 10.1.1.1 sg-dev vpc=vpc-twin
`)
	require.NoError(t, err)
	policy, err := sg.Compile(topo)
	require.NoError(t, err)
	for text, want := range map[string]sg.Verdict{
		"https prod-1 > prod-2":        sg.Accept,
		"https 10.0.1.10 > prod-2":     sg.Accept,
		"https dev-1 > dev-2":          sg.Drop,
		"https dev-1 > prod-2":         sg.NotApplicable,
		"https dev-1 > prod-3":         sg.NotApplicable, // not prod-1 > prod-3
		"https prod-3 > dev-1":         sg.NotApplicable,
		"https dev-4 > prod-1":         sg.NotApplicable,
		"https far > prod-1":           sg.NotApplicable, // both exist elsewhere, not together
		"https prod-3 > far":           sg.Accept,
		"https dev-4 > far":            sg.Drop,
		"https twin-1 > far":           sg.NotApplicable, // vpc-twin has both
		"https twin-1 > prod-1":        sg.Accept,
		"https 10.0.1.10 > 10.0.1.11":  sg.NotApplicable,
		"https 203.0.113.1 > 10.0.1.1": sg.NotApplicable,
	} {
		q, err := NewParser(topo).Parse(text)
		require.NoError(t, err)
		said := Explain(sg.NewFirewall(policy, nil), sg.Via{}, []Question{q})
		assert.Equal(t, want, said[0].Verdict, text)
		assert.Zero(t, said[0].Via, text)
		if want != sg.NotApplicable {
			continue
		}
		if strings.HasPrefix(text, "https far") {
			assert.Contains(t, said[0].Notes[0], "far is in vpc-far, prod-1 in vpc-prod, and interfaces of further VPCs have both addresses")
		}
		if strings.Contains(text, "dev") {
			assert.Regexp(t, `^(dev-\d is in vpc-dev, prod-\d in vpc-prod|prod-\d is in vpc-prod, dev-\d in vpc-dev), whose addresses overlap$`, strings.Join(said[0].Notes, ";"), text)
		}
	}

	// What somebody names, no other VPC that is said to be meant turns into another.
	for text, want := range map[string]sg.Verdict{
		"https prod-1 > prod-2":      sg.NotApplicable,
		"https 203.0.113.1 > prod-2": sg.NotApplicable,
		"https 10.0.1.10 > prod-3":   sg.Drop, // dev-1 > prod-3
	} {
		q, err := NewParser(topo).Parse(text)
		require.NoError(t, err)
		said := Explain(sg.NewFirewall(policy, nil), sg.Via{VPC: "vpc-dev"}, []Question{q})
		assert.Equal(t, want, said[0].Verdict, text)
		if want == sg.NotApplicable {
			assert.Contains(t, said[0].Notes[0], "is in vpc-prod, and the packet would be judged at dev-")
		}
	}

	// At one interface alone, no VPC counts.
	q, err := NewParser(topo).Parse("https dev-1 > prod-1")
	require.NoError(t, err)
	assert.Equal(t, sg.Drop, Explain(At(sg.NewFirewall(policy, nil).ENI("dev-1"), sg.Egress), sg.Via{}, []Question{q})[0].Verdict)
}
