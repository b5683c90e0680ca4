package sgtest_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/packet"
	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

// site has a web server that anyone reaches, an application behind it and a
// database behind that, and a lonely machine with two families.
const site = `
group sg-web
rule sg-web ingress tcp 443 0.0.0.0/0
rule sg-web egress tcp 8080-8089 sg-app
group sg-app
rule sg-app ingress tcp 8080-8089 sg-web
rule sg-app egress tcp 5432 sg-db
rule sg-app egress icmp 8/-1 0.0.0.0/0
group sg-db
rule sg-db ingress tcp 5432 sg-app
group sg-six
rule sg-six ingress udp 53 ::/0
group sg-quarantine
eni eni-web 10.0.1.10 sg-web name=web
eni eni-app 10.0.2.10 sg-app name=app
eni eni-db 10.0.3.10 sg-db name=db
eni eni-six 10.0.4.10 2001:db8::10 sg-six name=six
`

func newSite(t *testing.T, opts *sg.Options) *sgtest.Network {
	t.Helper()
	topo, err := sgtest.ParseTopology("site", site)
	require.NoError(t, err)
	net := sgtest.NewNetwork(t, topo, opts)
	net.Host("internet", "198.51.100.7", "2001:db8:ffff::7")
	return net
}

// failing runs f with a TB that notes what it is told, and returns that.
func failing(t *testing.T, f func(sgtest.TB)) string {
	t.Helper()
	r := &recorder{}
	done := make(chan struct{})
	go func() { // Fatalf ends a goroutine, as in package testing
		defer close(done)
		f(r)
	}()
	<-done
	require.NotEmpty(t, r.said, "the claim failed")
	return strings.Join(r.said, "\n")
}

type recorder struct{ said []string }

func (r *recorder) Helper() {}
func (r *recorder) Errorf(format string, a ...any) {
	r.said = append(r.said, fmt.Sprintf(format, a...))
}
func (r *recorder) Fatalf(format string, a ...any) {
	r.Errorf(format, a...)
	runtime.Goexit()
}

func TestClaims(t *testing.T) {
	net := newSite(t, nil)
	net.Allows(t, "internet", "web", sg.HTTPS)
	net.Allows(t, "web", "app", sg.MustTraffic("tcp/8080-8089"))
	net.Allows(t, "app", "db", sg.PostgreSQL)
	net.Allows(t, "eni-app", "10.0.3.10", sg.PostgreSQL)
	net.Allows(t, "app", "internet", sgtest.Ping)
	net.Denies(t, "internet", "db", sg.AllTraffic)
	net.Denies(t, "web", "db", sg.AllTraffic)
	net.Denies(t, "internet", "web", sg.HTTP)
	net.Allows(t, "2001:db8:ffff::7", "six", sg.MustTraffic("DNS (UDP)"))
	net.Denies(t, "internet", "six", sg.MustTraffic("DNS (UDP)")) // IPv4, where both have it
	assert.Empty(t, net.Topology().VPCs)
}

func TestClaimsThatFail(t *testing.T) {
	net := newSite(t, nil)
	for name, c := range map[string]struct {
		claim func(sgtest.TB)
		says  []string
	}{
		"denied": {
			func(tb sgtest.TB) { net.Allows(tb, "web", "db", sg.PostgreSQL) },
			[]string{"web does not reach db with PostgreSQL", "eni-web egress", "@0s forward tcp 10.0.1.10:"},
		},
		"allowed": {
			func(tb sgtest.TB) { net.Denies(tb, "app", "db", sg.PostgreSQL) },
			[]string{"app reaches db with PostgreSQL, and should not", "sg-db ingress[0]"},
		},
		"one port of a range": {
			func(tb sgtest.TB) { net.Allows(tb, "web", "app", sg.MustTraffic("tcp/8080-8090")) },
			[]string{"web does not reach app with tcp/8080-8090", ":8090 S"},
		},
		"one port of all traffic": {
			func(tb sgtest.TB) { net.Denies(tb, "web", "app", sg.AllTraffic) },
			[]string{"web reaches app with All traffic", ":8080 S"},
		},
		"some protocol of all traffic": {
			func(tb sgtest.TB) { net.Allows(tb, "web", "app", sg.AllTraffic) },
			[]string{"web does not reach app with All traffic", "The same goes for tcp 10.0.1.10", ", and "},
		},
		"one ICMP code": {
			func(tb sgtest.TB) { net.Denies(tb, "app", "internet", sg.MustTraffic("All ICMP - IPv4")) },
			[]string{"app reaches internet with All ICMP - IPv4", "icmp 10.0.2.10 > 198.51.100.7 8/0"},
		},
		"unknown name": {
			func(tb sgtest.TB) { net.Allows(tb, "wbe", "db", sg.PostgreSQL) },
			[]string{`"wbe" is neither an address nor one of internet, web, app, db, six`},
		},
		"no common family": {
			func(tb sgtest.TB) { net.Allows(tb, "web", "2001:db8::10", sg.PostgreSQL) },
			[]string{"web and 2001:db8::10 have no address of one family"},
		},
		"nobody watches": {
			func(tb sgtest.TB) { net.Denies(tb, "internet", "203.0.113.1", sg.HTTP) },
			[]string{"no security group ever sees internet to 203.0.113.1: no_interface"},
		},
		"dial": {
			func(tb sgtest.TB) { net.Dial(tb, "web", "db", sg.PostgreSQL) },
			[]string{"PostgreSQL from web to db stops: web's packet is lost"},
		},
		"dial all traffic": {
			func(tb sgtest.TB) { net.Dial(tb, "web", "db", sg.AllTraffic) },
			[]string{"one connection cannot be All traffic"},
		},
		"a group that is not there": {
			func(tb sgtest.TB) { net.SetGroups(tb, "db", "sg-nowhere") },
			[]string{`no group "sg-nowhere" in the network`},
		},
		"an ENI that is not there": {
			func(tb sgtest.TB) { net.SetGroups(tb, "nobody", "sg-db") },
			[]string{`"nobody" is no ENI`},
		},
		"a rule that is not there": {
			func(tb sgtest.TB) { net.Revoke(tb, "sg-db", sg.Ingress, sg.SSH.From(sg.AnyIPv4)) },
			[]string{`sg-db has no ingress rule "tcp 22 0.0.0.0/0" to revoke`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := failing(t, c.claim)
			for _, s := range c.says {
				assert.Contains(t, got, s)
			}
		})
	}
}

// A rule to revoke need not be written as it was authorized.
func TestRevokeFindsTheSameRule(t *testing.T) {
	net := newSite(t, nil)
	before := net.Topology()
	net.Authorize(t, "sg-db", sg.Ingress, sg.SSH.From(sg.MustCIDR("10.9.1.7/8")))
	net.Revoke(t, "sg-db", sg.Ingress, sg.SSH.From(sg.MustCIDR("10.0.0.0/8")))
	assert.Equal(t, sgtest.FormatTopology(before), sgtest.FormatTopology(net.Topology()))
}

// A claim asks about every port and type that a rule could treat differently.
func TestClaimsFindTheGap(t *testing.T) {
	net := newSite(t, nil)
	all := sg.AllTraffic.From(sg.FromGroup("sg-app"))
	net.Authorize(t, "sg-db", sg.Ingress, all)
	net.Authorize(t, "sg-app", sg.Egress, sg.AllTraffic.To(sg.AnyIPv4))
	net.Allows(t, "app", "db", sg.AllTraffic)

	net.Revoke(t, "sg-db", sg.Ingress, all)
	net.Authorize(t, "sg-db", sg.Ingress,
		sg.MustTraffic("tcp/0-4999").From(sg.FromGroup("sg-app")),
		sg.MustTraffic("tcp/5001-65535").From(sg.FromGroup("sg-app")))
	got := failing(t, func(tb sgtest.TB) { net.Allows(tb, "app", "db", sg.MustTraffic("All TCP")) })
	assert.Contains(t, got, ":5000 S")

	// Types and protocols that no rule names.
	got = failing(t, func(tb sgtest.TB) { net.Allows(tb, "web", "app", sg.AllTraffic) })
	assert.Contains(t, got, "web does not reach app")
	got = failing(t, func(tb sgtest.TB) { newSite(t, nil).Allows(tb, "app", "internet", sg.MustTraffic("All ICMP - IPv4")) })
	assert.Contains(t, got, " 253/")
	for _, what := range []sg.Traffic{sg.MustTraffic("All TCP"), sg.MustTraffic("All UDP"), sg.MustTraffic("All ICMP - IPv4")} {
		net.Authorize(t, "sg-db", sg.Egress, what.To(sg.AnyIPv4))
	}
	got = failing(t, func(tb sgtest.TB) { net.Allows(tb, "db", "internet", sg.AllTraffic) })
	assert.Contains(t, got, "253 10.0.3.10 > 198.51.100.7: drop")
}

func TestConversations(t *testing.T) {
	net := newSite(t, nil)
	net.Converse(t, "internet", "web", sg.HTTPS)
	net.Converse(t, "app", "internet", sgtest.Ping)
	net.Converse(t, "2001:db8:ffff::7", "six", sg.MustTraffic("DNS (UDP)"))

	conn := net.Dial(t, "app", "db", sg.PostgreSQL)
	assert.Equal(t, sg.Tracked, conn.Request().Reason)
	assert.Equal(t, sg.Tracked, conn.Reply().Reason)
	net.SetGroups(t, "db", "sg-quarantine")
	conn.Alive(t)
	net.Denies(t, "app", "db", sg.PostgreSQL)
	assert.Contains(t, failing(t, func(tb sgtest.TB) { conn.Dead(tb) }), "is alive, and should not be")

	net.Clock.Advance(5*24*time.Hour + time.Second)
	got := failing(t, func(tb sgtest.TB) { conn.Alive(tb) })
	assert.Contains(t, got, "PostgreSQL from app to db stops: app's packet is lost")
	assert.Contains(t, got, "setgroups eni-db sg-quarantine")
	conn.Dead(t)
}

// A failure's scenario does the same again when it is run.
func TestFailureScenarioRuns(t *testing.T) {
	net := newSite(t, &sg.Options{RelatedICMP: true})
	net.Clock.Advance(time.Hour)
	conn := net.Dial(t, "internet", "web", sg.HTTPS)
	other := net.Dial(t, "app", "db", sg.PostgreSQL)
	net.Revoke(t, "sg-web", sg.Ingress, sg.HTTPS.From(sg.AnyIPv4))
	net.Change(t, func(topo *sg.Topology) {
		topo.ENIs[0].Name = "old-web"
		topo.Groups[0].Egress = nil
	})
	other.Alive(t)
	net.Clock.Advance(6 * 24 * time.Hour)
	for name, got := range map[string]string{
		"conversation": failing(t, func(tb sgtest.TB) { conn.Alive(tb) }),
		"claim":        failing(t, func(tb sgtest.TB) { net.Allows(tb, "internet", "10.0.1.10", sg.HTTPS) }),
	} {
		t.Run(name, func(t *testing.T) {
			_, text, ok := strings.Cut(got, "As a scenario:\n")
			require.True(t, ok, got)
			text = strings.ReplaceAll("\n"+text, "\n    ", "\n")
			s, err := sgtest.ParseScenario("pasted", text)
			require.NoError(t, err, text)
			require.NoError(t, s.Run(), text)
			assert.NotContains(t, text, "10.0.3.10", "packets and ENIs of another connection")
			assert.NotContains(t, text, "sg-six", "a group that does not matter")
			if name == "conversation" { // that began when there was such a rule
				assert.Contains(t, text, "group sg-app\n", "a group that a rule names")
			}

			wrong := strings.Replace(text, "drop", "accept", 1)
			s, err = sgtest.ParseScenario("pasted", wrong)
			require.NoError(t, err)
			assert.Error(t, s.Run(), "a scenario can fail")
		})
	}
}

func TestMatrix(t *testing.T) {
	net := newSite(t, nil)
	net.Matrix(t, `
		# who may talk to whom
		from\to           web:https  app:tcp/8080-8089  db:postgresql  db:all  [2001:db8::10]:dns(udp)
		internet          yes        no                 no             no      yes
		198.51.100.99     yes        no                 no             no      -
		web               -          yes                no             no      -
		app               no         -                  yes            -       -
	`)
	got := failing(t, func(tb sgtest.TB) {
		net.Matrix(tb, `
			from      web:https  db:postgresql
			internet  no         no
			web       -          yes
		`)
	})
	assert.Contains(t, got, "2 cells of the matrix are wrong:\n"+
		"    from      web:https     db:postgresql\n"+
		"    internet  YES(want-no)  no\n"+
		"    web       -             NO(want-yes)\n")
	assert.Contains(t, failing(t, func(tb sgtest.TB) { net.Matrix(tb, "from web:https\ninternet no") }), "1 cell of the matrix is wrong:\n")
	assert.Contains(t, got, "internet reaches web with HTTPS, and should not")
	assert.Contains(t, got, "web does not reach db with PostgreSQL")

	for table, says := range map[string]string{
		"":                                "needs a line of destinations",
		"from web:https\ninternet":        `row "internet" has 0 cells for 1 column`,
		"from web:https\ninternet maybe":  `"maybe" is not yes, no or -`,
		"from web\ninternet yes":          `column "web"`,
		"from web:nothing\ninternet yes":  `traffic "nothing"`,
		"from nobody:https\ninternet yes": `"nobody" is neither`,
	} {
		assert.Contains(t, failing(t, func(tb sgtest.TB) { net.Matrix(tb, table) }), says)
	}
}

// Ends go by the names that explain takes.
func TestNames(t *testing.T) {
	topo, err := sgtest.ParseTopology("names", site+`
group sg-two name="the pair"
eni eni-1 10.0.5.1 sg-app name="app 1" instance=i-1
eni eni-2 10.0.5.2 sg-two instance=i-2
eni eni-3 10.0.5.3 sg-two instance=i-2
eni aws_instance.new["a"] sg-db
`)
	require.NoError(t, err)
	net := sgtest.NewNetwork(t, topo, nil)
	net.Matrix(t, `
		from     db:postgresql  i-1:all  sg-web:"All TCP"
		"app 1"  yes            -        no
		i-1      yes            -        -
		sg-web   no             -        -
	`)
	net.Denies(t, "sg-web", "app 1", sg.SSH)
	assert.Contains(t, failing(t, func(tb sgtest.TB) { net.Matrix(tb, "from \"app 1\":https\nweb yes") }), "    from  \"app 1\":https\n    web   NO(want-yes)\n")
	for name, says := range map[string]string{
		"i-2":                   `"i-2" is neither`,
		"the pair":              `"the pair" is neither`,
		`aws_instance.new["a"]`: `aws_instance.new["a"] has no address yet`,
		"nobody":                `"nobody" is neither an address nor one of web, app, db, six, app 1, eni-2, eni-3, aws_instance.new["a"]`,
	} {
		assert.Contains(t, failing(t, func(tb sgtest.TB) { net.Denies(tb, name, "web", sg.SSH) }), says)
		assert.Contains(t, failing(t, func(tb sgtest.TB) { net.Denies(tb, "web", name, sg.SSH) }), says)
	}
	for i := range 100 {
		net.Host(fmt.Sprint("host", i), "192.0.2.1")
	}
	assert.Regexp(t, `is neither an address nor one of host0, .*, and 98 more$`, failing(t, func(tb sgtest.TB) { net.Denies(tb, "nobody", "web", sg.SSH) }))
}

// A claim leaves no trace: a connection it tried cannot be gone on with.
func TestClaimsChangeNothing(t *testing.T) {
	net := newSite(t, &sg.Options{MaxConnections: 4})
	for range 10 {
		net.Allows(t, "app", "db", sg.PostgreSQL)
		net.Allows(t, "web", "app", sg.MustTraffic("tcp/8080-8089"))
	}
	net.Dial(t, "app", "db", sg.PostgreSQL)
	net.Dial(t, "web", "app", sg.MustTraffic("tcp/8080"))
	assert.Contains(t, failing(t, func(tb sgtest.TB) { net.Allows(tb, "app", "db", sg.PostgreSQL) }), "table_full")
}

func TestSend(t *testing.T) {
	net := newSite(t, nil)
	h := packet.TCPHeader(netip.MustParseAddrPort("10.0.2.10:40000"), netip.MustParseAddrPort("10.0.3.10:5432"), packet.SYN)
	assert.Contains(t, net.Explain(h).String(), "sg-db")
	out := net.Send(h)
	assert.Equal(t, sg.Accept, out.Verdict)
	require.Len(t, out.Hops(), 2)
	out = net.Send(h)
	assert.Equal(t, sg.Tracked, out.Reason, "the first one was really sent")
}

func TestClock(t *testing.T) {
	var c sgtest.Clock
	assert.Equal(t, sgtest.Epoch, c.Now())
	c.Advance(time.Hour)
	assert.Equal(t, sgtest.Epoch.Add(time.Hour), c.Now())
	lead := time.Unix(1000, 0)
	c.Follow(func() time.Time { return lead })
	assert.Equal(t, lead, c.Now())
	c.Advance(time.Second)
	assert.Equal(t, lead.Add(time.Second), c.Now())
}

// Several goroutines may use one network: run with -race.
func TestConcurrentUse(t *testing.T) {
	net := newSite(t, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 20 {
				net.Converse(t, "app", "db", sg.PostgreSQL)
				net.Denies(t, "web", "db", sg.PostgreSQL)
			}
		})
	}
	wg.Go(func() {
		for range 20 {
			net.Clock.Advance(time.Second)
			net.SetGroups(t, "web", "sg-web", "sg-quarantine")
			net.Topology()
			net.Host("laptop", "198.51.100.8")
		}
	})
	wg.Wait()
}

// Inside a bubble the firewall's timers can run on the bubble's clock, and waiting
// costs nothing.
func TestSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newSite(t, nil)
		net.Clock.Follow(time.Now)
		conn := net.Dial(t, "app", "db", sg.PostgreSQL)
		dns := net.Dial(t, "2001:db8:ffff::7", "six", sg.MustTraffic("DNS (UDP)"))
		net.Revoke(t, "sg-six", sg.Ingress, sg.MustTraffic("DNS (UDP)").From(sg.AnyIPv6))

		alive := make(chan bool)
		go func() {
			time.Sleep(20 * time.Second)
			alive <- dns.Alive(t)
		}()
		synctest.Wait()
		assert.True(t, <-alive)
		time.Sleep(181 * time.Second)
		dns.Dead(t)
		conn.Alive(t)
		time.Sleep(432000 * time.Second)
		conn.Dead(t)
	})
}
