package parsers

import "testing"

func FuzzWarp(f *testing.F) { fuzzFormat(f, Warp) }
