package parsers

import "testing"

func FuzzHuaweiELB(f *testing.F) { fuzzFormat(f, HuaweiELB) }
