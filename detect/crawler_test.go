package detect

import (
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

func TestCrawlingOf(t *testing.T) {
	const google = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
	for _, c := range []struct {
		name, ip, agent string
		origin          *parsers.Origin
		want            crawlTrust
	}{
		{"by its address", "66.249.71.101", google, nil, crawlVerified},
		{"by its address, mapped", "::ffff:66.249.71.101", google, nil, crawlVerified},
		{"by its address, whatever it says", "2001:4860:4801::5", "curl", nil, crawlVerified},
		{"by a list", "192.0.2.7", "ExampleBot", &parsers.Origin{Traits: parsers.Crawler}, crawlVerified},
		{"from nowhere", "192.0.2.7", google, nil, crawlDoubtful},
		{"from its owner's network", "192.0.2.7", google, &parsers.Origin{ASN: 15169, Traits: parsers.Cloud}, crawlDoubtful},
		{"from another network", "192.0.2.7", google, &parsers.Origin{ASN: 64500}, crawlFalse},
		{"from a machine for rent", "192.0.2.7", "Baiduspider", &parsers.Origin{Traits: parsers.Cloud}, crawlFalse},
		{"from a machine that its owner rents", "192.0.2.7", "DuckDuckBot/1.1", &parsers.Origin{ASN: 8075, Traits: parsers.Cloud}, crawlUnproven},
		{"from a cloud, for a model", "192.0.2.7", "Mozilla/5.0 (compatible; GPTBot/1.2; +https://openai.com/gptbot)", &parsers.Origin{Traits: parsers.Datacenter}, crawlUnproven},
		{"through Tor, for a model", "192.0.2.7", "ClaudeBot/1.0", &parsers.Origin{Traits: parsers.Tor}, crawlFalse},
		{"from a country alone", "192.0.2.7", "Baiduspider", &parsers.Origin{Country: "CN"}, crawlUnproven},
		{"not said", "192.0.2.7", "curl/8", nil, crawlUnsaid},
		{"no address", "unix:", "", nil, crawlUnsaid},
		{"next to the range", "66.249.96.1", google, nil, crawlDoubtful},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := crawlingOf(&parsers.Request{ClientIP: c.ip, UserAgent: c.agent, Origin: c.origin})
			if got.Trust != c.want {
				t.Errorf("got %d, want %d", got.Trust, c.want)
			}
		})
	}
}
