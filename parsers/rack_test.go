package parsers

import "testing"

func FuzzRack(f *testing.F) { fuzzFormat(f, Rack) }
