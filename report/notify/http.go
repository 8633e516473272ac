package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/litesoc/litesoc/detect"
)

// sendTimeout bounds one message, from the look-up of a name to the answer.
const sendTimeout = 15 * time.Second

// A door is how messages leave: to public addresses alone, unless others are allowed.
type door struct {
	private  bool           // whether it may lead inside
	roots    *x509.CertPool // nil: those of the system
	resolver *net.Resolver  // nil: the system's
}

// dialer connects to what may be connected to. The address is checked when it is known
// for good, after its name was looked up: whatever a name means today, it does not lead
// inside.
func (d *door) dialer() *net.Dialer {
	dialer := &net.Dialer{Timeout: sendTimeout, Resolver: d.resolver}
	if !d.private {
		dialer.Control = refuseInside
	}
	return dialer
}

// refuseInside is a net.Dialer.Control.
func refuseInside(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return permanent("%q is no address", address)
	}
	host := net.JoinHostPort(at.Addr().WithZone("").String(), strconv.Itoa(int(at.Port())))
	if v := detect.CheckURL("http://" + host + "/"); v.Target != detect.TargetPublic {
		return permanent("refused: %s ('allow_private: true' allows it)", v.Reason)
	}
	return nil
}

// permanent is a SendError that no second try will mend.
func permanent(format string, args ...any) error {
	return &SendError{Err: fmt.Errorf(format, args...), Permanent: true}
}

func (d *door) tls(server string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: d.roots, ServerName: server}
}

// A hook is a URL that messages are posted to. It follows no redirect and asks no proxy:
// both would lead past the check of the address.
type hook struct {
	url    string
	client *http.Client
}

func (d *door) hook(address string) (*hook, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, errors.New("url: not a URL") // which may hold a secret
	}
	switch v := detect.CheckURL(address); {
	case u.Scheme != "https" && u.Scheme != "http" || v.Target == detect.TargetInvalid || v.Target == detect.TargetNotHTTP:
		return nil, errors.New("url: want an https URL")
	case u.User != nil:
		return nil, errors.New("url: want one without a user")
	case v.Target == detect.TargetInside && !d.private:
		return nil, fmt.Errorf("url: %s; 'allow_private: true' allows it", v.Reason)
	case u.Scheme == "http" && !d.private:
		return nil, errors.New("url: want https: anybody on the way could read the message; 'allow_private: true' allows http")
	}
	return &hook{address, &http.Client{
		Timeout: sendTimeout,
		Transport: &http.Transport{
			DialContext:            d.dialer().DialContext,
			TLSClientConfig:        d.tls(""),
			ForceAttemptHTTP2:      true,
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 4 << 10

// post posts JSON at the given time and turns whatever comes of it into an error.
func (h *hook) post(ctx context.Context, at time.Time, body []byte, header map[string]string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return permanent("url: not a URL")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "litesoc")
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := h.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	said := "answered " + resp.Status
	if text := strings.TrimSpace(string(answer)); text != "" {
		said += ": " + text
	}
	switch {
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		return permanent("answered %s: redirects are not followed", resp.Status)
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusRequestTimeout ||
		resp.StatusCode == http.StatusTooEarly || resp.StatusCode >= 500:
		return &SendError{Err: errors.New(said), After: retryAfter(resp.Header.Get("Retry-After"), at)}
	}
	return permanent("%s", said)
}

// withoutURL leaves of a client's error what does not tell the URL, which is a secret for
// most services.
func withoutURL(err error) error {
	var send *SendError
	if errors.As(err, &send) {
		return send
	}
	var u *url.Error
	if errors.As(err, &u) {
		if u.Timeout() {
			return fmt.Errorf("no answer within %s", sendTimeout)
		}
		return u.Err
	}
	return err
}

// retryAfter reads the header: seconds, or a time.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 && seconds < maxAfter.Seconds() {
		return time.Duration(seconds * float64(time.Second))
	} else if err == nil && seconds > 0 {
		return maxAfter
	}
	if at, err := http.ParseTime(text); err == nil && at.After(now) {
		return min(at.Sub(now), maxAfter)
	}
	return 0
}
