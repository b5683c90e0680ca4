package browser

import (
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// insert types a text where the cursor is; an empty one takes away what is selected.
func insert(text string) chromedp.Action[chromedp.Void] {
	if text == "" {
		return chromedp.KeyEvent(kb.Backspace)
	}
	return call(input.InsertText, input.InsertTextParams{Text: text})
}

// drop drops files on the page, as a hand does.
func (p *tab) drop(files ...string) {
	p.t.Helper()
	for _, kind := range []input.DispatchDragEventType{"dragEnter", "dragOver", "drop"} {
		p.do(call(input.DispatchDragEvent, input.DispatchDragEventParams{
			Type: kind, X: 200, Y: 200, Data: &input.DragData{Items: []*input.DragDataItem{}, Files: files, DragOperationsMask: 1},
		}))
	}
}

// choose gives files to the page's own dialogue.
func (p *tab) choose(files ...string) {
	p.t.Helper()
	p.do(chromedp.SetUploadFiles("#chooser", files))
}

// press presses a key at an element.
func (p *tab) press(selector, key string) {
	p.t.Helper()
	p.do(chromedp.Focus(selector), chromedp.KeyEvent(key))
}

// chooseOption chooses an option of a select.
func chooseOption(selector, value string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](`(() => {
		const e = document.querySelector(` + quote(selector) + `);
		e.value = ` + quote(value) + `;
		e.dispatchEvent(new Event('change'));
	})()`)
}

// evaluate runs a script.
func evaluate(script string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](script)
}
