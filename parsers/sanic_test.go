package parsers

import "testing"

func FuzzSanic(f *testing.F) { fuzzFormat(f, Sanic) }
