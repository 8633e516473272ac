package parsers

import "testing"

func FuzzCouchDB(f *testing.F) { fuzzFormat(f, CouchDB) }
