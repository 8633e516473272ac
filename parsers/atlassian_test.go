package parsers

import "testing"

func FuzzBitbucket(f *testing.F)  { fuzzFormat(f, Bitbucket) }
func FuzzConfluence(f *testing.F) { fuzzFormat(f, Confluence) }
