package detect

import (
	"strings"
	"testing"

	"github.com/litesoc/litesoc/parsers"
)

// Frameworks and products have shapes of their own, and each has look-alikes that are
// something else.
func TestRoutesOfFrameworks(t *testing.T) {
	m := routeMap(t)
	for _, c := range []struct {
		name, method, target string
		status               int
		want                 string
	}{
		{"Devise: another scope", "POST", "/admins/sign_in", 200, LoginFailed},
		{"Devise: another scope", "POST", "/admins/sign_in", 303, LoginSuccess},
		{"Devise: JSON", "POST", "/api/sign_in", 200, LoginSuccess},
		{"Devise: form", "GET", "/users/sign_in", 200, ""},
		{"Devise: forgotten", "POST", "/users/password", 303, PasswordReset},
		{"Devise: forgotten, form", "GET", "/users/password/new", 200, ""},
		{"Devise: own account", "DELETE", "/users", 303, UserDeleted},
		{"users of a team", "DELETE", "/teams/7/users", 204, RecordDeleted},

		{"Django: failed", "POST", "/accounts/login/", 200, LoginFailed},
		{"Django admin: failed", "POST", "/admin/login/?next=/admin/", 200, LoginFailed},
		{"Django admin: worked", "POST", "/admin/login/?next=/admin/", 302, LoginSuccess},
		{"an API for admins", "POST", "/admin/login", 200, LoginSuccess},
		{"Django: changed", "POST", "/accounts/password_change/", 302, PasswordReset},
		{"Django: user added", "POST", "/admin/auth/user/add/", 302, UserCreated},
		{"Django: form again", "POST", "/admin/auth/user/add/", 200, ""},
		{"Django: user deleted", "POST", "/admin/auth/user/7/delete/", 302, UserDeleted},
		{"Django: post deleted", "POST", "/admin/blog/post/7/delete/", 302, ""},
		{"Simple JWT", "POST", "/api/token/", 401, LoginFailed},
		{"Simple JWT", "POST", "/api/token/refresh/", 200, TokenRefreshed},
		{"Simple JWT", "POST", "/api/token/verify/", 200, ""},

		{"Laravel: 2FA", "POST", "/user/two-factor-authentication", 200, MFAEnabled},
		{"Laravel: 2FA off", "DELETE", "/user/two-factor-authentication", 200, MFADisabled},
		{"Laravel: 2FA confirmed", "POST", "/user/confirmed-two-factor-authentication", 200, MFAEnabled},
		{"Laravel: challenge", "POST", "/two-factor-challenge", 204, LoginSuccess},
		{"Laravel: challenge of a form", "POST", "/two-factor-challenge", 302, ""},
		{"Sanctum", "POST", "/sanctum/token", 422, LoginFailed},
		{"Sanctum", "GET", "/sanctum/csrf-cookie", 204, ""},
		{"Passport", "POST", "/oauth/personal-access-tokens", 201, APIKeyCreated},
		{"Passport", "DELETE", "/oauth/personal-access-tokens/7", 204, APIKeyRevoked},
		{"Passport", "GET", "/oauth/personal-access-tokens", 200, ""},

		{"WordPress: JWT", "POST", "/wp-json/jwt-auth/v1/token", 403, LoginFailed},
		{"WordPress: JWT", "POST", "/wp-json/jwt-auth/v1/token/validate", 403, AccessDenied},
		{"WordPress: user", "POST", "/wp-json/wp/v2/users", 201, UserCreated},
		{"WordPress: user", "POST", "/blog/wp-admin/user-new.php", 302, UserCreated},
		{"WordPress: form", "GET", "/blog/wp-admin/user-new.php", 200, ""},
		{"WordPress: application", "POST", "/wp-json/wp/v2/users/7/application-passwords", 201, APIKeyCreated},
		{"WordPress: settings", "POST", "/wp-admin/options.php", 302, SettingsChanged},
		{"WordPress: export", "GET", "/wp-admin/export.php?download=true&content=all", 200, Export},
		{"WordPress: export, form", "GET", "/wp-admin/export.php", 200, ""},

		{"Keycloak: failed", "POST", "/realms/shop/login-actions/authenticate?session_code=x", 200, LoginFailed},
		{"Keycloak: worked", "POST", "/realms/shop/login-actions/authenticate?session_code=x", 302, LoginSuccess},
		{"Keycloak: form", "GET", "/realms/shop/login-actions/authenticate", 200, ""},
		{"Keycloak: forgotten", "POST", "/realms/shop/login-actions/reset-credentials", 302, PasswordReset},
		{"Keycloak: token", "POST", "/realms/shop/protocol/openid-connect/token", 401, LoginFailed},
		{"Keycloak: logout", "POST", "/realms/shop/protocol/openid-connect/logout", 204, Logout},
		{"Keycloak: revoked", "POST", "/realms/shop/protocol/openid-connect/revoke", 200, Logout},
		{"Keycloak: keys", "GET", "/realms/shop/protocol/openid-connect/certs", 200, ""},
		{"Keycloak: user", "POST", "/admin/realms/shop/users", 201, UserCreated},
		{"Keycloak: users", "GET", "/admin/realms/shop/users", 200, ""},
		{"Keycloak: role", "POST", "/admin/realms/shop/users/7/role-mappings/realm", 204, RoleChanged},
		{"Keycloak: roles", "GET", "/admin/realms/shop/users/7/role-mappings/realm", 200, ""},
		{"Keycloak: impersonation", "POST", "/admin/realms/shop/users/7/impersonation", 200, PrivilegeEscalation},

		{"Auth0", "POST", "/usernamepassword/login", 401, LoginFailed},
		{"Auth0", "POST", "/dbconnections/change_password", 200, PasswordReset},
		{"Auth0", "GET", "/v2/logout?client_id=x", 302, Logout},
		{"Auth0", "DELETE", "/api/v2/users/7/multifactor/duo", 204, MFADisabled},
		{"Auth0", "POST", "/api/v2/users/7/roles", 204, RoleChanged},
		{"Auth0", "POST", "/api/v2/roles/7/users", 200, RoleChanged},
		{"Auth0", "GET", "/authorize?client_id=x", 302, ""},
		{"Okta", "POST", "/api/v1/authn", 401, LoginFailed},
		{"Okta", "POST", "/api/v1/authn/factors/7/verify", 200, LoginSuccess},
		{"Okta", "POST", "/api/v1/users/7/lifecycle/suspend", 200, UserSuspended},
		{"Okta", "POST", "/api/v1/users/7/lifecycle/activate", 200, ""},
		{"OIDC", "POST", "/connect/token", 400, LoginFailed},
		{"OIDC", "POST", "/connect/revocation", 200, Logout},
		{"OIDC", "GET", "/.well-known/openid-configuration", 200, ""},

		{"Supabase: failed", "POST", "/auth/v1/token?grant_type=password", 400, LoginFailed},
		{"Supabase: refreshed", "POST", "/auth/v1/token?grant_type=refresh_token", 200, TokenRefreshed},
		{"Supabase: forgotten", "POST", "/auth/v1/recover", 200, PasswordReset},
		{"Supabase: factor", "POST", "/auth/v1/factors", 200, MFAEnabled},
		{"Supabase: factor", "DELETE", "/auth/v1/factors/7", 200, MFADisabled},
		{"Supabase: wrong code", "POST", "/auth/v1/factors/7/verify", 422, LoginFailed},
		{"factors of another kind", "POST", "/api/v1/factors", 201, ""},
		{"Supabase: admin", "POST", "/auth/v1/admin/users", 200, UserCreated},
		{"Supabase: rows", "GET", "/rest/v1/users?select=*", 200, ""},

		{"Firebase: failed", "POST", "/v1/accounts:signInWithPassword", 400, LoginFailed},
		{"Firebase: worked", "POST", "/v1/accounts:signInWithPassword", 200, LoginSuccess},
		{"Firebase: looked up", "POST", "/v1/accounts:lookup", 200, ""},
		{"Firebase: forgotten", "POST", "/v1/accounts:sendOobCode", 200, PasswordReset},
		{"Firebase: deleted", "POST", "/v1/accounts:delete", 200, UserDeleted},

		{"Auth.js", "POST", "/api/auth/callback/credentials", 401, LoginFailed},
		{"Auth.js: another provider", "POST", "/api/auth/callback/github", 401, APIKeyInvalid},
		{"Auth.js: session", "GET", "/api/auth/session", 200, ""},
		{"ASP.NET: failed", "POST", "/Identity/Account/Login", 200, LoginFailed},
		{"ASP.NET: 2FA", "POST", "/Identity/Account/Manage/EnableAuthenticator", 302, MFAEnabled},
		{"ASP.NET: wrong code", "POST", "/Identity/Account/Manage/EnableAuthenticator", 200, ""},
		{"ASP.NET: wrong code at login", "POST", "/Identity/Account/LoginWith2fa", 200, LoginFailed},
		{"ASP.NET: right code at login", "POST", "/Identity/Account/LoginWith2fa", 302, LoginSuccess},
		{"ASP.NET: 2FA off", "POST", "/Identity/Account/Manage/Disable2fa", 302, MFADisabled},
		{"ASP.NET: forgotten", "POST", "/forgotPassword", 200, PasswordReset},
		{"Spring", "POST", "/j_spring_security_check", 302, LoginSuccess},

		{"service account", "POST", "/api/serviceaccounts/7/tokens", 200, APIKeyCreated},
		{"service account", "DELETE", "/api/serviceaccounts/7/tokens/3", 200, APIKeyRevoked},
		{"design tokens", "POST", "/api/themes/7/tokens", 201, ""},
		{"config", "PUT", "/api/admin/config", 200, SettingsChanged},
		{"config", "PUT", "/api/devices/7/config", 200, ""},

		// A path about a login is none, and GraphQL says nothing of what was asked for.
		{"a page", "POST", "/blog/how-to-login", 200, ""},
		{"a page", "GET", "/docs/login", 200, ""},
		{"a list of logins", "GET", "/api/logins", 200, ""},
		{"password rules", "GET", "/api/password/reset", 200, ""},
		{"GraphQL", "POST", "/graphql", 200, ""},
	} {
		path, query, _ := strings.Cut(c.target, "?")
		r := &parsers.Request{Method: c.method, Path: path, Query: query, Status: c.status}
		if got := m.Classify(r); got != c.want {
			t.Errorf("%s: %s %s → %d: got %q, want %q", c.name, c.method, c.target, c.status, got, c.want)
		}
	}
}
