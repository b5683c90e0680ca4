//go:build !amd64 && !arm64

package conntrack

import "unsafe"

// fetch does nothing where there is no code for it.
func fetch(unsafe.Pointer) {}
