package parsers

import "testing"

func FuzzFiber(f *testing.F) { fuzzFormat(f, Fiber) }
