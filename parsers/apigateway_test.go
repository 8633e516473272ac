package parsers

import "testing"

func FuzzAPIGateway(f *testing.F) { fuzzFormat(f, APIGateway) }
