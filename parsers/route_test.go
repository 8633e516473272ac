package parsers

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestRoute(t *testing.T) {
	for _, test := range []struct{ path, want string }{
		{"", ""},
		{"/", "/"},
		{"///", "/"},
		{"*", "*"},
		{"/users", "/users"},
		{"/users/", "/users"},
		{"//users///all/", "/users/all"},
		{"users/42", "users/{id}"},
		{"/Users/All", "/Users/All"},
		{"/api/v1/users/42/orders", "/api/v1/users/{id}/orders"},
		{"/users/-1", "/users/{id}"},
		{"/users/%34%32", "/users/{id}"},
		{"/users/me", "/users/me"},
		{"/a%20b/c", "/a%20b/c"},
		{"/2fa/setup", "/2fa/setup"},
		{"/a/../b", "/a/../b"},

		{"/files/3f2504e0-4f89-11d3-9a0c-0305e82c3301", "/files/{uuid}"},
		{"/files/3F2504E0-4F89-11D3-9A0C-0305E82C3301.pdf", "/files/{uuid}.pdf"},
		{"/files/90434983-0000-4000-8000-085348515750", "/files/{uuid}"},
		{"/files/90434983-0000-4000-8000-08534851575", "/files/{id}"},
		{"/files/3f2504e0-4f89-11d3-9a0c-0305e82c330g", "/files/3f2504e0-4f89-11d3-9a0c-0305e82c330g"},
		{"/orders/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/orders/{hash}"},
		{"/orders/01arz3ndektsv4rrffq69g5fav", "/orders/{hash}"},
		{"/orders/507f1f77bcf86cd799439011", "/orders/{hash}"},
		{"/blobs/0123456789abcdef", "/blobs/{hash}"},
		{"/objects/user:1001", "/objects/user:{id}"},
		{"/objects/user%3A1001/roles", "/objects/user:{id}/roles"},
		{"/objects/urn:li:member:1001", "/objects/urn:li:member:{id}"},
		{"/proxy/localhost:8080/x", "/proxy/localhost:8080/x"},
		{"/proxy/db1.example.com:8080", "/proxy/db1.example.com:8080"},
		{"/projects/17:cancel", "/projects/17:cancel"},
		{"/cities:batchGet", "/cities:batchGet"},
		{"/orders/clx2k9f0w0000v8l4h3zq7t1m", "/orders/{hash}"}, // cuid
		{"/orders/cn0gq1l5k3mpqs8g1v20", "/orders/{hash}"},      // xid
		{"/orders/CN0GQ1L5K3MPQS8G1V20.pdf", "/orders/{hash}.pdf"},
		{"/orders/cn0gq1l5k3mpqs8g1v2", "/orders/cn0gq1l5k3mpqs8g1v2"},
		{"/jobs/releasenotesoctober2026", "/jobs/releasenotesoctober2026"},
		{"/jobs/cn0gq1l5k3-mpqs8g1v20xx", "/jobs/cn0gq1l5k3-mpqs8g1v20xx"},
		{"/blobs/0123456789abcde", "/blobs/0123456789abcde"},
		{"/blobs/aaaaaaaaaaaaaaaaaaaa", "/blobs/aaaaaaaaaaaaaaaaaaaa"},
		{"/blobs/01234567890123456789", "/blobs/{id}"},

		{"/users/1,2,3", "/users/{id}"},
		{"/users/1%2C2", "/users/{id}"},
		{"/files/3f2504e0-4f89-11d3-9a0c-0305e82c3301,3f2504e0-4f89-11d3-9a0c-0305e82c3302", "/files/{uuid}"},
		{"/files/3f2504e0-4f89-11d3-9a0c-0305e82c3301,7", "/files/3f2504e0-4f89-11d3-9a0c-0305e82c3301,7"},
		{"/users/1,2,", "/users/1,2,"},
		{"/users/1,me", "/users/1,me"},
		{"/weather/52.5,13.4", "/weather/52.5,13.4"},
		{"/days/2026-03-01,2026-03-02", "/days/2026-03-01,2026-03-02"},

		{"/users/dXNlcjoxMDAx", "/users/{id}"},
		{"/users/VXNlcjoxMDAx/orders", "/users/{id}/orders"},
		{"/users/MTAwMQ==", "/users/{id}"},
		{"/users/MTAwMQ%3D%3D", "/users/{id}"},
		{"/users/Z2lkOi8vYXBwL1VzZXIvMTAwMQ", "/users/{id}"},
		{"/regions/NA/states/MA", "/regions/NA/states/MA"},
		{"/users/dXNlcjpib2I", "/users/dXNlcjpib2I"}, // user:bob
		{"/users/MTAwMR==", "/users/MTAwMR=="},       // not what an encoder writes
		{"/Orders/Open/Team/SignIn/NewYork/OAuth/Zone", "/Orders/Open/Team/SignIn/NewYork/OAuth/Zone"},
		{"/docs/QuickStart/ReadMe/UserGuide/MTBF/NASA/Support", "/docs/QuickStart/ReadMe/UserGuide/MTBF/NASA/Support"},

		{"/days/2026-03-01", "/days/{date}"},
		{"/days/2026-03-01T10:00:00.5Z", "/days/{date}"},
		{"/days/2026-03-01T10%3A00%3A00%2B01%3A00", "/days/{date}"},
		{"/days/2026-13-01", "/days/2026-13-01"},
		{"/days/2026-03-01-a-title", "/days/2026-03-01-a-title"},
		{"/blog/2026/03/01/title", "/blog/{date}/{date}/{date}/title"},
		{"/blog/2026/03/title", "/blog/{date}/{date}/title"},
		{"/blog/2026/03", "/blog/{date}/{date}"},
		{"/blog/2026/03/44", "/blog/{date}/{date}/{id}"},
		{"/blog/2026/13", "/blog/{id}/{id}"},
		{"/blog/2126/03", "/blog/{id}/{id}"},
		{"/blog/2026", "/blog/{id}"},

		{"/users/alice@example.com", "/users/{email}"},
		{"/users/alice%40example.com/mail", "/users/{email}/mail"},
		{"/users/alice%2540example.com", "/users/{email}"},
		{"/users/o'brien+x@mail-1.example.com", "/users/{email}"},
		{"/users/alice@example.c", "/users/alice@example.c"},
		{"/users/alice@.com", "/users/alice@.com"},
		{"/users/alice@ex_ample.com", "/users/alice@ex_ample.com"},
		{"/users/alice@example.c0m", "/users/alice@example.c0m"},
		{"/users/a!b@example.com", "/users/a!b@example.com"},
		{"/img/icon@2x.png", "/img/icon@2x.png"},
		{"/@alice/posts", "/@alice/posts"},
		{"/npm/@scope/package@1.2.3", "/npm/@scope/package@1.2.3"},

		{"/invoices/2026-0500", "/invoices/{id}"},
		{"/invoices/2026-0500.pdf", "/invoices/{id}.pdf"},
		{"/invoices/INV-2026-0500", "/invoices/INV-{id}"},
		{"/invoices/inv_12_2026_5000/lines", "/invoices/inv_{id}/lines"},
		{"/months/2026-05", "/months/2026-05"},
		{"/months/sales-2026-05-01", "/months/sales-2026-05-01"},
		{"/months/-2026-0500", "/months/-2026-0500"},
		{"/tickets/T5000", "/tickets/T{id}"},
		{"/orders/SO000123.pdf", "/orders/SO{id}.pdf"},
		{"/docs/es2015", "/docs/es2015"},
		{"/docs/sha256", "/docs/sha256"},
		{"/docs/section5000", "/docs/section5000"},

		{"/orgs/org_abc123", "/orgs/org_{id}"},
		{"/users/usr-1a2b3c", "/users/usr-{id}"},
		{"/users/usr_abc", "/users/usr_abc"},
		{"/users/user_name", "/users/user_name"},
		{"/pay/in_1N2b3c.pdf", "/pay/in_{id}.pdf"},
		{"/wp-content/x", "/wp-content/x"},
		{"/how-to-do-2026", "/how-to-do-2026"},

		{"/share/dQw4w9WgXcQdQw4w9WgXcQ", "/share/{token}"},
		{"/share/dQw4w9WgXcQ-Qw4w9Wg_cQ==", "/share/{token}"},
		{"/docs/How-To-Read-The-Log-Of-Nginx-2026", "/docs/How-To-Read-The-Log-Of-Nginx-2026"},
		{"/verify/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "/verify/{token}"},
		{"/verify/tok_0123456789ab", "/verify/{token}"},

		{"/pairing/aabbcc000001", "/pairing/{hash}"},
		{"/pairing/AA:BB:CC:00:00:01", "/pairing/{hash}"},
		{"/pairing/aa-bb-cc-dd-ee-ff", "/pairing/{hash}"},
		{"/pairing/aa:bb-cc:dd-ee:ff", "/pairing/aa:bb-cc:dd-ee:ff"},
		{"/pairing/aa:bb:cc:dd:ee:fg", "/pairing/aa:bb:cc:dd:ee:fg"},
		{"/docs/deadbeefcafe", "/docs/deadbeefcafe"},

		{"/odata/Customers(1001)", "/odata/Customers({id})"},
		{"/odata/Customers%281001%29/Orders", "/odata/Customers({id})/Orders"},
		{"/odata/Files('3f2504e0-4f89-11d3-9a0c-0305e82c3301')", "/odata/Files('{uuid}')"},
		{"/odata/Customers('C00100')", "/odata/Customers('C{id}')"},
		{"/odata/Customers(CustomerID=1001)", "/odata/Customers(CustomerID={id})"},
		{"/odata/Lines(OrderID=1001,No=2)", "/odata/Lines(OrderID={id},No=2)"},
		{"/odata/Orders(OrderID='SO-10042')/Lines", "/odata/Orders(OrderID='SO-{id}')/Lines"},
		{"/odata/Orders(Name='ann',No=2)", "/odata/Orders(Name='ann',No=2)"},
		{"/odata/Orders(=1001)", "/odata/Orders(=1001)"},
		{"/odata/Customers('ALFKI')", "/odata/Customers('ALFKI')"},
		{"/odata/Customers()", "/odata/Customers()"},
		{"/odata/Customers('')", "/odata/Customers('')"},
		{"/wiki/Mercury_(2019)", "/wiki/Mercury_(2019)"},
		{"/(1001)", "/(1001)"},

		{"/list/page/7", "/list/page/{n}"},
		{"/list/P/7/offset/20/7", "/list/P/{n}/offset/{n}/{id}"},
		{"/img/123.json", "/img/{id}.json"},
		{"/img/123.tar.gz", "/img/123.tar.gz"},
		{"/img/.json", "/img/.json"},
		{"/main.js", "/main.js"},
		{"/1.2.3.4", "/1.2.3.4"},

		{"/app;jsessionid=0123/users;a=b/42;c", "/app/users/{id}"},
		{"/;jsessionid=0123", "/"},
		{"/a/;x/b", "/a/b"},
	} {
		t.Run(test.path, func(t *testing.T) {
			if got := Route(test.path); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestRouteBounds(t *testing.T) {
	for _, test := range []struct{ name, path, want string }{
		{"segments at the bound", strings.Repeat("/a", 32), strings.Repeat("/a", 32)},
		{"segments beyond it", strings.Repeat("/a", 33), strings.Repeat("/a", 32) + "/…"},
		{"a long segment", "/a/" + strings.Repeat("x", 600) + "/b", "/a/…"},
		{"bytes at the bound", "/" + strings.Repeat("x", 507), "/" + strings.Repeat("x", 507)},
		{"bytes beyond it", "/" + strings.Repeat("x", 508), "/…"},
		{"a long path of slashes", strings.Repeat("/", 100_000) + "a", "/a"},
		{"a long id", "/" + strings.Repeat("7", 100_000), "/{id}"},
		{"a long year", strings.Repeat("/2026"+strings.Repeat("/", 1000), 40), strings.Repeat("/{id}", 32) + "/…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Route(test.path); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzRoute(f *testing.F) {
	for _, seed := range []string{
		"", "/", "/users/42", "/a;b/c", "/2026/03/01", "/%", "/%2", "/%25%32%35", "//", "a@b.cc", "/org_1234.json", "/eyJ", "…", "/\x00\xff",
		"/" + strings.Repeat("é/", 300),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		route := Route(path)
		if len(route) > maxRoute {
			t.Errorf("%d bytes: %q", len(route), route)
		}
		if (route == "") != (path == "") {
			t.Errorf("route %q of path %q", route, path)
		}
		if utf8.ValidString(path) && !utf8.ValidString(route) {
			t.Errorf("route %q is not valid UTF-8", route)
		}
		if again := Route(strings.Clone(path)); again != route {
			t.Errorf("the second time %q, the first %q", again, route)
		}
		if slashed := Route(path + "/"); path != "" && slashed != route {
			t.Errorf("with a slash at its end %q, without %q", slashed, route)
		}
		if more := Route(path + "/x"); len(more) > maxRoute {
			t.Errorf("%d bytes: %q", len(more), more)
		}
	})
}

func BenchmarkRoute(b *testing.B) {
	for b.Loop() {
		Route("/api/v1/users/42/orders/3f2504e0-4f89-11d3-9a0c-0305e82c3301/lines")
	}
}

func TestEncodedID(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "====": "", "M": "", "NA": "", "MTA": "", "MQ==": "1", "MTAwMQ==": "1001", "MTAwMQ": "1001", "dXNlcjoxMDAx": "1001", "VXNlcjoxMDAx": "1001", "Z2lkOi8vYXBwL1VzZXIvMTAwMQ": "1001",
		"dXNlcjE": "", "dXNlcjo": "", "users": "", "Users": "", "admin": "", "NewYork2": "", "eyJhbGciOiJIUzI1NiJ9": "", "Oj0x": "", "VXNlcjoxMDAx====": "1001",
		strings.Repeat("MTAw", 16): strings.Repeat("100", 16), strings.Repeat("MTAw", 17): "",
	} {
		if got, ok := EncodedID(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}
