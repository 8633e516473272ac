package main

import (
	"os"
	"regexp"
	"runtime"
	"testing"
)

// A part of the heap is to be kept in huge pages, and nothing is taken for that.
func TestHugePages(t *testing.T) {
	if _, err := os.Stat("/sys/kernel/mm/transparent_hugepage/enabled"); err != nil {
		t.Skip("there are no huge pages here: ", err)
	}
	marked := regexp.MustCompile(`(?m)^VmFlags:.* hg\b`)
	smaps := func() []byte {
		text, err := os.ReadFile("/proc/self/smaps")
		if err != nil {
			t.Skip("it is not told which memory is: ", err)
		}
		return text
	}
	var before, after runtime.MemStats
	old := len(marked.FindAll(smaps(), -1))
	runtime.ReadMemStats(&before)
	const size = 256 << 20 // more than tests before this one leave to be used again
	hugePages(size)
	runtime.ReadMemStats(&after)
	if n := len(marked.FindAll(smaps(), -1)); n <= old {
		t.Error("no memory is")
	}
	if more := int64(after.HeapSys-after.HeapReleased) - int64(before.HeapSys-before.HeapReleased); more > size/4 {
		t.Errorf("it takes %d bytes", more)
	}
}
