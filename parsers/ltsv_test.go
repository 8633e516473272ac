package parsers

import "testing"

func FuzzLTSV(f *testing.F) { fuzzFormat(f, LTSV) }
