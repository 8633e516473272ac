package detect

import (
	"slices"
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// Whoever sends a password and is told 401 failed to log in, whatever the path is called.
func TestClassifyPassword(t *testing.T) {
	m := routeMap(t)
	for _, c := range []struct {
		r    parsers.Request
		want string
	}{
		{parsers.Request{Method: "POST", Path: "/idp/auth", Status: 401, Body: "loginId=ann&password=[redacted]"}, LoginFailed},
		{parsers.Request{Method: "POST", Path: "/api/enter", Status: 401, Body: "user[pwd]=[redacted]"}, LoginFailed},
		{parsers.Request{Method: "POST", Path: "/api/enter", Status: 401, Body: "user=ann&secret=[redacted]"}, APIKeyInvalid},
		{parsers.Request{Method: "POST", Path: "/api/enter", Status: 401, Body: "user=ann&password=weak"}, APIKeyInvalid},
		{parsers.Request{Method: "PUT", Path: "/api/enter", Status: 401, Body: "password=[redacted]"}, APIKeyInvalid},
		{parsers.Request{Method: "POST", Path: "/api/users", Status: 401, Body: "password=[redacted]", Token: "tok_0123456789ab"}, APIKeyInvalid},
		{parsers.Request{Method: "POST", Path: "/idp/auth", Status: 400, Body: "password=[redacted]"}, ""},
		{parsers.Request{Method: "POST", Path: "/api/step-up", Status: 400, Body: "otp=[redacted]", Token: "tok_0123456789ab"}, LoginFailed},
		{parsers.Request{Method: "POST", Path: "/activate", Status: 422, Body: "csrf=x&user_code=WDJB-MJHT"}, LoginFailed},
		{parsers.Request{Method: "POST", Path: "/api/step-up", Status: 403, Body: "auth[mfa_code]=[redacted]&device=7&remember=1"}, LoginFailed},
		{parsers.Request{Method: "POST", Path: "/api/transfers", Status: 403, Body: "amount=1&to=ann&otp=[redacted]&note=x"}, AccessDenied},
		{parsers.Request{Method: "POST", Path: "/api/enter", Status: 400, Body: "user=ann&otp="}, ""},
		{parsers.Request{Method: "POST", Path: "/api/otp-devices", Status: 404, Body: "otp=[redacted]"}, ""},
		{parsers.Request{Method: "GET", Path: "/api/step-up", Status: 400, Body: "otp=[redacted]"}, ""},
	} {
		if got := m.Classify(&c.r); got != c.want {
			t.Errorf("%s %s %d %s: %q, want %q", c.r.Method, c.r.Path, c.r.Status, c.r.Body, got, c.want)
		}
	}
}

func TestClassify(t *testing.T) {
	m := routeMap(t)
	for _, c := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"POST", "/login", 401, LoginFailed},
		{"POST", "/login", 403, LoginFailed},
		{"POST", "/login", 400, LoginFailed},
		{"POST", "/login", 422, LoginFailed},
		{"POST", "/login", 200, LoginSuccess},
		{"POST", "/login", 302, LoginSuccess},
		{"POST", "/login", 429, RateLimitExceeded},
		{"POST", "/login", 500, ""},
		{"POST", "/login", 404, ""},
		{"GET", "/login", 200, ""},
		{"GET", "/login", 401, ""},
		{"POST", "/Login/", 401, LoginFailed},
		{"POST", "//api//v1/./login", 401, LoginFailed},
		{"POST", strings.Repeat("/a/..", 40) + "/login", 401, LoginFailed},
		{"POST", strings.Repeat("/a/%2e%2E", 40) + "/login", 401, LoginFailed},
		{"POST", strings.Repeat("/a", 16) + "/login", 401, ""},
		{"POST", "/../x/../accounts/login", 200, LoginFailed},
		{"POST", "/login/..", 401, ""},
		{"POST", "/log%69n", 401, LoginFailed},
		{"POST", "/log%zzn", 401, ""},
		{"POST", "/%zz/log%69n", 401, LoginFailed},
		{"POST", "/login;jsessionid=1A2B", 401, LoginFailed},
		{"POST", "/api/v1/auth/login", 401, LoginFailed},
		{"POST", "/de/shop/customer/signin", 401, LoginFailed},
		{"POST", "/api/login_check", 401, LoginFailed},
		{"POST", "/api/login_check", 200, LoginSuccess},
		{"POST", "/users/sign_in", 200, LoginFailed},
		{"POST", "/admins/sign_in", 200, LoginFailed},
		{"POST", "/api/v1/auth/sign_in", 200, LoginSuccess},
		{"POST", "/admin/login/?next=/admin/", 200, LoginFailed},
		{"POST", "/admin/login/?next=/admin/", 302, LoginSuccess},
		{"POST", "/admin/login", 200, LoginSuccess},
		{"POST", "/realms/shop/login-actions/authenticate?session_code=x", 200, LoginFailed},
		{"POST", "/realms/shop/login-actions/authenticate?session_code=x", 302, LoginSuccess},
		{"POST", "/Identity/Account/Login", 200, LoginFailed},
		{"POST", "/login", 423, LoginFailed},
		{"POST", "/api/auth/callback/credentials", 401, LoginFailed},
		{"POST", "/api/v1/sessions.json", 401, LoginFailed},
		{"POST", "/login.php", 401, LoginFailed},
		{"POST", "/api/auth/local", 400, LoginFailed},
		{"POST", "/api/auth/local", 200, LoginSuccess},
		{"POST", "/api/auth/local/register", 400, ""},
		{"POST", "/api/v1/login/access-token", 400, LoginFailed},
		{"POST", "/de/anmelden", 401, LoginFailed},
		{"GET", "/fr/connexion", 200, ""},
		{"POST", "/login.php", 200, ""},
		{"POST", "/Account/Login.aspx", 302, LoginSuccess},
		{"POST", "/api/mfa/verify", 401, LoginFailed},
		{"POST", "/login/otp", 422, LoginFailed},
		{"POST", "/auth/2fa", 401, LoginFailed},
		{"POST", "/devices/7/2fa", 401, ""},
		{"POST", "/api/v1/otp/check", 400, LoginFailed},
		{"POST", "/api/v1/verify/otp", 422, LoginFailed},
		{"POST", "/sessions/two-factor", 302, LoginSuccess},
		{"POST", "/two-factor-challenge", 422, LoginFailed},
		{"POST", "/api/auth/verify-code", 403, LoginFailed},
		{"POST", "/coupons/verify-code", 400, ""},
		{"POST", "/api/userLogin", 401, LoginFailed},
		{"POST", "/api/userLogins", 400, ""},
		{"GET", "/api/v1/login?username=bob&password=[redacted]", 401, LoginFailed},
		{"GET", "/api/v1/login?username=bob&pwd=[redacted]", 200, LoginSuccess},
		{"GET", "/api/v1/login?next=/home", 401, APIKeyInvalid},
		{"POST", "/api/trpc/auth.login?batch=1", 400, LoginFailed},
		{"POST", "/api/trpc/auth.login", 200, LoginSuccess},
		{"POST", "/rpc/auth.signIn", 403, LoginFailed},
		{"POST", "/rpc/auth.loginHistory", 400, ""},
		{"POST", "/api/auth/sign-in/email", 422, LoginFailed},
		{"POST", "/api/auth/signin/email", 400, ""},
		{"POST", "/v1/signin/email-password", 400, LoginFailed},
		{"POST", "/v1/account/sessions/email", 400, LoginFailed},
		{"POST", "/v2/account/authenticate/email", 401, LoginFailed},
		{"POST", "/login/process", 422, LoginFailed},
		{"POST", "/login/process", 302, LoginSuccess},
		{"POST", "/orders/7/process", 422, ""},
		{"POST", "/auth/login/email", 401, LoginFailed},
		{"POST", "/auth/login/email", 200, ""},
		{"POST", "/auth/login/email", 400, ""},
		{"POST", "/api/v4/auth/password", 401, LoginFailed},
		{"POST", "/api/v4/auth/password", 422, ""},
		{"POST", "/users/7/password", 401, ""},
		{"POST", "/api/auth/credentials", 403, LoginFailed},
		{"POST", "/api/loginByEmail", 401, LoginFailed},
		{"POST", "/auth/password-login", 200, LoginSuccess},
		{"POST", "/api/sessions/create", 401, LoginFailed},
		{"POST", "/training/7/sessions/create", 400, ""},
		{"POST", "/api/v1/access-token", 401, LoginFailed},
		{"POST", "/apps/7/access-token", 400, ""},
		{"POST", "/v3/auth/tokens", 401, LoginFailed},
		{"POST", "/v3/auth/tokens", 201, LoginSuccess},
		{"POST", "/api/tokens", 401, APIKeyInvalid},
		{"POST", "/store/auth", 401, LoginFailed},
		{"POST", "/rest/auth/1/session", 401, LoginFailed},
		{"POST", "/Users/AuthenticateByName", 401, LoginFailed},
		{"POST", "/api2/json/access/ticket", 401, LoginFailed},
		{"POST", "/api/v1/verify-password", 403, LoginFailed},
		{"POST", "/api/v1/verify-password", 200, ""},
		{"POST", "/api/collections/users/auth-with-password", 400, LoginFailed},
		{"POST", "/rest/V1/integration/customer/token", 400, LoginFailed},
		{"POST", "/v1/client/sign_ins/sia_2abc/attempt_first_factor", 422, LoginFailed},
		{"POST", "/auth/customer/emailpass", 400, LoginFailed},
		{"POST", "/authentication", 400, LoginFailed},
		{"POST", "/orders/7/authentication", 400, ""},
		{"POST", "/api/v1/mfa/challenge/verify", 400, LoginFailed},
		{"POST", "/api/v1/mfa/challenges/7/verify", 200, LoginSuccess},
		{"POST", "/users/otp_verify", 422, LoginFailed},
		{"POST", "/v2/verify-sms-code", 400, LoginFailed},
		{"POST", "/v2/verify-sms-code", 200, ""},
		{"POST", "/cards/7/pin/verify", 403, LoginFailed},
		{"POST", "/api/v1/password/reset", 400, LoginFailed},
		{"POST", "/api/v1/password/reset", 422, ""},
		{"POST", "/api/deleteItem", 200, RecordDeleted},
		{"POST", "/api/items.delete", 204, RecordDeleted},
		{"POST", "/api/itemBulkDelete", 200, RecordDeleted},
		{"POST", "/api/user_delete", 200, RecordDeleted},
		{"POST", "/api/delete_user/7", 200, RecordDeleted},
		{"POST", "/api/delete_user/status", 200, ""},
		{"POST", "/api/undelete", 200, ""},
		{"POST", "/api/canDelete", 200, ""},
		{"POST", "/users/delete.php", 200, RecordDeleted},
		{"POST", "/logs/_delete_by_query", 200, RecordDeleted},
		{"POST", "/api/deleteItem", 403, AccessDenied},
		{"POST", "/api/deletedItems", 200, ""},
		{"POST", "/api/v1/password/reset/confirm", 400, LoginFailed},
		{"POST", "/api/v1/password-reset/confirm", 200, PasswordReset},
		{"POST", "/api/v1/password/validate", 422, ""},
		{"POST", "/reset-password", 422, LoginFailed},
		{"POST", "/forgot-password", 422, ""},
		{"POST", "/api/v1/auth/verify-email", 400, LoginFailed},
		{"POST", "/api/v1/auth/verify-email", 200, ""},
		{"POST", "/api/v1/phone/verify", 401, LoginFailed},
		{"POST", "/customers/7/phone/verify", 422, ""},
		{"POST", "/api/otp/confirm", 400, LoginFailed},
		{"POST", "/api/otp/confirm", 200, LoginSuccess},
		{"POST", "/auth/magic-link/verify", 401, LoginFailed},
		{"POST", "/auth/magic-link/verify", 200, LoginSuccess},
		{"GET", "/auth/magic-link/verify", 401, ""},
		{"POST", "/api/auth/renew", 200, TokenRefreshed},
		{"POST", "/api/renew-token", 200, TokenRefreshed},
		{"POST", "/api/subscriptions/renew", 200, ""},
		{"POST", "/api/items/7/purge", 200, RecordDeleted},
		{"POST", "/items/delete/7", 204, RecordDeleted},
		{"POST", "/items/delete/7", 404, ""},
		{"PUT", "/api/v1/login", 401, LoginFailed},
		{"PATCH", "/auth/sign-in", 403, LoginFailed},
		{"PUT", "/api/v1/login", 200, LoginSuccess},
		{"PUT", "/users/7/login", 422, ""},
		{"PUT", "/api/session", 401, APIKeyInvalid},
		{"PUT", "/users/password", 422, LoginFailed},
		{"PATCH", "/admins/password", 422, LoginFailed},
		{"PUT", "/users/password", 302, PasswordReset},
		{"POST", "/users/password", 422, ""},
		{"PUT", "/api/v1/users/7/password", 422, ""},
		{"GET", "/api/v1/otp/verify?otp=x", 400, LoginFailed},
		{"GET", "/api/v1/otp/verify?otp=x", 200, ""},
		{"GET", "/api/auth/verifyOtp", 401, LoginFailed},
		{"POST", "/api/auth/verifyOtp", 401, LoginFailed},
		{"GET", "/api/v1/mfa/challenge", 401, APIKeyInvalid},
		{"GET", "/verify-email?token=x", 400, ""},
		{"POST", "/auth/magic-link", 400, ""},
		{"POST", "/auth/v1/verify", 403, LoginFailed},
		{"POST", "/auth/verify", 401, ""},
		{"POST", "/api/mfa/confirm", 422, LoginFailed},
		{"POST", "/api/mfa/confirm", 200, MFAEnabled},
		{"POST", "/oauth2/device/verify", 400, LoginFailed},
		{"POST", "/login/device", 422, LoginFailed},
		{"POST", "/login/device", 200, ""},
		{"POST", "/login/device/code", 422, ""},
		{"POST", "/v1/auth/userpass/login/ann", 400, LoginFailed},
		{"PUT", "/v1/auth/ldap/login/ann", 200, LoginSuccess},
		{"POST", "/v1/auth/ldap/logins/ann", 400, ""},
		{"POST", "/j_acegi_security_check", 401, LoginFailed},
		{"POST", "/oauth/token?grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&device_code=x", 400, ""},
		{"POST", "/oauth/token?grant_type=urn:ietf:params:oauth:grant-type:device_code&device_code=x", 200, LoginSuccess},
		{"POST", "/auth/v1/otp", 401, APIKeyInvalid},
		{"POST", "/users/sign_in", 303, LoginSuccess},
		{"POST", "/api/users/sign_in", 200, LoginSuccess},
		{"POST", "/api/authenticate", 401, LoginFailed},
		{"POST", "/j_security_check", 303, LoginSuccess},
		{"POST", "/blog/wp-login.php", 200, LoginFailed},
		{"POST", "/blog/wp-login.php", 302, LoginSuccess},
		{"POST", "/wp-login.php?action=lostpassword", 302, PasswordReset},
		{"GET", "/wp-login.php?action=logout&_wpnonce=1", 302, Logout},
		{"POST", "/xmlrpc.php", 200, ""},
		{"POST", "/xmlrpc.php", 403, LoginFailed},
		{"POST", "/graphql?operationName=signIn", 401, LoginFailed},
		{"POST", "/graphql?operationName=Feed", 403, AccessDenied},
		{"POST", "/oauth/token", 401, LoginFailed},
		{"POST", "/oauth/token", 200, LoginSuccess},
		{"POST", "/oauth/token?grant_type=refresh_token", 200, TokenRefreshed},
		{"POST", "/oauth/token?grant_type=refresh_token", 400, SessionExpired},
		{"POST", "/auth/realms/shop/protocol/openid-connect/token", 401, LoginFailed},
		{"POST", "/oauth2/v1/token", 400, LoginFailed},
		{"POST", "/api/token", 401, LoginFailed},
		{"POST", "/devices/7/token", 401, ""},
		{"POST", "/session", 201, LoginSuccess},
		{"POST", "/api/sessions", 401, LoginFailed},
		{"POST", "/training/7/sessions", 201, ""},
		{"DELETE", "/session", 204, Logout},
		{"DELETE", "/api/sessions/7", 204, Logout},
		{"GET", "/logout", 302, Logout},
		{"DELETE", "/users/sign_out", 204, Logout},
		{"POST", "/auth/refresh", 200, TokenRefreshed},
		{"POST", "/api/v2/token/refresh", 200, TokenRefreshed},
		{"POST", "/dashboards/7/refresh", 200, ""},
		{"POST", "/password/reset", 200, PasswordReset},
		{"POST", "/forgot-password", 302, PasswordReset},
		{"POST", "/passwords", 302, PasswordReset},
		{"POST", "/forgot-password", 404, ""},
		{"POST", "/mfa/enable", 200, MFAEnabled},
		{"POST", "/api/2fa", 201, MFAEnabled},
		{"DELETE", "/account/mfa", 204, MFADisabled},
		{"POST", "/2fa/disable", 200, MFADisabled},
		{"POST", "/api/users", 201, UserCreated},
		{"POST", "/teams/7/users", 201, ""},
		{"DELETE", "/api/users/7", 204, UserDeleted},
		{"DELETE", "/api/users/7", 403, AccessDenied},
		{"POST", "/admin/users/7/suspend", 200, UserSuspended},
		{"PUT", "/users/7/role", 200, RoleChanged},
		{"DELETE", "/api/users/7/roles/3", 204, RoleChanged},
		{"POST", "/roles/7/permissions", 201, PermissionGranted},
		{"DELETE", "/roles/7/permissions/9", 204, PermissionRevoked},
		{"POST", "/api/permissions/revoke", 200, PermissionRevoked},
		{"DELETE", "/api/permissions", 204, PermissionRevoked},
		{"PUT", "/api/permissions/9", 200, PermissionGranted},
		{"PUT", "/api/permissions/9", 403, AccessDenied},
		{"PUT", "/api/roles/7/members/9", 204, RoleChanged},
		{"POST", "/api/api-keys/7/revoke", 200, APIKeyRevoked},
		{"PATCH", "/api/settings/mail", 200, SettingsChanged},
		{"POST", "/api/blocked-ips", 201, IPBlocked},
		{"GET", "/api/exports/7", 200, Export},
		{"GET", "/reports/2026.xlsx", 200, Export},
		{"GET", "/api/secrets/7", 200, SensitiveAccess},
		{"POST", "/api/users/bulk/delete", 200, BulkDelete},
		{"POST", "/admin/impersonate", 200, PrivilegeEscalation},
		{"POST", "/orgs/7/api-keys", 201, APIKeyCreated},
		{"DELETE", "/api_keys/7", 204, APIKeyRevoked},
		{"PATCH", "/settings", 200, SettingsChanged},
		{"GET", "/settings", 200, ""},
		{"GET", "/reports/7/export", 200, Export},
		{"GET", "/files/Report.CSV", 200, Export},
		{"GET", "/files/report.csv", 404, ""},
		{"GET", "/projects/7/secrets", 200, SensitiveAccess},
		{"DELETE", "/orders/7", 204, RecordDeleted},
		{"DELETE", "/orders/7", 302, ""},
		{"POST", "/orders/7?_method=delete", 200, RecordDeleted},
		{"POST", "/orders/7?%5Fmethod=%44elete", 200, RecordDeleted},
		{"POST", "/orders/7?a=%zz&_method=delete", 200, RecordDeleted},
		{"POST", "/orders/7?a=%5Fmethod=delete", 200, ""},
		{"POST", "/api/users/7?_method=DELETE", 204, UserDeleted},
		{"POST", "/api/users/7?q=_method=DELETE", 200, ""},
		{"GET", "/api/users/7?_method=DELETE", 200, ""},
		{"POST", "/orders/7?_method=OPTIONS", 200, ""},
		{"POST", "/users/7/role?_method=PUT", 200, RoleChanged},
		{"POST", "/orders/7/delete", 200, RecordDeleted},
		{"POST", "/orders/7/delete", 403, AccessDenied},
		{"GET", "/orders/7/delete", 200, ""},
		{"POST", "/orders/bulk-delete", 200, BulkDelete},
		{"DELETE", "/orders/bulk", 204, BulkDelete},
		{"GET", "/api/me", 401, APIKeyInvalid},
		{"GET", "/members.html", 401, ""},
		{"GET", "/orders", 402, PermissionDenied},
		{"GET", "/orders", 403, AccessDenied},
		{"POST", "/form", 419, SessionExpired},
		{"GET", "/orders", 429, RateLimitExceeded},
		{"GET", "/", 444, IPBlocked},
		{"GET", "/", 200, ""},
		{"", "", 400, ""},
		{"POST", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/login", 401, LoginFailed},
		{"POST", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/login/q", 401, ""},
		{"POST", "/" + strings.Repeat("x", 200) + "/login", 401, LoginFailed},
		{"FOO", "/login", 401, ""},
	} {
		path, query, _ := strings.Cut(c.target, "?")
		r := &parsers.Request{Method: c.method, Path: path, Query: query, Status: c.status}
		if got := m.Classify(r); got != c.want {
			t.Errorf("%s %s → %d: got %q, want %q", c.method, c.target, c.status, got, c.want)
		}
	}
	for _, c := range []struct {
		r    parsers.Request
		want string
	}{
		{parsers.Request{Method: "GET", Path: "/orders", Status: 401, APIKey: "key_000000000000"}, APIKeyInvalid},
		{parsers.Request{Method: "GET", Path: "/orders", Status: 401, Token: "tok_000000000000"}, APIKeyInvalid},
		{parsers.Request{Method: "GET", Path: "/orders", Status: 401, Session: "ses_000000000000"}, ""},
		{parsers.Request{Method: "GET", Path: "/orders", Status: 401, User: "alice"}, LoginFailed},
		{parsers.Request{Method: "GET", Path: "/orders", Status: 401, User: "alice", Session: "ses_000000000000"}, ""},
		{parsers.Request{Method: "GET", Path: "/orders", Status: 401, User: "alice", Token: "tok_000000000000"}, APIKeyInvalid},
		{parsers.Request{Method: "GET", Path: "/orders", Status: 200, APIKey: "key_000000000000"}, APIKeyUsed},
		{parsers.Request{Method: "GET", Path: "/orders", Status: 401, Host: "api.example.com"}, APIKeyInvalid},
	} {
		if got := m.Classify(&c.r); got != c.want {
			t.Errorf("%+v: got %q, want %q", c.r, got, c.want)
		}
	}
}

// Each standard event can come from a plain access log: by a route, or by a detector.
func TestEveryEventHasAWay(t *testing.T) {
	m := routeMap(t)
	var reached []string
	for _, r := range m.rules {
		reached = append(reached, r.event)
	}
	for _, status := range []int{200, 401, 402, 403, 419, 429, 444} {
		for _, method := range []string{"GET", "DELETE"} {
			reached = append(reached, byStatus(&parsers.Request{Method: method, Path: "/api/x", Status: status, APIKey: "key_000000000000"}))
		}
	}
	for _, d := range All() {
		reached = append(reached, d.Type)
	}
	// Found by detectors that look at more than one request.
	later := []string{SuspiciousActivity, SSRFAttemptBlocked, BulkExport}
	for _, e := range Taxonomy() {
		if !slices.Contains(reached, e.Name) && !slices.Contains(later, e.Name) {
			t.Errorf("nothing makes %s", e.Name)
		}
	}
	for _, name := range reached {
		if _, ok := EventTypeOf(name); !ok && name != "" {
			t.Errorf("%s is not in the taxonomy", name)
		}
	}
}

func TestOwnRoutes(t *testing.T) {
	m := routeMap(t,
		RouteRule{Method: "POST", Path: "/enter", Status: "200", Query: "step=2", Event: LoginSuccess},
		RouteRule{Method: "POST", Path: "/enter", Status: "4xx", Event: LoginFailed},
		RouteRule{Path: "/login", Event: "site.front_door"},
		RouteRule{Path: "/front/**", Event: "site.front"},
		RouteRule{Path: "/old/**", Status: "404,410", Event: "site.old"},
		RouteRule{Path: "**/tmp/**", Event: "site.tmp"},
		RouteRule{Path: "/teams/{x}/close", Event: "site.closed"},
		RouteRule{Path: "**/report-*.pdf", Event: "site.report"},
		RouteRule{Path: "/a*b*c", Event: "site.stars"},
		RouteRule{Path: "/", Status: "418", Event: "site.root"},
		RouteRule{Path: "**", Status: "599", Event: "site.all"},
	)
	for _, c := range []struct {
		method, path, query string
		status              int
		want                string
	}{
		{"POST", "/enter", "a=1&step=2", 200, LoginSuccess},
		{"POST", "/enter", "step=22", 200, ""},
		{"POST", "/enter", "", 451, LoginFailed},
		{"POST", "/api/enter", "", 451, ""},
		{"POST", "/login", "", 401, "site.front_door"},
		{"POST", "/api/login", "", 401, LoginFailed},
		{"POST", "/front/login", "", 401, "site.front"},
		{"GET", "/old", "", 404, "site.old"},
		{"GET", "/old/a/b", "", 410, "site.old"},
		{"GET", "/very/old/a", "", 404, ""},
		{"GET", "/a/tmp/b/c", "", 200, "site.tmp"},
		{"GET", "/teams/7/close", "", 200, "site.closed"},
		{"GET", "/x/teams/7/close", "", 200, ""},
		{"GET", "/teams/7/8/close", "", 200, ""},
		{"GET", "/x/Report-2026.PDF", "", 200, "site.report"},
		{"GET", "/AxxBxxC", "", 200, "site.stars"},
		{"GET", "/axxc", "", 200, ""},
		{"GET", "/", "", 418, "site.root"},
		{"GET", "/x", "", 418, ""},
		{"GET", "/x/y", "", 599, "site.all"},
	} {
		r := &parsers.Request{Method: c.method, Path: c.path, Query: c.query, Status: c.status}
		if got := m.Classify(r); got != c.want {
			t.Errorf("%s %s?%s → %d: got %q, want %q", c.method, c.path, c.query, c.status, got, c.want)
		}
	}
}

func TestRouteMapErrors(t *testing.T) {
	good := RouteRule{Path: "/x", Event: "site.x"}
	for _, c := range []struct {
		change func(r *RouteRule)
		want   string
	}{
		{func(r *RouteRule) { r.Event = "login" }, `event "login" is not of the form category.action`},
		{func(r *RouteRule) { r.Event = "Auth.Login" }, `event "Auth.Login" is not`},
		{func(r *RouteRule) { r.Event = "auth.login_faild" }, `no event "auth.login_faild": did you mean "auth.login_failed"?`},
		{func(r *RouteRule) { r.Status = "9xx" }, `status "9xx" is neither`},
		{func(r *RouteRule) { r.Method = "post" }, `method "post" is not in capital letters`},
		{func(r *RouteRule) { r.Method = "GET|" }, `method "" is not`},
		{func(r *RouteRule) { r.Status = "2xx,abc" }, `status "abc" is neither a code like 404 nor a class like 4xx`},
		{func(r *RouteRule) { r.Status = "99" }, `status "99" is`},
		{func(r *RouteRule) { r.Query = "a" }, `query "a" is not of the form name=value`},
		{func(r *RouteRule) { r.Query = "a=1&b=2" }, `query "a=1&b=2" is not`},
		{func(r *RouteRule) { r.Path = "" }, `path "": names no segment`},
		{func(r *RouteRule) { r.Path = "/a//b" }, `path "/a//b": has an empty segment`},
		{func(r *RouteRule) { r.Path = "/a/**/b" }, `has ** elsewhere`},
		{func(r *RouteRule) { r.Path = "/a/b{x}" }, `has a brace inside segment "b{x}"`},
		{func(r *RouteRule) { r.Path = "/a|" }, `has an empty word in segment "a|"`},
		{func(r *RouteRule) { r.Path = strings.Repeat("/a", 17) }, `has more than 16 segments`},
	} {
		bad := good
		c.change(&bad)
		_, err := NewRouteMap([]RouteRule{good, bad})
		if err == nil || !strings.HasPrefix(err.Error(), "route rule 2: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %s", bad, err, c.want)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("POST", "/api/v1/login", "grant_type=refresh_token", 401, "/a*b/{x}|c/**", "4xx")
	f.Add("GET", "/files/%2e%2e;x/.csv", "", 200, "**/*.csv", "2xx,404")
	f.Fuzz(func(t *testing.T, method, path, query string, status int, pattern, statuses string) {
		m, err := NewRouteMap([]RouteRule{{Path: pattern, Status: statuses, Event: "site.x"}})
		if err != nil {
			m = routeMap(t)
		}
		r := &parsers.Request{Method: method, Path: path, Route: parsers.Route(path), Query: query, Status: status}
		first := m.Classify(r)
		r.PathNotes = &parsers.Notes{} // which another map, method and status may have been at before
		routeMap(t).Classify(&parsers.Request{Method: "POST", Path: path, Status: 401, PathNotes: r.PathNotes})
		for range 2 {
			if again := m.Classify(r); again != first {
				t.Errorf("%q, then %q", first, again)
			}
		}
		numbersObjects(r)
		IsAPIPath(r)
	})
}

// The usual requests of a site, most of which are no event.
var ordinary = []*parsers.Request{
	{Method: "GET", Path: "/", Shape: "/", Status: 200, ClientIP: "192.0.2.1"},
	{Method: "GET", Path: "/api/v1/orders", Shape: "/api/v1/orders", Query: "page=2&per_page=50", Status: 200, ClientIP: "192.0.2.2"},
	{Method: "GET", Path: "/api/v1/orders/81273", Shape: "/api/v1/orders/{id}", Status: 200, ClientIP: "192.0.2.3", User: "alice"},
	{Method: "GET", Path: "/assets/app-8f3a.css", Shape: "/assets/app-8f3a.css", Status: 304, ClientIP: "192.0.2.4"},
	{Method: "POST", Path: "/api/v1/orders", Shape: "/api/v1/orders", Status: 201, ClientIP: "192.0.2.5", APIKey: "key_0123456789ab"},
	{Method: "GET", Path: "/settings/profile", Shape: "/settings/profile", Status: 200, ClientIP: "192.0.2.6"},
	{Method: "GET", Path: "/users/jane/posts/a-long-title-of-a-post", Shape: "/users/jane/posts/a-long-title-of-a-post", Status: 200, ClientIP: "192.0.2.7"},
	{Method: "GET", Path: "/missing", Shape: "/missing", Status: 404, ClientIP: "192.0.2.8"},
}

func BenchmarkClassify(b *testing.B) {
	m := routeMap(b)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		m.Classify(ordinary[n%len(ordinary)])
	}
}

func TestClassifyAllocatesNothing(t *testing.T) {
	m := routeMap(t)
	for _, r := range append(slices.Clone(ordinary), &parsers.Request{Method: "POST", Path: "/API/Login", Status: 401}) {
		r := *r
		r.PathNotes = &parsers.Notes{}
		if n := testing.AllocsPerRun(100, func() { m.Classify(&r) }); n != 0 {
			t.Errorf("%s %s: %v allocations", r.Method, r.Path, n)
		}
	}
}

// What is passed over at a glance matches nothing when it is looked at.
func FuzzMayHold(f *testing.F) {
	m, err := NewRouteMap(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "/", "/login", "/api/v1/Users/7;a=b/role", "/a/./b.csv", "/report.CSV;x.y", "//x//logout//", "/.csv", "/a;/;b/c", "/%6cogin"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		x := &m.index
		if x.lengths.mayHold(path) {
			return
		}
		for segment, rest := nextSegment(path); segment != ""; segment, rest = nextSegment(rest) {
			if x.find(segment) != nil {
				t.Errorf("%q: %q is a keyword", path, segment)
			}
			if dot := strings.LastIndexByte(segment, '.'); dot >= 0 && x.find(segment[dot:]) != nil {
				t.Errorf("%q: %q is a keyword", path, segment[dot:])
			}
		}
	})
}
