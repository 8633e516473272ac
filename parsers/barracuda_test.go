package parsers

import "testing"

func FuzzBarracuda(f *testing.F) { fuzzFormat(f, Barracuda) }
