package flowlog_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sgsim/sgsim/sg/flowlog"
)

var openerFormat = func() flowlog.Format {
	f, err := flowlog.ParseFormat("interface-id srcaddr dstaddr srcport dstport protocol start tcp-flags")
	if err != nil {
		panic(err)
	}
	return f
}()

// Each line is a record and what is said of it: s or d for the end that opened, then
// the evidence, then + where there was an answer.
func TestOpeners(t *testing.T) {
	for name, script := range map[string]string{
		"flags": `
			e 10.0.0.1 10.0.0.2 40000 443 6 1 2 = s flags
			e 10.0.0.2 10.0.0.1 443 40000 6 1 18 = d flags +
			e 10.0.0.1 10.0.0.2 40000 443 6 61 1 = s other record +
			e 10.0.0.2 10.0.0.1 443 40000 6 61 0 = d other record +`,
		"flags against ports": `
			e 10.0.0.1 10.0.0.2 443 40000 6 1 3 = s flags
			e 10.0.0.2 10.0.0.1 40000 443 6 1 19 = d flags +`,
		"the other half has them": `
			e 10.0.0.1 10.0.0.2 22 443 6 1 3 = s flags
			e 10.0.0.2 10.0.0.1 443 22 6 1 - = d other record +`,
		"and not in time": `
			e 10.0.0.2 10.0.0.1 443 22 6 1 - = s smaller port
			e 10.0.0.1 10.0.0.2 22 443 6 1 2 = s flags +`,
		"flags that say nothing": `
			e 10.0.0.1 10.0.0.2 40000 443 6 1 0 = s ports
			e 10.0.0.2 10.0.0.1 443 40000 6 1 1 = d ports +
			e 10.0.0.2 10.0.0.1 443 40000 6 1 4 = d ports +`,
		"both ports ephemeral":   `e 10.0.0.1 10.0.0.2 40001 40000 6 1 - = s smaller port`,
		"neither port ephemeral": `e 10.0.0.1 10.0.0.2 443 8080 6 1 - = d smaller port`,
		"NFS": `
			e 10.0.0.1 10.0.0.2 871 2049 6 1 - = s smaller port
			e 10.0.0.2 10.0.0.1 2049 871 6 1 - = d smaller port +`,
		"2049 of a client":       `e 10.0.0.1 10.0.0.2 2049 443 6 1 - = s smaller port`,
		"UDP has no flags":       `e 10.0.0.1 10.0.0.2 53 40000 17 1 2 = d ports`,
		"multicast":              `e 10.0.0.1 224.0.0.251 5353 5353 17 1 - = s address`,
		"broadcast":              `e 10.0.0.1 255.255.255.255 67 68 17 1 - = s address`,
		"no ports in the record": `e 10.0.0.1 10.0.0.2 - - 6 1 2 = s flags`,
		"no ports and no flags":  `e 10.0.0.1 10.0.0.2 - 443 6 1 0 = - nothing`,
		"no addresses":           `e - - 1 2 6 1 2 = - nothing`,
		"no protocol":            `e 10.0.0.1 10.0.0.2 1 2 - 1 2 = - nothing`,
		"other interface": `
			e 10.0.0.1 10.0.0.2 22 443 6 1 2 = s flags
			f 10.0.0.2 10.0.0.1 443 22 6 1 0 = s smaller port`,
		"equal ports: order": `
			e 10.0.0.1 10.0.0.2 123 123 17 5 - = - nothing
			e 10.0.0.2 10.0.0.1 123 123 17 5 - = - nothing +
			e 10.0.0.3 10.0.0.2 123 123 17 5 - = - nothing
			e 10.0.0.2 10.0.0.3 123 123 17 6 - = d order +
			e 10.0.0.3 10.0.0.2 123 123 17 66 - = s order +`,
		"ping": `
			e 2001:db8::1 2001:db8::2 0 0 58 5 - = - nothing
			e 2001:db8::2 2001:db8::1 0 0 58 7 - = d order +`,
		"one address, two ports": `
			e 10.0.0.1 10.0.0.1 22 443 6 1 2 = s flags
			e 10.0.0.1 10.0.0.1 443 22 6 1 0 = d other record +`,
	} {
		t.Run(name, func(t *testing.T) {
			o := flowlog.NewOpeners(0)
			for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
				text, want, _ := strings.Cut(strings.TrimSpace(line), " = ")
				var r flowlog.Record
				require.NoError(t, openerFormat.Parse(text, &r))
				assert.Equal(t, want, said(o.Of(&r)), line)
			}
		})
	}
}

func said(o flowlog.Opening) string {
	s := string("-sd"[o.By]) + " " + o.Evidence.String()
	if o.Answered {
		s += " +"
	}
	return s
}

// No more connections are remembered than was said; one that goes on having records
// is not forgotten.
func TestOpenersForget(t *testing.T) {
	o := flowlog.NewOpeners(100)
	ask := func(line string) string {
		var r flowlog.Record
		require.NoError(t, openerFormat.Parse(line, &r))
		return said(o.Of(&r))
	}
	require.Equal(t, "s flags", ask("e 10.0.0.1 10.0.0.2 22 443 6 1 2"))
	require.Equal(t, "s flags", ask("e 10.0.0.1 10.0.0.3 22 443 6 1 2"))
	for i := range 1000 {
		ask(fmt.Sprintf("e 10.1.0.1 10.0.0.2 %d 443 6 1 2", i))
		require.Equal(t, "d other record", ask("e 10.0.0.2 10.0.0.1 443 22 6 1 0")[:14], "after %d others", i)
	}
	assert.Equal(t, "s smaller port", ask("e 10.0.0.3 10.0.0.1 443 22 6 1 0"))
}
