package parsers

import "testing"

func FuzzEnvoy(f *testing.F) { fuzzFormat(f, Envoy) }
