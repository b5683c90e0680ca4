// Package examples holds programs that show one feature each. The comment at the
// top of a program says what it shows and what it prints; go test -long runs them all.
//
// The programs in gvisor, grpc and netns are modules of their own, because of what they
// need: two other stacks, and network namespaces. Package playground is no program but a
// page for a browser, which playground/build writes.
package examples
