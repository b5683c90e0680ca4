package browser

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"
)

var shots = flag.String("shots", "", "write pictures of every state of the page into this folder")

// states are those of the page, each from the one before.
var states = []struct {
	name string
	do   func(p *tab)
}{
	{"1-start", func(p *tab) { p.verdict("2 packets: 1 accepted, 1 dropped") }},
	{"2-changed", func(p *tab) {
		p.click("#tries button")
		p.verdict("2 packets: 2 accepted")
	}},
	{"3-map", func(p *tab) {
		p.click("#tab-map")
		p.until(`document.querySelector('#panel-map img').complete`)
	}},
	{"4-findings", func(p *tab) {
		p.edit("#topology", "eni db 10.0.2.10 sg-db", "group sg-old\nrule sg-old ingress tcp 22 sg-gone\nrule sg-old ingress all 10.0.0.0/8\nrule sg-old ingress tcp 443 10.0.0.0/16\neni db 10.0.2.10 sg-db")
		p.click("#tab-findings")
		p.until(`document.querySelectorAll('.finding').length > 1`)
	}},
	{"5-errors", func(p *tab) {
		p.click("#tab-answers")
		p.edit("#topology", "tcp 443 0.0.0.0/0", "tcp 443 0.0.0/0")
		p.edit("#topology", "eni app 10.0.1.10 sg-app", "eni app 10.0.1.10 sg-apple")
		p.until(`document.querySelectorAll('#problems .error').length > 0`)
	}},
	{"6-capture", func(p *tab) {
		p.click("#story-demo")
		p.until(`document.querySelector('#panel-capture table')`)
		p.click("#panel-capture button.plain")
		p.until(`document.querySelector('#panel-capture .answer')`)
	}},
	{"7-report", func(p *tab) {
		p.click("#tab-report")
		p.until(`document.querySelector('#panel-report iframe')`)
		p.do(chromedp.Sleep(1e9))
	}},
	{"8-hits", func(p *tab) {
		p.click("#tab-map")
		p.until(`document.querySelector('#panel-map img').complete`)
	}},
	{"9-link", func(p *tab) {
		p.click("#share")
		p.until(`document.getElementById('link').value`)
	}},
}

func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no -shots")
	}
	require.NoError(t, os.MkdirAll(*shots, 0o755))
	for _, width := range []int64{390, 1440} {
		p := playground(t, "", width)
		for _, s := range states {
			s.do(p)
			overflow := say[string](p, `[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .editor, pre, .drawing, .skip')).map((e) => e.tagName + '.' + e.className).join(' ')`)
			if overflow != "" {
				t.Errorf("%s at %d: beyond the window: %s", s.name, width, overflow)
			}
			for _, dark := range []bool{false, true} {
				p.dark(dark)
				picture, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
				require.NoError(t, err)
				name := fmt.Sprintf("%s-%d-%s.png", s.name, width, map[bool]string{false: "light", true: "dark"}[dark])
				require.NoError(t, os.WriteFile(filepath.Join(*shots, name), picture, 0o644))
			}
			p.dark(false)
		}
		if said := strings.Join(p.wrong, "\n"); said != "" {
			t.Log(said)
		}
	}
}
