// Package browser holds the tests of the playground and of the pages that sgsim writes, in
// a real Chromium. It is a module of its own because of what drives the browser.
//
//	go test ./... -shots /tmp/shots
//
// also writes pictures of every state of the page, at 390 and 1,440 pixels, light and
// dark. Without a Chromium on the path the tests are skipped; what axe-core says, without
// npm.
package browser
