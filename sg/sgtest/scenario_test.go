package sgtest_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg"
	"github.com/sgsim/sgsim/sg/sgtest"
)

const story = `# A comment stays.
group sg-web
rule sg-web ingress tcp 22 203.0.113.1/32
rule sg-web egress tcp 5432 sg-db
group sg-db
rule sg-db ingress tcp 5432 sg-web id=sgr-db
eni eni-web 10.0.1.10 sg-web
eni eni-db 10.0.2.20 sg-db

case both ends
@0s  forward tcp 10.0.1.10:40001 > 10.0.2.20:5432 S   accept  rule
    eni-web egress   accept  rule sg-web egress[0]
    eni-db  ingress  accept  rule sg-db sgr-db
@1ms  forward tcp 10.0.2.20:5432 > 10.0.1.10:40001 SA   accept  # prefix
    eni-db egress   accept  tracked
    eni-web ingress  accept
@2s  forward tcp 10.0.1.10:40001 > 10.0.2.20:3306 S   drop  no_rule
    eni-web egress  drop    no_rule
@3s  forward tcp 192.0.2.1:1 > 192.0.2.2:1 S  not_applicable  no_interface

case changes
@0s  eni-web ingress tcp 203.0.113.1:40001 > 10.0.1.10:22 S  accept  rule
@1s  revoke sg-web ingress tcp 22 203.0.113.1/32
@2s  revoke sg-web ingress tcp 22 203.0.113.1/32
    error sg-web: ingress rule "tcp 22 203.0.113.1/32": no such rule (InvalidPermission.NotFound)
@2s  eni-web ingress tcp 203.0.113.1:40001 > 10.0.1.10:22 A  accept  tracked original
@2s  connections  1
@3s  swap closed
@3s  eni-web ingress tcp 203.0.113.1:40002 > 10.0.1.10:22 S  drop
@4s  eni eni-new 10.0.3.30 sg-closed
@4s  eni-new ingress tcp 203.0.113.1:40002 > 10.0.3.30:22 S  drop    no_rule
@5s  remove eni eni-new
@6s  eni-web ingress via appliance,nlb udp 203.0.113.1:1 > 10.0.1.10:22  drop

case its own topology
group sg-web
rule sg-web ingress all 0.0.0.0/0
eni eni-web 10.0.1.11 sg-web
option midstream=pass
@0s  eni-web ingress tcp 203.0.113.1:40001 > 10.0.1.11:9 A  accept  rule

case findings
rule sg-web ingress tcp 0 sg-gone
rule sg-web ingress icmp -1/0 0.0.0.0/0
check
    sg-web ingress[1]: dangling: sg-gone is not in the topology (InvalidGroup.NotFound)
    sg-web ingress[1]: misleading: tcp port 0 only: all ports are 0-65535, only protocol -1 ignores ports
compile
    error sg-web: ingress rule 2: icmp -1/0: all types demand all codes (InvalidParameterValue)
-- closed --
group sg-closed
eni eni-web 10.0.1.10 sg-closed
`

func parse(t *testing.T, text string) *sgtest.Scenario {
	t.Helper()
	s, err := sgtest.ParseScenario("x.txtar", text)
	require.NoError(t, err)
	return s
}

func TestScenarioPasses(t *testing.T) {
	s := parse(t, story)
	assert.Equal(t, []string{"both ends", "changes", "its own topology", "findings"}, s.Cases())
	assert.NoError(t, s.Run())
	assert.NoError(t, s.Run(), "a scenario starts over each time")
	assert.NoError(t, s.RunCase("changes"))
	assert.EqualError(t, s.RunCase("none"), `x.txtar: no case "none"`)
	assert.NoError(t, parse(t, strings.ReplaceAll(story, "@0s ", "@0s\t")).Run(), "tabs are blanks")
}

func TestScenarioMismatches(t *testing.T) {
	change := func(old, new string) string {
		require.Equal(t, 1, strings.Count(story, old), old)
		return strings.Replace(story, old, new, 1)
	}
	for name, c := range map[string]struct {
		text      string
		at        string // the line that does not agree
		got, want string // their starts
	}{
		"another verdict": {change("40002 > 10.0.1.10:22 S  drop\n", "40002 > 10.0.1.10:22 S  accept\n"),
			"@3s  eni-web", "drop    no_rule", "accept"},
		"another rule": {change("rule sg-web egress[0]", "rule sg-web egress[1]"),
			"@0s  forward", "accept  rule\neni-web egress   accept  rule sg-web egress[0]", "accept  rule\neni-web egress   accept  rule sg-web egress[1]"},
		"a hop missing": {change("    eni-db  ingress  accept  rule sg-db sgr-db\n", ""),
			"@0s  forward", "accept  rule\neni-web egress   accept  rule sg-web egress[0]\neni-db", "accept  rule\neni-web egress   accept  rule sg-web egress[0]"},
		"a hop too many": {change("    eni-web egress  drop    no_rule\n", "    eni-web egress  drop    no_rule\n    eni-db ingress  drop\n"),
			"@2s  forward", "drop    no_rule\neni-web egress   drop    no_rule", "drop  no_rule\neni-web egress  drop    no_rule\neni-db"},
		"no verdict": {change("22 S  accept  rule\n", "22 S\n"),
			"@0s  eni-web", "accept  rule sg-web ingress[0]", ""},
		"no error": {change("    error sg-web: ingress rule \"tcp 22", "# error sg-web: ingress rule \"tcp 22"),
			"@2s  revoke", "error sg-web", ""},
		"an error too many": {change("@3s  swap closed\n", "@3s  swap closed\n    error x\n"),
			"@3s  swap", "", "error x"},
		"a count": {change("connections  1", "connections  2"),
			"@2s  connections", "1", "2"},
		"a finding less": {change("    sg-web ingress[1]: dangling: sg-gone is not in the topology (InvalidGroup.NotFound)\n", ""),
			"check", "sg-web ingress[1]: dangling", "sg-web ingress[1]: misleading"},
		"more words than there are": {change("10.0.1.11:9 A  accept  rule\n", "10.0.1.11:9 A  accept  rule sg-web ingress[0] and more\n"),
			"@0s  eni-web ingress tcp 203.0.113.1:40001 > 10.0.1.11:9", "accept  rule sg-web ingress[0]", "accept  rule sg-web ingress[0] and more"},
	} {
		t.Run(name, func(t *testing.T) {
			err := parse(t, c.text).Run()
			var m *sgtest.Mismatch
			require.True(t, errors.As(err, &m), "%v", err)
			line := 1 + strings.Count(c.text[:strings.Index(c.text, "\n"+c.at)+1], "\n")
			assert.Equal(t, "x.txtar", m.File)
			assert.Equal(t, line, m.Line)
			assert.True(t, strings.HasPrefix(m.Got, c.got) && (c.got != "" || m.Got == ""), m.Got)
			assert.True(t, strings.HasPrefix(m.Want, c.want) && (c.want != "" || m.Want == ""), m.Want)
		})
	}
}

func TestMismatchSaysWhy(t *testing.T) {
	text := "group sg-db\nrule sg-db ingress tcp 5432 0.0.0.0/0\neni eni-db 10.0.2.20 sg-db\n\n" +
		"@0s eni-db ingress tcp 10.0.1.10:40001 > 10.0.2.20:3306 S  accept\n"
	assert.EqualError(t, parse(t, text).Run(), `x.txtar:5: @0s eni-db ingress tcp 10.0.1.10:40001 > 10.0.2.20:3306 S
  got   drop    no_rule
  want  accept
  why   tcp 10.0.1.10:40001 > 10.0.2.20:3306 S: drop, no_rule
        eni-db ingress: drop, no_rule
          connection  none
          groups      sg-db
          nearest     sg-db ingress[0]: port 5432, packet had 3306`)
}

func TestScenarioUpdate(t *testing.T) {
	var stripped []string
	for _, line := range strings.Split(story, "\n") {
		if !strings.HasPrefix(line, "  ") { // rows
			if i := strings.Index(line, "  accept"); i >= 0 && !strings.Contains(line, "#") {
				line = line[:i]
			}
			stripped = append(stripped, line)
		}
	}
	updated, err := parse(t, strings.Join(stripped, "\n")).Update()
	require.NoError(t, err)
	assert.NoError(t, parse(t, updated).Run())
	again, err := parse(t, updated).Update()
	require.NoError(t, err)
	assert.Equal(t, updated, again, "what is up to date stays as it is")
	for _, keep := range []string{"# A comment stays.", "# prefix", "-- closed --\ngroup sg-closed\n",
		"    eni-db  ingress  accept  rule sg-db sgr-db\n", "    error sg-web: ingress rule \"tcp 22"} {
		assert.Contains(t, updated, keep)
	}
}

func TestScenarioErrors(t *testing.T) {
	for text, want := range map[string]string{
		"nonsense":                            `x.txtar:1: "nonsense": not a statement`,
		"k=v":                                 `x.txtar:1: "k=v": not a statement`,
		"  row":                               "x.txtar:1: expected result without a statement above it",
		"\n@1 x ingress":                      `x.txtar:2: "@1": not a time since the start such as @1.5s`,
		"@1s":                                 "x.txtar:1: nothing happens at @1s",
		"@1s fly away":                        `x.txtar:1: "@1s fly away": not a packet and not a change`,
		"@1s e ingress":                       "x.txtar:1: no packet",
		"@1s e ingress accept":                "x.txtar:1: no packet",
		"@1s forward via moon tcp":            `x.txtar:1: via "moon": not appliance, tracked, nlb, through=ENI or vpc=ID`,
		"@1s entry add p 10.0.0.0":            `x.txtar:1: "10.0.0.0": not a CIDR block`,
		"@1s authorize g up tcp":              `x.txtar:1: "up": neither ingress nor egress`,
		"@1s attach e k=v":                    `x.txtar:1: "k=v": not understood here`,
		"option colour=red":                   `x.txtar:1: "colour=red": not understood here, only acl-fragments=, filter-exempt, instance-max=, max-connections=, midstream=, on-change=, profile=, related-icmp`,
		"case":                                `x.txtar:1: case "": a case needs a name of its own`,
		"case a\ncase a":                      `x.txtar:2: case "a": a case needs a name of its own`,
		"group g\n@0s remove group g\ncase a": "x.txtar:2: only the topology and options may stand above the first case",
		"nonsense\nrubbish":                   "x.txtar:1: \"nonsense\": not a statement\nx.txtar:2: \"rubbish\": not a statement",
	} {
		_, err := sgtest.ParseScenario("x.txtar", text)
		assert.EqualError(t, err, want, text)
	}
	for text, want := range map[string]string{
		"group g\ngroup g\n@0s connections  0":      "x.txtar:3: @0s connections: g: duplicate id",
		"@0s e ingress tcp 1.1.1.1:1 > 1.1.1.2:1 S": `x.txtar:1: @0s e ingress tcp 1.1.1.1:1 > 1.1.1.2:1 S: no ENI "e" in the topology`,
		"@0s explain e ingress 9 1.1.1.1 > 1.1.1.2": `x.txtar:1: @0s explain e ingress 9 1.1.1.1 > 1.1.1.2: no ENI "e" in the topology`,
		"group g x":                               `x.txtar:1: group g x: "x": not understood here: to name it, write name=x`,
		"@0s connections  0\ngroup g":             "x.txtar:2: group g: needs a time such as @5s, now that packets flow",
		"@0s connections  0\noption related-icmp": "x.txtar:2: option related-icmp: needs a time such as @5s, now that packets flow",
		"load a.json\n-- a.json --\n{":            "",
		"load nowhere":                            "",
	} {
		err := parse(t, text).Run()
		require.Error(t, err, text)
		if want != "" {
			assert.EqualError(t, err, want, text)
		}
	}
	_, err := sgtest.ReadScenario("testdata/none.txtar")
	assert.Error(t, err)
	err = sgtest.UpdateDir("testdata/none")
	assert.Error(t, err)
}

func TestScenarioLoadsJSON(t *testing.T) {
	s := parse(t, `load groups.json enis.json
@0s  eni-1 ingress tcp 192.0.2.1:40001 > 10.0.1.10:443 S  accept  rule sg-1 ingress[0]
-- groups.json --
{"SecurityGroups": [{"GroupId": "sg-1", "IpPermissions": [
  {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}]}]}
-- enis.json --
{"NetworkInterfaces": [{"NetworkInterfaceId": "eni-1", "PrivateIpAddress": "10.0.1.10",
  "PrivateIpAddresses": [{"PrivateIpAddress": "10.0.1.10", "Primary": true}], "Groups": [{"GroupId": "sg-1"}]}]}
`)
	assert.NoError(t, s.Run())
}

func TestOptionsText(t *testing.T) {
	text := "profile=linux midstream=pickup related-icmp filter-exempt max-connections=4 instance-max=i-1:2 instance-max=i-2:3 on-change=flush"
	o, err := sgtest.ParseOptions(text)
	require.NoError(t, err)
	assert.Equal(t, text, sgtest.FormatOptions(&o))
	assert.Empty(t, sgtest.FormatOptions(&sg.Options{}))
	for text, want := range map[string]string{
		"profile=bsd":       `"bsd": not one of ["aws" "linux"]`,
		"instance-max=4":    `"4": not an instance and a number such as i-1:1000`,
		"max-connections=x": `"x": not a number`,
	} {
		_, err := sgtest.ParseOptions(text)
		assert.EqualError(t, err, want)
	}
	for _, bad := range []string{"midstream=x", "on-change=x"} {
		_, err := sgtest.ParseOptions(bad)
		assert.Error(t, err)
	}
}

func FuzzScenario(f *testing.F) {
	for _, c := range strings.Split(story, "\ncase ") {
		f.Add("case " + c)
	}
	f.Add("@0s entry add p 10.0.0.0/8\n    error x\n@1s setgroups e\n@2s explain forward tcp 1.1.1.1:1 > 1.1.1.2:1 S")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := sgtest.ParseScenario("x", text)
		if err != nil {
			return
		}
		updated, err := s.Update()
		if err != nil {
			return // it cannot be run to its end
		}
		again, err := sgtest.ParseScenario("x", updated)
		if err != nil {
			t.Fatalf("%q\nis updated to %q\n%v", text, updated, err)
		}
		if err := again.Run(); err != nil {
			t.Fatalf("%q\nis updated to %q\n%v", text, updated, err)
		}
	})
}
