package detect

import (
	"maps"
	"strings"
)

// scanners are the words by which tools that look for holes name themselves.
var scanners = map[string]bool{
	"sqlmap": true, "nikto": true, "nuclei": true, "projectdiscovery": true, "zgrab": true, "masscan": true, "gobuster": true, "ffuf": true,
	"dirb": true, "dirbuster": true, "dirsearch": true, "feroxbuster": true, "wpscan": true, "acunetix": true, "nessus": true, "openvas": true,
	"burp": true, "burpsuite": true, "burpcollaborator": true, "netsparker": true, "invicti": true, "arachni": true, "w3af": true, "wfuzz": true,
	"whatweb": true, "skipfish": true, "havij": true, "jaeles": true, "joomscan": true, "droopescan": true, "cmsmap": true, "commix": true,
	"tplmap": true, "xsser": true, "xsstrike": true, "dalfox": true, "fimap": true, "sqlninja": true, "nmap": true, "zmeu": true, "morfeus": true,
	"muieblackcat": true, "l9explore": true, "l9tcpid": true, "leakix": true, "zaproxy": true, "webinspect": true, "appscan": true,
	"whatwaf": true, "wafw00f": true, "brutus": true, "httprint": true,
	"jorgee": true, "gotestwaf": true, "meterpreter": true, "metasploit": true, "hakrawler": true, "kiterunner": true,
}

// scannerOf returns the word by which a user agent is a scanner's; "" if it is none. What
// looks like a browser from its first word to its last is taken for one.
func scannerOf(agent string) string {
	const browser = "Mozilla/5.0 ("
	n := len(agent)
	if n == 0 || n > len(browser) && agent[:len(browser)] == browser && agent[len(browser)] != 'c' && isDigit(agent[n-1]) {
		return ""
	}
	agent = agent[:min(n, 256)]
	for i := 0; i < len(agent); {
		if !isLetter(agent[i]) {
			i++
			continue
		}
		start := i
		for i < len(agent) && (isLetter(agent[i]) || isDigit(agent[i])) {
			i++
		}
		if word := agent[start:i]; isScanner(word) {
			return word
		}
	}
	if strings.HasPrefix(agent, "Fuzz Faster U Fool") {
		return "Fuzz Faster U Fool"
	}
	return ""
}

var scannerLengths = lengthsOf(maps.Keys(scanners))

func isScanner(word string) bool {
	if !scannerLengths.may(word) {
		return false
	}
	var buf [len("projectdiscovery")]byte
	for i := range len(word) {
		c := word[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		buf[i] = c
	}
	return scanners[string(buf[:len(word)])]
}
