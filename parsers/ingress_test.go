package parsers

import "testing"

func FuzzNginxIngress(f *testing.F) { fuzzFormat(f, NginxIngress) }
