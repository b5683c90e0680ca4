package main

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/internal/jsondoc"
)

// Every key that explain may write is described.
func TestJSONIsDescribed(t *testing.T) {
	doc, err := os.ReadFile("JSON.md")
	require.NoError(t, err)
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(s reflect.Type) {
		for s.Kind() == reflect.Pointer || s.Kind() == reflect.Slice {
			s = s.Elem()
		}
		if s.Kind() != reflect.Struct || seen[s] {
			return
		}
		seen[s] = true
		for i := range s.NumField() {
			f := s.Field(i)
			if key, _, _ := strings.Cut(f.Tag.Get("json"), ","); key != "" {
				assert.True(t, strings.Contains(string(doc), "`"+key+"`"), "JSON.md does not say %s of %v", key, s)
			}
			look(f.Type)
		}
	}
	look(reflect.TypeFor[explainJSON]())
	assert.Greater(t, len(seen), 6)
}

func TestExplainJSON(t *testing.T) {
	var all explainJSON
	read := func(args ...string) result {
		r := runSgsim(t, append([]string{"explain", "-format", "json", "-topology", vpc(t)}, args...)...)
		all = explainJSON{}
		require.NoError(t, json.Unmarshal([]byte(r.stdout), &all), r.stdout+r.stderr)
		return r
	}
	read("-through", "db", askDB, askMore)
	require.Len(t, all.Packets, 2)
	p := all.Packets[0]
	assert.Equal(t, []any{1, "accept", "rule", "through=eni-db", 2}, []any{all.Version, p.Verdict, p.Reason, p.Via, len(p.Hops)})
	assert.Equal(t, "web", p.Hops[0].ENIName)
	assert.Equal(t, &jsondoc.Rule{Group: jsondoc.Group{Group: "sg-db", GroupName: "db"}, Direction: "ingress", Rule: "ingress[0]", RuleText: "tcp 5432 sg-web"}, p.Hops[1].Rule)
	assert.Equal(t, "eni-web", string(p.Hops[1].Match.Member))
	assert.Contains(t, all.Packets[1].Hops[0].Hints[0], "(CT-41)")

	read("tcp 10.0.1.10:40000 > 10.0.2.20:3306 S")
	p = all.Packets[0]
	require.NotNil(t, p.Beyond)
	assert.Equal(t, []any{"drop", 1, "eni-db", "ingress", "drop"}, []any{p.Verdict, len(p.Hops), string(p.Beyond.ENI), p.Beyond.Direction, p.Beyond.Verdict})
	assert.Equal(t, jsondoc.Fail{Field: "port", Want: "5432", Got: "3306"}, p.Hops[0].Nearest[0].Fails[0])

	read("-packet", "2", pcapFile(t, askWeb, webSays))
	p = all.Packets[0]
	assert.Equal(t, []any{uint64(2), "accept", "tracked"}, []any{p.Number, p.Verdict, p.Reason})
	assert.NotEmpty(t, p.Time)
	assert.True(t, p.Hops[0].Connection.Reply)
	assert.Equal(t, "ingress[0]", p.Hops[0].Connection.Rule.Rule)

	read("udp 192.0.2.1:1 > 192.0.2.2:2")
	assert.Empty(t, all.Packets[0].Hops)
	assert.Equal(t, "no_interface", all.Packets[0].Reason)
}
