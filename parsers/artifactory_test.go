package parsers

import "testing"

func FuzzArtifactory(f *testing.F) { fuzzFormat(f, Artifactory) }
