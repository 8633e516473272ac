package parsers

import "testing"

func FuzzOAuth2Proxy(f *testing.F) { fuzzFormat(f, OAuth2Proxy) }
