package detect

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// A crawling is what is known of a client's being the crawler of a search engine, which
// follows every dead link of a site. A user agent is what the client says; only its
// address can bear that out.
type crawling struct {
	Trust crawlTrust
	Name  string `json:",omitempty"` // of the crawler that the user agent names
}

// A crawlTrust says how far the claim is to be believed. Of several requests the least
// trust holds.
type crawlTrust uint8

const (
	crawlUnseen   crawlTrust = iota // no request was looked at
	crawlVerified                   // the address is one that a search engine has published
	crawlUnproven                   // the user agent names a crawler whose addresses nothing here knows
	crawlUnsaid                     // the user agent names none
	crawlDoubtful                   // it names one, but the address is none of the known ones
	crawlFalse                      // it names one, and the address is known to be another's
)

// A crawler is one that user agents name.
type crawler struct {
	word   string         // in the user agent, lower case
	name   string         // as its owner writes it
	asn    uint32         // of its owner, from whose network alone it comes
	fixed  []netip.Prefix // addresses that it has used for years, and nobody else
	rented bool           // it runs on machines for rent
}

// crawlers are those that ask for most, with the addresses that their owners publish at
// developers.google.com/search/apis/ipranges/googlebot.json, bing.com/toolbox/bingbot.json
// and support.apple.com/en-us/119829, as far as these have not changed for years. A list
// that is given, as the trait of an origin, goes further.
var crawlers = []crawler{
	{word: "googlebot", name: "Googlebot", asn: 15169, fixed: prefixes("66.249.64.0/19", "2001:4860:4801::/48")},
	{word: "bingbot", name: "Bingbot", asn: 8075, fixed: prefixes("157.55.39.0/24", "207.46.13.0/24", "40.77.167.0/24", "13.66.139.0/24", "52.167.144.0/24")},
	{word: "applebot", name: "Applebot", asn: 714, fixed: prefixes("17.0.0.0/8")},
	{word: "yandexbot", name: "YandexBot", asn: 13238},
	{word: "baiduspider", name: "Baiduspider"},
	{word: "duckduckbot", name: "DuckDuckBot", rented: true},
	{word: "slurp", name: "Yahoo! Slurp"},
	{word: "msnbot", name: "msnbot", asn: 8075},
	{word: "gptbot", name: "GPTBot", rented: true},
	{word: "oai-searchbot", name: "OAI-SearchBot", rented: true},
	{word: "claudebot", name: "ClaudeBot", rented: true},
	{word: "perplexitybot", name: "PerplexityBot", rented: true},
	{word: "amazonbot", name: "Amazonbot", rented: true},
	{word: "bytespider", name: "Bytespider", rented: true},
	{word: "ahrefsbot", name: "AhrefsBot", rented: true},
	{word: "semrushbot", name: "SemrushBot", rented: true},
	{word: "petalbot", name: "PetalBot", rented: true},
	{word: "mj12bot", name: "MJ12bot", rented: true}, // on machines of volunteers
	{word: "dotbot", name: "DotBot", rented: true},
	{word: "ccbot", name: "CCBot", rented: true},
	{word: "seznambot", name: "SeznamBot", asn: 43037},
	{word: "archive.org_bot", name: "archive.org_bot", asn: 7941},
	{word: "linkedinbot", name: "LinkedInBot", rented: true},
	{word: "meta-externalagent", name: "Meta-ExternalAgent", asn: 32934},
	{word: "facebookexternalhit", name: "facebookexternalhit", asn: 32934},
	// What looks for dead links runs anywhere.
	{word: "lychee/", name: "lychee", rented: true},
	{word: "linkchecker/", name: "LinkChecker", rented: true},
	{word: "w3c-checklink/", name: "W3C-checklink", rented: true},
	{word: "ahrefssiteaudit/", name: "AhrefsSiteAudit", rented: true},
	{word: "siteauditbot/", name: "SiteAuditBot", rented: true},
	{word: "screaming frog seo spider/", name: "Screaming Frog SEO Spider", rented: true},
}

func prefixes(cidr ...string) []netip.Prefix {
	var ps []netip.Prefix
	for _, c := range cidr {
		ps = append(ps, netip.MustParsePrefix(c))
	}
	return ps
}

// meet looks at a further request of the client.
func (c *crawling) meet(r *parsers.Request) {
	if next := crawlingOf(r); next.Trust > c.Trust {
		*c = next
	}
}

func crawlingOf(r *parsers.Request) crawling {
	named := crawlerNamed(r.UserAgent)
	switch {
	case isCrawler(r):
		c := crawling{Trust: crawlVerified}
		if named != nil {
			c.Name = named.name
		}
		return c
	case named == nil:
		return crawling{Trust: crawlUnsaid}
	case named.elsewhere(r.Origin):
		return crawling{crawlFalse, named.name}
	case len(named.fixed) > 0:
		return crawling{crawlDoubtful, named.name}
	}
	return crawling{crawlUnproven, named.name}
}

// elsewhere tells whether the origin is known to be one that the crawler never has.
func (c *crawler) elsewhere(o *parsers.Origin) bool {
	switch {
	case c.asn != 0 && o != nil && o.ASN != 0:
		return o.ASN != c.asn
	case c.rented:
		return o.Has(parsers.Tor | parsers.VPN | parsers.Relay)
	}
	return o.Hosted()
}

// crawlerNamed returns the crawler that a user agent names, or nil.
func crawlerNamed(agent string) *crawler {
	if agent == "" || agent == "-" {
		return nil
	}
	agent = strings.ToLower(agent)
	for i := range crawlers {
		if strings.Contains(agent, crawlers[i].word) {
			return &crawlers[i]
		}
	}
	return nil
}

// isCrawler tells whether the address is that of a search engine's crawler, by the list
// that was given or because nobody else has used it for years.
func isCrawler(r *parsers.Request) bool {
	if r.Origin.Has(parsers.Crawler) {
		return true
	}
	addr, err := netip.ParseAddr(r.ClientIP)
	if err != nil {
		return false
	}
	addr = addr.Unmap()
	for i := range crawlers {
		for _, p := range crawlers[i].fixed {
			if p.Contains(addr) {
				return true
			}
		}
	}
	return false
}

// most returns the severity, as far as such a client may have one: a crawler that is
// one does its work. What a user agent says, which anybody can write, lowers the confidence alone.
func (c crawling) most(s Severity) Severity {
	if c.Trust == crawlVerified {
		return Low
	}
	return s
}

// qualify tells in the event what the client's being a crawler means for it.
func (c crawling) qualify(e *Event) {
	switch c.Trust {
	case crawlVerified:
		e.Confidence = 0.1 // it follows links that others made
		e.Summary += "; the address is one that a search engine publishes for its crawler"
	case crawlUnproven:
		e.Confidence = min(e.Confidence, 0.4) // anybody can write that
		e.Summary += fmt.Sprintf("; the user agent names %s, which nothing here can verify", c.Name)
	case crawlDoubtful:
		e.Summary += fmt.Sprintf("; a user agent names %s, but the address is none of its known ones", c.Name)
	case crawlFalse:
		e.Confidence = max(e.Confidence, 0.9) // who lies about that has a reason
		e.Summary += fmt.Sprintf("; a user agent names %s, but the network is another's: that is a lie", c.Name)
	}
}

// meta is Meta, and how far the client is a crawler where that is in question.
func (c crawling) meta(pairs ...any) json.RawMessage {
	switch c.Trust {
	case crawlVerified:
		pairs = append(pairs, "crawler", "verified")
	case crawlUnproven:
		pairs = append(pairs, "crawler", "unproven")
	case crawlDoubtful:
		pairs = append(pairs, "crawler", "doubtful")
	case crawlFalse:
		pairs = append(pairs, "crawler", "false")
	}
	return Meta(pairs...)
}
