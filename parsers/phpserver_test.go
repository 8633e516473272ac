package parsers

import "testing"

func FuzzPHPServer(f *testing.F) { fuzzFormat(f, PHPServer) }
