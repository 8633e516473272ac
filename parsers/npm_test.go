package parsers

import "testing"

func FuzzNginxProxyManager(f *testing.F) { fuzzFormat(f, NginxProxyManager) }
