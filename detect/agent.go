package detect

import (
	"strings"

	"github.com/litesoc/litesoc/parsers"
)

// agentFacts are what a user agent tells by itself, whatever the settings are. Anybody can write
// one like it.
type agentFacts struct {
	odd      bool // it has what is in no ordinary one, or is a scanner's
	monitor  bool // namesMonitor
	declared bool // declares
}

// agentOf returns what the user agent of a request tells. It looks in its notes first, and leaves
// it there.
func agentOf(r *parsers.Request) agentFacts {
	a, known := r.AgentNotes.Read(parsers.Judging).(agentFacts)
	if !known {
		a = agentFacts{
			odd:      oddHeader(r.UserAgent) || scannerOf(r.UserAgent) != "",
			monitor:  namesMonitor(r.UserAgent),
			declared: declares(r.UserAgent),
		}
		r.AgentNotes.Write(parsers.Judging, a)
	}
	return a
}

// declares tells whether a user agent says what it is, as apps of phones and services do: it
// names its page, or a platform and no browser. Anybody can write that.
func declares(agent string) bool {
	if strings.Contains(agent, "://") || namesMonitor(agent) {
		return true
	}
	return !strings.HasPrefix(agent, "Mozilla/") && (strings.Contains(agent, "Android") || strings.Contains(agent, "iOS") ||
		strings.Contains(agent, "iPhone") || strings.Contains(agent, "CFNetwork/") || strings.Contains(agent, "Dalvik/") || strings.HasPrefix(agent, "okhttp/"))
}

// monitors are in the user agents of what asks a site again and again whether it works: probes of
// clusters and load balancers, and services.
var monitors = [...]string{"kube-probe/", "ELB-HealthChecker/", "GoogleHC/", "GoogleStackdriverMonitoring", "Amazon-Route53-Health-Check", "UptimeRobot/", "Pingdom.com_bot",
	"PingdomPageSpeed", "StatusCake", "DatadogSynthetics", "Datadog/Synthetics", "Site24x7", "Better Uptime", "Better Stack", "NewRelicPinger", "Checkly", "Uptime-Kuma/",
	"HetrixTools", "Freshping", "updown.io", "check_http/", "Blackbox Exporter/", "Blackbox-Exporter/", "Prometheus/", "Zabbix", "Consul Health Check", "AppInsights", "Uptime.com"}

// namesMonitor tells whether a user agent says to be a monitor. Anybody can write that.
func namesMonitor(agent string) bool {
	for _, name := range monitors {
		if strings.Contains(agent, name) {
			return true
		}
	}
	return false
}
