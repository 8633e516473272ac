package main

import (
	"runtime/debug"
	"syscall"
	"unsafe"
)

// hugePages has the next so many bytes of the heap kept in huge pages, where the system gives
// them to whoever asks (transparent_hugepage: madvise). What detectors remember is read here
// and there, and much of the wait for it is for the page that it is in. The runtime has no
// setting for that: the heap is made to grow at once and let go unused, which takes no memory.
func hugePages(size int) {
	const huge = 2 << 20
	heap := make([]byte, size)
	first := int(-uintptr(unsafe.Pointer(&heap[0])) % huge)
	if whole := (size - first) / huge * huge; whole > 0 {
		_ = syscall.Madvise(heap[first:first+whole], syscall.MADV_HUGEPAGE) // it goes without, too
	}
	debug.FreeOSMemory()
}
