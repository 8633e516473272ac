package parsers

import "testing"

func FuzzGitea(f *testing.F) { fuzzFormat(f, Gitea) }
