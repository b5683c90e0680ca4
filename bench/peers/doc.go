// Package peers measures what one would use instead of sgsim, on the packets that
// sgsim's own benchmarks use: see package bench/corpus for these, package bench for what
// each peer leaves undone.
//
// It is a module of its own, so that nobody who imports sgsim sees its
// dependencies. It holds benchmarks only:
//
//	go test -bench . -short
//
// Cases that need root or a tool that is not there are skipped, and say so.
package peers
