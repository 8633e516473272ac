package parsers

import "testing"

func FuzzAPISIX(f *testing.F) { fuzzFormat(f, APISIX) }
