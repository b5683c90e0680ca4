//go:build !linux

package conntrack

// newMemory returns zeroed buckets.
func newMemory(n int) ([]bucket, *memory) { return make([]bucket, n), nil }
