// Package playground is a page that shows what security groups do with packets, in the
// browser alone: the library compiled to WebAssembly, and nothing is uploaded.
//
//	go run ./examples/playground/build -serve localhost:8080 /tmp/playground
//
// writes the page as a folder that any file server serves, and serves it. This package is
// what the page asks of the library, and runs anywhere: a [Session] takes what the user
// dropped or typed, and returns values that the page shows. Package wasm is the program
// of the page's worker, web are the page's files, browser is its test in a browser.
package playground
