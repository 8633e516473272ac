package detect

import (
	"math/rand"
	"strings"
	"testing"

	"github.com/corazawaf/libinjection-go"
)

// randomText returns a text of the words and of single characters that matter to rules.
func randomText(rnd *rand.Rand, words []string) string {
	var b strings.Builder
	for range 1 + rnd.Intn(8) {
		switch rnd.Intn(3) {
		case 0:
			b.WriteString(words[rnd.Intn(len(words))])
		case 1:
			b.WriteByte(" \t\r\n\x00=<>()[]{}:;'\"`/&|!*-.o1"[rnd.Intn(28)])
		default:
			for range rnd.Intn(5) {
				b.WriteByte(byte('a' + rnd.Intn(26)))
			}
		}
	}
	return b.String()
}

// TestSigns finds in texts what a search for each word finds.
func TestSigns(t *testing.T) {
	const seed = 3
	rnd := rand.New(rand.NewSource(seed))
	var words []string
	for _, list := range signLists {
		words = append(words, list...)
	}
	for _, word := range words {
		if len(word) < 3 || word != strings.ToLower(word) {
			t.Errorf("%q is no word to search for", word)
		}
	}
	found := map[signs]int{}
	for range 100_000 {
		text := randomText(rnd, words)
		var want signs
		for of, list := range signLists {
			if anyIn(text, list) {
				want |= of
				found[of]++
			}
		}
		if got := signsIn(text); got != want {
			t.Fatalf("seed %d: signs of %q are %b, want %b", seed, text, got, want)
		}
	}
	for of := range signLists {
		if found[of] == 0 {
			t.Errorf("no text had a word of list %b", of)
		}
	}
}

// TestProbeLooks holds each quick look, which spares a text a regular expression or the
// library, to the slow one: it rules out nothing that is found there.
func TestProbeLooks(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	const seed = 5
	lookups := []struct {
		name  string
		words []string
		slow  func(text string) bool
		quick func(text string) bool
	}{
		{"xss", strings.Fields("<script <svg onload onerror href style javascript: xmlns src alert(1) a=b data:"),
			libinjection.IsXSS, func(text string) bool { return strings.IndexByte(text, '<') >= 0 || hasAttribute(text) }},
		{"script", strings.Fields("onload onerror= <img </script javascript: alert( confirm` document.cookie &#x09; on script prompt.call("),
			func(text string) bool { return scriptSure().MatchString(text) || scriptDoubt().MatchString(text) },
			func(text string) bool {
				signs := signsIn(text)
				return signs&signOfScript != 0 || signs&signOfTag != 0 && strings.IndexByte(text, '<') >= 0 || handlesEvent(text)
			}},
		{"php object", []string{`o:1:"a":0:{`, `;c:2:"b`, `":3:{`, `o:12:"`}, serialised().MatchString, hasLength},
		{"php call", strings.Fields(`'system' ("exec") [passthru] assert popen phpinfo shell_exec proc_open (`),
			callable().MatchString, func(text string) bool { return signsIn(text)&signOfPHPName != 0 }},
		{"ldap", strings.Fields("*)(uid=* )(& )(|( cn= )( (&( *) objectclass=* ~= )&(a="),
			func(text string) bool {
				i := strings.IndexAny(text, "()")
				return filterGoesOn().MatchString(text) || i >= 0 && filterOpens().MatchString(text[i:])
			}, opensAgain},
		{"sql", []string{"';", "1;", "select (", "drop table a", "waitfor delay '", "exec(", "insert into a(", "update a set b=", "declare @a", "iif (1"},
			sqlStacked().MatchString, func(text string) bool { return signsIn(text)&signOfStatement != 0 }},
	}
	for _, l := range lookups {
		t.Run(l.name, func(t *testing.T) {
			rnd := rand.New(rand.NewSource(seed))
			slow, quick := 0, 0
			for range 100_000 {
				text := randomText(rnd, l.words)
				found := l.slow(text)
				if found {
					slow++
				}
				switch {
				case l.quick(text):
				case found:
					t.Fatalf("seed %d: the quick look rules out %q", seed, text)
				default:
					quick++
				}
			}
			if slow == 0 || quick == 0 {
				t.Errorf("found in %d texts, ruled out %d: nothing was tried", slow, quick)
			}
		})
	}
}

// A probe of several kilobytes that is none costs no more than some microseconds a kilobyte.
func BenchmarkProbesOfLongText(b *testing.B) {
	query := "data=" + strings.Repeat("%0A++++node(53.27%2C+-6.72)%5B'name'%5D(if:+count()+%3E+1);", 100)
	b.SetBytes(int64(len(query)))
	for b.Loop() {
		(&prober{}).query(query, "parameter", false)
	}
}
