//go:build !linux

package conntrack

// newMemory returns zeroed buckets.
func newMemory(n int) []bucket { return make([]bucket, n) }
