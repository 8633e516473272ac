package parsers

import "testing"

func FuzzSquid(f *testing.F) { fuzzFormat(f, Squid) }
