package parsers

import "testing"

func FuzzSynapse(f *testing.F) { fuzzFormat(f, Synapse) }
