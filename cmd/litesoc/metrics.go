package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// metrics are figures for Prometheus, served on loopback.
type metrics struct {
	text   atomic.Pointer[string]
	server *http.Server // nil: nothing is served
	at     string       // the address
}

// serveMetrics begins to serve at an address of this machine alone; "" serves nothing.
func serveMetrics(address string) (*metrics, error) {
	m := &metrics{}
	if address == "" {
		return m, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, misuse("", "--metrics: %w", err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, misuse("the figures name nobody, but are nobody else's: let a proxy with a password pass them on",
			"--metrics %q is no loopback address such as 127.0.0.1:9100", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, failed(fmt.Errorf("--metrics: %w", err), "")
	}
	m.at = listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		if text := m.text.Load(); text != nil {
			fmt.Fprint(w, *text)
		}
	})
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	go m.server.Serve(listener)
	return m, nil
}

func (m *metrics) close() {
	if m.server != nil {
		m.server.Close()
	}
}

// set takes over the figures of a moment.
func (m *metrics) set(s *tailStatus) {
	if m.server == nil {
		return
	}
	text := metricsText(s)
	m.text.Store(&text)
}

func metricsText(s *tailStatus) string {
	var b strings.Builder
	put := func(name, kind, help string, value float64) {
		fmt.Fprintf(&b, "# HELP %s %s\n# TYPE %s %s\n%s %v\n", name, help, name, kind, name, value)
	}
	st := &s.stats
	put("litesoc_requests_total", "counter", "Requests read.", float64(st.Requests))
	put("litesoc_rejected_lines_total", "counter", "Lines that could not be read.", float64(st.Rejected))
	put("litesoc_late_requests_total", "counter", "Requests too far behind or ahead of their log to be judged.", float64(st.Late))
	put("litesoc_judged_again_total", "counter", "Times that requests were judged again because an earlier one came.", float64(st.Again))
	fmt.Fprint(&b, "# HELP litesoc_alerts_total Alerts opened.\n# TYPE litesoc_alerts_total counter\n")
	for sev := detect.Low; sev <= detect.Critical; sev++ {
		fmt.Fprintf(&b, "litesoc_alerts_total{severity=%q} %d\n", sev.String(), st.Alerts[sev])
	}
	put("litesoc_sources", "gauge", "Logs that are followed.", float64(len(s.logs)))
	put("litesoc_unread_bytes", "gauge", "Bytes of the logs that were not read yet.", float64(s.behind))
	put("litesoc_unkept_rows", "gauge", "Requests and rejects that are not in the database yet.", float64(s.held))
	if s.lag >= 0 {
		put("litesoc_lag_seconds", "gauge", "How far the clock is ahead of what was judged.", s.lag.Seconds())
	}
	put("litesoc_store_turns_total", "counter", "Transactions written.", float64(st.Turns))
	put("litesoc_store_turn_seconds_total", "counter", "Time that the database was held.", st.TurnTime.Seconds())
	put("litesoc_store_failures_total", "counter", "Transactions that could not be written and were put off.", float64(st.Failed))
	put("litesoc_checkpoints_total", "counter", "Times that the detectors' memory was saved.", float64(st.Saves))
	put("litesoc_checkpoint_bytes", "gauge", "Size of the detectors' memory when it was saved last.", float64(st.StateBytes))
	put("litesoc_forgotten_keys_total", "counter", "Keys that detectors forgot early, to keep to --memory.", float64(s.evicted))
	put("litesoc_expired_requests_total", "counter", "Requests removed because of --keep or --max-db.", float64(st.Expired))
	stopped := 0.0
	if s.stopped != nil {
		stopped = 1
	}
	put("litesoc_store_stopped", "gauge", "1 while nothing can be kept.", stopped)
	return b.String()
}
