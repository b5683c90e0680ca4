package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
)

// Each story has the verdicts that the README shows, and its changes change them.
func TestStories(t *testing.T) {
	p := playground(t, "", 1440)
	for _, story := range []struct{ id, verdict, changed string }{
		{"connections", "4 packets: 2 accepted, 2 dropped", "4 packets: 3 accepted, 1 dropped"},
		{"default", "2 packets: 1 accepted, 1 dropped", "2 packets: 2 accepted"},
		{"tiers", "2 packets: 1 accepted, 1 dropped", "2 packets: 2 accepted"}, // the page begins with it, so it comes last
	} {
		p.click("#story-" + story.id)
		p.until("document.getElementById('story-" + story.id + "').getAttribute('aria-current') === 'true'")
		p.verdict(story.verdict)
		p.click("#tries button")
		p.verdict(story.changed)
		assert.Contains(t, p.text("#panel-answers"), "was drop", story.id)
		assert.Equal(t, "true", say[string](p, "document.querySelector('#tries button').ariaPressed"))
		p.click("#tries button")
		p.verdict(story.verdict)
		assert.NotContains(t, p.text("#panel-answers"), "was drop", story.id)
	}
}

// A rule that is edited changes the answer while it is typed.
func TestEdit(t *testing.T) {
	p := playground(t, "", 1440)
	p.verdict("2 packets: 1 accepted, 1 dropped")
	assert.Contains(t, p.text("#panel-answers"), "source sg-lb, packet had 198.51.100.7")
	p.edit("#topology", "ingress tcp 8080 sg-lb", "ingress tcp 8080 198.51.100.0/24")
	p.until(`document.getElementById('panel-answers').innerText.includes('198.51.100.7 in 198.51.100.0/24')`)
	p.verdict("2 packets: 1 accepted, 1 dropped")
	assert.Contains(t, say[string](p, "document.getElementById('verdict').textContent"),
		"tcp 198.51.100.7:50000 > 10.0.1.10:8080 S was dropped and is accepted now.", "for those who hear it")

	// A packet more, and one that is none.
	p.edit("#packet-text", "tcp lb > app:8080", "tcp lb > app:8080\nudp nobody > app:53\ntcp app > db:5432")
	p.verdict("3 packets: 2 accepted, 1 dropped")
	assert.Contains(t, p.text("#panel-answers"), `Line 2: "nobody": no interface`)
	assert.Equal(t, "true", say[string](p, "document.getElementById('packet-text').getAttribute('aria-invalid')"))
}

// Errors of the library stand beside the input and at their line.
func TestErrors(t *testing.T) {
	p := playground(t, "", 1440)
	p.edit("#topology", "tcp 443 0.0.0.0/0", "tcp 443-80 0.0.0/0")
	p.verdict("1 error in the groups")
	assert.Contains(t, p.text("#problems"), "line 3")
	assert.Equal(t, "3", say[string](p, "document.querySelector('#topology-editor .error')?.textContent?.replace('✕', '')"))
	p.click("#problems button")
	assert.Contains(t, say[string](p, `(() => {
		const e = document.activeElement;
		return e.value.slice(e.selectionStart, e.selectionEnd);
	})()`), "tcp 443-80 0.0.0/0")
	p.edit("#topology", "tcp 443-80 0.0.0/0", "tcp 443 0.0.0.0/0")
	p.verdict("2 packets: 1 accepted, 1 dropped")
	assert.Empty(t, p.text("#problems"))

	// Names stay text.
	p.edit("#topology", "group sg-db", `group sg-db name="<img src=x onerror=alert(1)><b>db</b>"`)
	p.edit("#topology", "rule sg-db ingress tcp 5432 sg-app", "rule sg-db ingress tcp 5433 sg-app")
	p.edit("#packet-text", "tcp lb > app:8080", "tcp app > db:5432")
	p.until(`document.getElementById('panel-answers').innerText.includes('<img src=x onerror=alert(1)><b>db</b>')`)
	assert.Zero(t, say[int](p, "document.querySelectorAll('img[src=x], #panel-answers b').length"))
}

// Map and findings follow the groups, by keyboard as well.
func TestMapAndFindings(t *testing.T) {
	p := playground(t, "", 1440)
	p.press("#tab-answers", kb.End)
	p.until(`!document.getElementById('panel-findings').hidden`)
	assert.Contains(t, p.text("#panel-findings"), "Nothing is wrong")
	p.edit("#topology", "rule sg-db ingress tcp 5432 sg-app", "rule sg-db ingress tcp 5432 sg-app\nrule sg-db ingress all 10.0.0.0/8\nrule sg-db ingress tcp 22 10.1.0.0/16")
	p.until(`document.getElementById('tab-findings').innerText === 'Findings (1)'`)
	assert.Contains(t, strings.ToLower(p.text("#panel-findings")), "shadowed")
	p.press("#tab-findings", kb.ArrowLeft)
	p.until(`!document.getElementById('panel-map').hidden && document.querySelector('#panel-map img').complete && document.querySelector('#panel-map img').naturalWidth > 100`)
	p.click("#panel-map summary")
	assert.Contains(t, p.text("#panel-map table"), "tcp 22")
}

// A link holds groups and packets. One that is no good is refused in words, and the page
// goes on.
func TestLink(t *testing.T) {
	p := playground(t, "", 1440)
	p.edit("#topology", "ingress tcp 8080 sg-lb", "ingress tcp 8080 0.0.0.0/0")
	p.verdict("2 packets: 2 accepted")
	p.click("#share")
	p.until(`document.getElementById('link').value.includes('#at=')`)
	link := say[string](p, "document.getElementById('link').value")

	there := open(t, link, 390)
	there.verdict("2 packets: 2 accepted")
	assert.Contains(t, say[string](there, "document.getElementById('topology').value"), "tcp 8080 0.0.0.0/0")

	for _, bad := range []string{"#at=", "#at=1.%22%3E%3Cscript%3Ealert(1)%3C/script%3E", "#at=9.AAAA", link[strings.Index(link, "#"):] + "AA", "#at=1." + strings.Repeat("A", 20<<10)} {
		there.do(evaluate("document.getElementById('refused')?.remove(); location.hash = " + quote(bad)))
		there.until(`document.getElementById('refused')?.innerText.startsWith('the link ')`)
		there.verdict("2 packets: 2 accepted")
	}
	first := open(t, site.URL+"/#at=1.AAAA", 390)
	first.verdict("2 packets: 1 accepted, 1 dropped")
	assert.Regexp(t, "^the link ", first.text("#refused"))
}
