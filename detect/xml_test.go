package detect

import "testing"

func TestExternalEntity(t *testing.T) {
	for _, test := range []struct{ text, url string }{
		{`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>`, "file:///etc/passwd"},
		{`<!doctype r [<!entity % x system 'http://a/'>]>`, "http://a/"},
		{`<!ENTITY x PUBLIC "-//X" "http://a/">`, "http://a/"},
		{`<!ENTITY a "b"><!ENTITY x SYSTEM "c">`, "c"},
		{`<!ENTITY a "SYSTEM"><r a="c"/>`, ""},
		{`<!DOCTYPE html PUBLIC "-//W3C//DTD" "http://www.w3.org/">`, ""},
		{`<!ENTITY x PUBLIC "-//X">`, ""},
		{`<!ENTITY x SYSTEM "`, ""},
		{`<!ENTITY x SYSTEM`, ""},
		{`<!ENTITY`, ""},
		{`<!`, ""},
	} {
		if url, _ := externalEntity(test.text); url != test.url {
			t.Errorf("%s: %q; want %q", test.text, url, test.url)
		}
	}
}
