package detect

import (
	"strings"
	"testing"
)

// One look at a parameter tells what a look for each thing does.
func TestParameter(t *testing.T) {
	for a := range 256 {
		for b := range 256 {
			checkParameters(t, string([]byte{byte(a), byte(b)})+"er=1"+string(byte(b))+"&us"+string(byte(a))+"er_id="+string([]byte{byte(a), byte(b)}))
		}
	}
	for _, query := range parameterSamples {
		checkParameters(t, query)
	}
}

func FuzzParameter(f *testing.F) {
	for _, query := range parameterSamples {
		f.Add(query)
	}
	f.Fuzz(checkParameters)
}

var parameterSamples = []string{
	"", "&", "=", "==", "=&=", "a", "a=", "a=b=c&d", "page=3&per_page=20", "Per-Page=20&user_ID=7", "filter[user_id]=7", "user%5Fid=7", "u.id=7", "ORDER=12", "or_der=12",
	"order_no=12", "orderNumber=12", "Invoice-NR=12", "no=12", "number=12", "page_no=12", "filter[orderNo]=12",
	"tic\u212aet=1", "id=9999999999999999999&id=18446744073709551616", "id=00000000000000000001", "uid=-1", "_=1", "_-=1", "id", "d=1", "Id=1",
	strings.Repeat("x", maxPagingName) + "=1", strings.Repeat("x", maxPagingName+1) + "=1", "_" + strings.Repeat("x", maxWord) + "=1", strings.Repeat("x", maxWord+1) + "=1",
	strings.Repeat("x", 300) + "=1",
}

func checkParameters(t *testing.T, query string) {
	var p parameter
	for rest := query; rest != ""; {
		text := rest
		name, value, after := cutPair(text)
		rest = p.read(text)
		if p.name != name || p.value.text != value || rest != after || p.text != text[:len(text)-len(after)] && p.text+"&" != text[:len(text)-len(after)] {
			t.Fatalf("%q: got %q and %q of %q before %q, want %q, %q before %q", text, p.name, p.value.text, p.text, rest, name, value, after)
		}
		if p.value != newValue(value) {
			t.Errorf("%q: got %+v, want %+v", text, p.value, newValue(value))
		}
		if got, want := p.paging(), pagingKind(name); got != want {
			t.Errorf("%q: got kind %d, want %d", text, got, want)
		}
		inner := name
		if hasInner(name) {
			inner = innerName(unescaped(name))
		}
		if got, want := p.numbersObject(), namesID(inner) || namesIDs(inner) || namesThing(inner); got != want {
			t.Errorf("%q: it numbers an object: %v, want %v", text, got, want)
		}
		var got, want sketch
		if got.addParameter(&p); plainWord(name) {
			want.add(name)
		} else {
			want = sketch{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}
		}
		if got != want {
			t.Errorf("%q: got sketch %x, want %x", text, got, want)
		}
	}
}

func TestFilteredID(t *testing.T) {
	for _, test := range []struct {
		text, value string
		ok          bool
	}{
		{`{"user_id":17}`, "17", true},
		{`{"where":{"customerId":{"eq":"17"}},"limit":5}`, "17", true},
		{`{"user_id":{"$in":[17,18]}}`, "17", true},
		{`{"user":"inv-17"}`, "inv-17", true},
		{`{"user_id":{"$gt":17}}`, "", false},
		{`{"user_id":{"$eq":{"$oid":"17"}}}`, "", false},
		{`{"total":17}`, "", false},
		{`{"user_id":`, "", false},
		{`{"user_id"::::`, ":::", true},
		{`customer_id eq 17 and total gt 5`, "17", true},
		{`customer_id eq '17'`, "17", true},
		{`user_id==17;total==5`, "17", true},
		{`total eq 5`, "", false},
		{`{`, "", false},
	} {
		if value, ok := filteredID(test.text); value != test.value || ok != test.ok {
			t.Errorf("%s: %q, %v; want %q, %v", test.text, value, ok, test.value, test.ok)
		}
	}
}

func TestThingName(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "name": "name", "role": "role", "roles[]": "roles", "user[role]": "role", "roles[0][name]": "roles", "role%5Bvalue%5D": "role", "user.role.slug": "role", "roles[set]": "roles",
		"[name]": "name", "[0][name]": "name", "name[name]": "name", "role[title]": "title",
	} {
		if got := thingName(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

func TestNamesThing(t *testing.T) {
	for name, want := range map[string]bool{
		"": false, "order": true, "order_no": true, "orderNumber": true, "ACCOUNT-NUMBER": true, "invoiceNr": true, "phone_num": true, "customer": true,
		"no": false, "number": false, "page_number": false, "orderer": false, "casino": false, "order_by": false, strings.Repeat("x", 50) + "no": false,
	} {
		if got := namesThing(name); got != want {
			t.Errorf("%q: %v, want %v", name, got, want)
		}
	}
}
