package conntrack

import (
	"strings"
	"unsafe"
)

// newMemory returns memory for many records of a type without pointers, in large
// pages where the kernel likes. It is not cleared: whoever hands out a part of it
// has to. All of it would be the work of one insert: clearing 64 MiB took 4 ms, and
// 51 where they were touched for the first time.
//
// A strings.Builder is what the library has to get such memory from. The string is
// nobody else's, so what it says of its bytes binds nobody; a Builder that cleared
// them would only be slower.
func newMemory[T any](n int) []T {
	var b strings.Builder
	b.Grow(n * int(unsafe.Sizeof(*new(T))))
	b.WriteByte(0)
	list := unsafe.Slice((*T)(unsafe.Pointer(unsafe.StringData(b.String()))), n)
	wantHugePages(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(list))), b.Cap()))
	return list
}
