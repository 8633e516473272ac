package parsers

import "testing"

func FuzzPHPFPM(f *testing.F) { fuzzFormat(f, PHPFPM) }
