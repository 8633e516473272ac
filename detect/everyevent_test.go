package detect

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// Each event of the taxonomy comes from lines of a plain access log, with nothing set up.
func TestEveryEventFromALog(t *testing.T) {
	if testing.Short() {
		t.Skip("shows nothing more under the race detector, and takes long there")
	}
	const from, agent = `203.0.113.9 - - [01/Mar/2026:10:00:00 +0000] "`, ` 12 "-" "curl/8.5.0"`
	one := func(request, status string) string { return from + request + ` HTTP/1.1" ` + status + agent }
	many := func(n, request, status string) string { return "x" + n + " +1s " + one(request, status) }
	logs := map[string]string{
		LoginSuccess:           one("POST /login", "302"),
		LoginFailed:            one("POST /api/v1/login", "401"),
		Logout:                 one("POST /logout", "204"),
		PasswordReset:          one("POST /forgot-password", "200"),
		MFAEnabled:             one("POST /account/mfa/enable", "200"),
		MFADisabled:            one("DELETE /account/mfa", "204"),
		SessionExpired:         one("POST /cart", "419"),
		TokenRefreshed:         one("POST /auth/refresh", "200"),
		APIKeyUsed:             one("GET /v1/orders?api_key=sk_live_0123456789", "200"),
		APIKeyInvalid:          one("GET /v1/orders?api_key=sk_live_0123456789", "401"),
		AccessDenied:           one("GET /reports", "403"),
		PermissionDenied:       one("GET /reports/advanced", "402"),
		RoleChanged:            one("PUT /users/7/role", "200"),
		PermissionGranted:      one("POST /roles/7/permissions", "201"),
		PermissionRevoked:      one("DELETE /roles/7/permissions/9", "204"),
		UserCreated:            one("POST /api/users", "201"),
		UserDeleted:            one("DELETE /api/users/7", "204"),
		UserSuspended:          one("POST /api/users/7/suspend", "200"),
		PrivilegeEscalation:    one("POST /admin/impersonate", "200"),
		SettingsChanged:        one("PATCH /settings", "200"),
		APIKeyCreated:          one("POST /api-keys", "201"),
		APIKeyRevoked:          one("DELETE /api-keys/7", "204"),
		Export:                 one("GET /orders/export", "200"),
		BulkExport:             strings.ReplaceAll(many("12", "GET /api/orders?page={n}&per_page=1000", "200"), " 12 ", " 99999 "),
		RecordDeleted:          one("DELETE /orders/7", "204"),
		BulkDelete:             one("POST /orders/bulk-delete", "200"),
		SensitiveAccess:        one("GET /projects/7/secrets", "200"),
		SuspiciousActivity:     one("GET /a?q=1'+union+select+password+from+users--", "200"),
		RateLimitExceeded:      one("GET /orders", "429"),
		IPBlocked:              one("GET /", "444"),
		BruteForceDetected:     many("6", "POST /login", "401"),
		APIEnumerationDetected: many("31", "GET /thing{n}", "404"),
		SSRFAttemptBlocked:     one("POST /hooks?url=http://169.254.169.254/latest/meta-data/", "400"),
	}
	for _, e := range Taxonomy() {
		log, ok := logs[e.Name]
		if !ok {
			t.Errorf("%s: there is no log for it", e.Name)
			continue
		}
		requests := read(t, parsers.NginxCombined(), log+"\n")
		var found []string
		for _, r := range requests {
			if r.Event != "" {
				found = append(found, r.Event)
			}
		}
		for line := range bytes.Lines(run(All(), requests)["events"]) {
			var event Event
			if err := json.Unmarshal(line, &event); err != nil {
				t.Fatal(err)
			}
			found = append(found, event.Name)
		}
		if !slices.Contains(found, e.Name) {
			t.Errorf("%s: found %v", e.Name, found)
		}
	}
	// Of the guide's nine, two are among the 26.
	if n := len(logs); n != len(Taxonomy()) || n != 26+7 {
		t.Errorf("%d events, want 33: 26 and 7 of the guide's own", n)
	}
}
