// Package replaytest holds the networks and captures that the tests of replay and of
// flowreplay share.
package replaytest

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/packet/capture"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/flowlog"
	"github.com/sgsim/sgsim/sg/internal/topotext"
	"github.com/sgsim/sgsim/sg/packetlog"
	"github.com/sgsim/sgsim/sg/replay"
)

// Began is when scripts begin.
var Began = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

// A Script is a capture in text: seconds since Began and a packet a line; "not ip" and
// "bad" stand for frames that Decode refuses, "link" for one of another link type, "damage"
// for the end of what can be read.
type Script []string

// Frames implements [replay.Source].
func (s Script) Frames() iter.Seq2[*capture.Frame, error] {
	return func(yield func(*capture.Frame, error) bool) {
		var f capture.Frame // used again, as by a file
		for i, line := range s {
			var at float64
			if _, err := fmt.Sscan(line, &at); err != nil {
				yield(nil, err)
				return
			}
			_, text, _ := strings.Cut(line, " ")
			f = capture.Frame{Number: i + 1, LinkType: packet.LinkRaw, Data: []byte{byte(i)}, Length: 100}
			f.Time = Began.Add(time.Duration(at * float64(time.Second)))
			switch text {
			case "not ip":
				f.Err = packet.ErrNotIP
			case "bad":
				f.Err = packet.ErrIPVersion
			case "link":
				f.Err, f.LinkType = packet.ErrLinkType, 147
			case "damage":
				yield(nil, errors.New("damage"))
				return
			default:
				h, err := packet.ParseHeader(text)
				if err != nil {
					yield(nil, err)
					return
				}
				f.Header = h
			}
			if !yield(&f, nil) {
				return
			}
		}
	}
}

// Addr is the only address of an interface.
func Addr(s string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(s)} }

// Site is a web server that reaches its database and nothing else.
func Site() *sg.Topology {
	return &sg.Topology{
		Groups: []sg.Group{
			{ID: "sg-web", Ingress: []sg.Rule{sg.HTTPS.From(sg.MustCIDR("198.51.100.0/24")), sg.SSH.From(sg.MustCIDR("192.0.2.0/24"))},
				Egress: []sg.Rule{sg.PostgreSQL.To(sg.FromGroup("sg-db"))}},
			{ID: "sg-db", Ingress: []sg.Rule{sg.PostgreSQL.From(sg.FromGroup("sg-web")), sg.PostgreSQL.From(sg.FromGroup("sg-none"))}},
			{ID: "sg-none"},
		},
		ENIs: []sg.ENI{
			{ID: "eni-web", Addrs: Addr("10.0.1.10"), Groups: []sg.GroupID{"sg-web"}},
			{ID: "eni-db", Addrs: Addr("10.0.2.20"), Groups: []sg.GroupID{"sg-db"}, Account: "111122223333"},
		},
	}
}

// Strange is the site with names that would be elements, attributes or the end of a
// script if they could.
func Strange() *sg.Topology {
	topo := Site()
	topo.Groups[0].Name = `</script><script>alert(1)</script>` + "\u202e"
	topo.Groups[1].Name = `" onload="alert(1)`
	topo.Groups[2].Name = "<!-- ]]>"
	topo.Groups[0].Ingress[0].ID = `sgr-<img src=x onerror=alert(1)>`
	topo.Groups[0].Ingress[1].Description = `'"><svg onload=alert(1)>`
	topo.ENIs[0].Name = "</title></style>{{.}}"
	topo.ENIs[1].Name = "`${alert(1)}`\u2028"
	return topo
}

// WithACLs is two interfaces between whose subnets a network ACL lets no answers out.
func WithACLs(t testing.TB) *sg.Topology {
	t.Helper()
	topo, err := topotext.Parse("topology", `
vpc vpc-1 10.0.0.0/16
subnet vpc-1 subnet-a 10.0.1.0/24
subnet vpc-1 subnet-b 10.0.2.0/24
group sg-all
rule sg-all ingress tcp 443 10.0.0.0/8
rule sg-all egress tcp 443 10.0.0.0/8
eni eni-a 10.0.1.10 sg-all vpc=vpc-1 subnet=subnet-a
eni eni-b 10.0.2.20 sg-all vpc=vpc-1 subnet=subnet-b
acl acl-a vpc=vpc-1 subnet=subnet-a
aclentry acl-a ingress 100 allow all 0.0.0.0/0
aclentry acl-a egress 100 allow all 0.0.0.0/0
acl acl-b vpc=vpc-1 subnet=subnet-b
aclentry acl-b ingress 90 deny all 10.0.1.99/32
aclentry acl-b ingress 100 allow tcp 443 0.0.0.0/0
aclentry acl-b egress 100 allow tcp 443 0.0.0.0/0
`)
	if err != nil {
		t.Fatal(err)
	}
	return topo
}

// WithoutAnswers is traffic that WithACLs lets pass but for its answers.
var WithoutAnswers = Script{
	"0 tcp 10.0.1.10:40000 > 10.0.2.20:443 S",
	"1 tcp 10.0.2.20:443 > 10.0.1.10:40000 SA",
	"2 tcp 10.0.1.99:40000 > 10.0.2.20:443 S",
}

// Policy compiles a topology.
func Policy(t testing.TB, topo *sg.Topology) *sg.Policy {
	t.Helper()
	p, err := sg.Compile(topo)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Format reads a format of flow logs.
func Format(t testing.TB, s string) flowlog.Format {
	t.Helper()
	f, err := flowlog.ParseFormat(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// FlowLog is the flow log of a capture.
func FlowLog(t testing.TB, topo *sg.Topology, o packetlog.FlowLogOptions, s replay.Source) string {
	t.Helper()
	var b bytes.Buffer
	f, err := packetlog.NewFlowLog(&b, topo, o)
	if err != nil {
		t.Fatal(err)
	}
	_, err = replay.Run(t.Context(), Policy(t, topo), &replay.Options{Observer: f, Workers: 3}, s)
	if err = errors.Join(err, f.Flush()); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
