package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/internal/page/pagetest"
)

// -html writes a page beside what is printed, which stays as it is.
func TestHTML(t *testing.T) {
	log := write(t, "flow.log", []byte("version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status\n"+
		"2 123456789012 eni-web 203.0.113.9 10.0.1.10 40000 22 6 1 40 1767225600 1767225660 ACCEPT OK\n"))
	for _, c := range []struct{ said, args string }{
		{"some.pcap", "replay -topology VPC PAGE " + write(t, "some.pcap", pcap(t, askWeb, askSSH))},
		{"Did AWS do the same?", "replay -topology VPC PAGE " + log},
		{"Findings", "check -topology VPC PAGE"},
		{"the rules do not differ", "diff -before VPC -after VPC PAGE"},
	} {
		page := filepath.Join(t.TempDir(), "page.html")
		call := func(flag string) result {
			return runSgsim(t, strings.Fields(strings.NewReplacer("VPC", vpc(t), "PAGE", flag).Replace(c.args))...)
		}
		with, without := call("-html "+page), call("")
		assert.Equal(t, without.stdout, with.stdout, c.args)
		assert.Equal(t, without.status, with.status, with.stderr)
		written, err := os.ReadFile(page)
		require.NoError(t, err)
		d := pagetest.Read(written)
		assert.Empty(t, d.Problems)
		assert.Contains(t, strings.ToLower(d.Text), strings.ToLower(c.said))
	}
}

// A page does not take the place of what is read.
func TestHTMLOverInput(t *testing.T) {
	topo, capture := vpc(t), write(t, "some.pcap", pcap(t, askWeb))
	before, err := os.ReadFile(topo)
	require.NoError(t, err)
	for _, args := range [][]string{
		{"replay", "-topology", topo, "-html", topo, capture}, {"check", "-topology", topo, "-html", topo}, {"diff", "-before", topo, "-after", topo, "-html", topo},
		{"diff", "-before", vpc(t), "-after", vpc(t), "-then", "12:00=" + topo, "-html", topo, capture},
	} {
		r := runSgsim(t, args...)
		assert.Equal(t, exitInput, r.status)
		assert.Contains(t, r.stderr, "is one of the topology's files")
	}
	after, err := os.ReadFile(topo)
	require.NoError(t, err)
	assert.Equal(t, before, after)
}

// A page stays as it was until there is another to write.
func TestHTMLKept(t *testing.T) {
	old, text := write(t, "page.html", []byte("old")), write(t, "text.txt", []byte("no capture\n"))
	for _, args := range [][]string{
		{"replay", "-topology", vpc(t), "-html", old, text},
		{"diff", "-before", vpc(t), "-after", vpc(t), "-html", old, write(t, "some.pcap", pcap(t, askWeb)), text},
	} {
		assert.NotEqual(t, exitOK, runSgsim(t, args...).status)
		after, err := os.ReadFile(old)
		require.NoError(t, err)
		assert.Equal(t, "old", string(after), args)
	}
}

func TestProgressLine(t *testing.T) {
	p := &progress{total: 1000e6, noun: "packets", each: recordHeader}
	assert.Equal(t, "2.0 million packets, 0.2 million a second, 13%, 66 s left", p.line(2e6, 100e6, 10*time.Second))
	p.each = 0
	assert.Equal(t, "2.0 million packets, 0.2 million a second, 10%, 2 min left", p.line(2e6, 100e6, 10*time.Second))
	p.total = 0
	assert.Equal(t, "2.0 million packets, 0.2 million a second", p.line(2e6, 100e6, 10*time.Second))
	assert.Equal(t, []string{"1 s", "2 min", "1.5 h"}, []string{left(1), left(100 * time.Second), left(90 * time.Minute)})
}
