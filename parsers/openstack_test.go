package parsers

import "testing"

func FuzzOpenStack(f *testing.F) { fuzzFormat(f, OpenStack) }
