package parsers

import "testing"

func FuzzUWSGI(f *testing.F) { fuzzFormat(f, UWSGI) }
