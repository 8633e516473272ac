package parsers

import "testing"

func FuzzWerkzeug(f *testing.F) { fuzzFormat(f, Werkzeug) }
