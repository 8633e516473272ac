package parsers

import "testing"

func FuzzBeego(f *testing.F) { fuzzFormat(f, Beego) }
