package parsers

import "testing"

func FuzzZoraxy(f *testing.F) { fuzzFormat(f, Zoraxy) }
