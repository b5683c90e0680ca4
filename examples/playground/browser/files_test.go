package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Listings and a capture that are dropped are told apart, judged, and can be edited as
// text; the report stands in a frame of its own.
func TestFiles(t *testing.T) {
	p := playground(t, "", 1440)
	demo := filepath.Join(folder, "demo")
	p.drop(filepath.Join(demo, "security-groups.json"), filepath.Join(demo, "network-interfaces.json"))
	p.until(`document.querySelectorAll('#topology-files li').length === 2`)
	p.until(`document.querySelector('#panel-map img')`)
	assert.Empty(t, say[string](p, "document.getElementById('topology').value"), "the story is gone")

	p.choose(filepath.Join(demo, "vpcs.json"), filepath.Join(demo, "demo.pcap"))
	p.verdict("In the capture, 19 packets: 15 accepted, 4 dropped")
	assert.Equal(t, 19, say[int](p, "document.querySelectorAll('#panel-capture tbody tr').length"))
	p.do(chooseOption("#which", "refused"))
	assert.Equal(t, 4, say[int](p, "document.querySelectorAll('#panel-capture tbody tr').length"))
	p.click("#panel-capture button.plain")
	p.until(`document.querySelector('#panel-capture .answer')`)
	assert.Contains(t, p.text("#panel-capture .answer"), "nearest")

	p.click("#tab-report")
	p.until(`document.querySelector('#panel-report iframe')?.srcdoc.includes('<main')`)
	p.click("#tab-map")
	p.click("#panel-map summary")
	assert.Contains(t, p.text("#panel-map table"), "dropped", "the map has what the capture showed")

	// As text, a rule can be changed: the capture is judged again.
	p.click("#as-text")
	p.until(`document.getElementById('topology').value.includes('rule ')`)
	p.verdict("In the capture, 19 packets: 15 accepted, 4 dropped")
	p.edit("#topology", "egress tcp 5432", "egress tcp 5433")
	p.verdict("In the capture, 19 packets: 10 accepted, 9 dropped")

	// What is nothing of the kind is named, and stays text.
	name := filepath.Join(t.TempDir(), "<img src=x onerror=alert(1)>.json")
	require.NoError(t, os.WriteFile(name, []byte(`{"Functions": []}`), 0o644))
	p.choose(name)
	p.until(`document.getElementById('problems').innerText.includes('describe-security-groups')`)
	assert.Contains(t, p.text("#problems"), "<img src=x onerror=alert(1)>.json")
}
