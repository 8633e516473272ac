package parsers

import "testing"

func FuzzMatrixAuth(f *testing.F) { fuzzFormat(f, MatrixAuth) }
