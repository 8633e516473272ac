package parsers

import "testing"

func FuzzSwift(f *testing.F) { fuzzFormat(f, Swift) }
