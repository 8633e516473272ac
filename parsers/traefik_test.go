package parsers

import "testing"

func FuzzTraefikCLF(f *testing.F) { fuzzFormat(f, TraefikCLF) }

// TestTraefikIsRead tells the lines of Traefik from those it shares with nginx, and
// loses nothing where a log mixes both.
func TestTraefikIsRead(t *testing.T) {
	const (
		own     = `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0" 13 "api@docker" "http://192.0.2.9:8080" 7ms`
		generic = `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "GET /a HTTP/1.1" 200 5 "-" "curl/8.5.0"`
	)
	tests := []struct {
		name  string
		lines []string
		want  string
	}{
		{"its own", []string{own, own}, "traefik-clf"},
		{"generic", []string{generic, generic}, "nginx-combined"},
		{"mixed", []string{own, generic, own}, "nginx-combined"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			best, ok := Guess(All(), test.lines)
			if !ok || best.Format.Name != test.want || best.Parsed != len(test.lines) {
				t.Errorf("got %s, %+v, want %s", best.Format.Name, best, test.want)
			}
		})
	}
	var as, is Fields
	if err := NginxCombined().New()(own, &as); err != nil {
		t.Fatal(err)
	}
	if err := TraefikCLF().New()(own, &is); err != nil {
		t.Fatal(err)
	}
	if as != is || is.Duration < 0 {
		t.Errorf("as nginx-combined %+v, as Traefik's %+v", as, is)
	}
}
