//go:build !linux

package conntrack

func wantHugePages([]byte) {}
