//go:build !amd64 && !arm64

package conntrack

import "unsafe"

// fetch does nothing on this architecture.
func fetch(unsafe.Pointer) {}
