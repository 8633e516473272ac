package parsers

import "testing"

func FuzzKeyCDN(f *testing.F) { fuzzFormat(f, KeyCDN) }
