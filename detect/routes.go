package detect

import "slices"

// builtInRoutes returns the usual shapes of what changes who may do what, the more
// telling first. A login that fails answers 400, 401, 403, 422 or 423 (locked); any answer 2xx or
// 3xx means that it worked, but for products known to show the form again with 200.
// 429 and 5xx say nothing about a login.
func builtInRoutes() []RouteRule {
	return slices.Concat(loginRoutes(), codeRoutes(), []RouteRule{
		{Method: "GET|POST|DELETE", Path: "**/logout|log_out|log-out|logoff|signout|sign_out|sign-out", Status: "2xx,3xx", Event: Logout},
		{Method: "POST", Path: "**/oauth|oauth2|connect|openid-connect/revoke|revocation", Status: "2xx", Event: Logout},
		{Method: "DELETE", Path: "session|sessions", Status: "2xx,3xx", Event: Logout},
		{Method: "DELETE", Path: "session|sessions/{x}", Status: "2xx,3xx", Event: Logout},

		{Method: "POST", Path: "refresh", Status: "2xx", Event: TokenRefreshed},
		{Method: "POST", Path: "**/auth|token|tokens|jwt|session|sessions/refresh|renew|reissue", Status: "2xx", Event: TokenRefreshed},
		{Method: "POST", Path: "**/refresh-token|refresh_token|refreshtoken|token-refresh|renew-token|renew_token|renewtoken", Status: "2xx", Event: TokenRefreshed},

		{Method: "POST|PUT|PATCH", Path: "**/password|passwords", Status: "2xx,3xx", Event: PasswordReset},
		{Method: "POST|PUT|PATCH", Path: "**/password|passwords/reset|forgot|recover|change|email", Status: "2xx,3xx", Event: PasswordReset},
		{Method: "POST|PUT|PATCH", Path: "**/password-reset|password_reset|reset-password|reset_password|forgot-password|forgot_password|lost-password|lostpassword|forgotpassword|resetpassword", Status: "2xx,3xx", Event: PasswordReset},
		{Method: "POST|PUT|PATCH", Path: "**/password-change|password_change|change-password|change_password|changepassword|set-password|set_password", Status: "2xx,3xx", Event: PasswordReset},
		{Method: "POST", Path: "**/login-actions/reset-credentials", Status: "2xx,3xx", Event: PasswordReset},         // Keycloak
		{Method: "POST", Path: "**/auth/{x}/recover", Status: "2xx", Event: PasswordReset},                            // Supabase
		{Method: "POST", Path: "**/accounts:sendoobcode|accounts:resetpassword", Status: "2xx", Event: PasswordReset}, // Firebase

		{Method: "POST|PUT", Path: "**/mfa|2fa|two-factor|two_factor|two-factor-authentication|multifactor|totp/disable|deactivate", Status: "2xx", Event: MFADisabled},
		{Method: "DELETE", Path: "**/mfa|2fa|two-factor|two_factor|two-factor-authentication|multifactor|totp", Status: "2xx", Event: MFADisabled},
		{Method: "DELETE", Path: "**/mfa|2fa|two-factor|two_factor|two-factor-authentication|multifactor|totp/{x}", Status: "2xx", Event: MFADisabled},
		{Method: "POST|PUT", Path: "**/mfa|2fa|two-factor|two_factor|two-factor-authentication|multifactor|totp", Status: "2xx", Event: MFAEnabled},
		{Method: "POST|PUT", Path: "**/mfa|2fa|two-factor|two_factor|two-factor-authentication|multifactor|totp/enable|activate|enroll|setup|confirm", Status: "2xx", Event: MFAEnabled},

		{Method: "POST", Path: "**/confirmed-two-factor-authentication", Status: "2xx", Event: MFAEnabled}, // Laravel
		{Method: "POST", Path: "**/account/manage/enableauthenticator", Status: "3xx", Event: MFAEnabled},  // ASP.NET
		{Method: "POST", Path: "**/account/manage/disable2fa", Status: "3xx", Event: MFADisabled},
		{Method: "POST", Path: "**/auth/{x}/factors", Status: "2xx", Event: MFAEnabled}, // Supabase
		{Method: "DELETE", Path: "**/auth/{x}/factors/{x}", Status: "2xx", Event: MFADisabled},

		{Method: "POST|PUT|PATCH|DELETE", Path: "**/user|users|member|members/{x}/role|roles", Status: "2xx", Event: RoleChanged},
		{Method: "POST|PUT|PATCH|DELETE", Path: "**/user|users|member|members/{x}/role|roles/{x}", Status: "2xx", Event: RoleChanged},
		{Method: "POST|PUT|DELETE", Path: "**/user|users|group|groups/{x}/role-mappings/**", Status: "2xx", Event: RoleChanged}, // Keycloak
		{Method: "POST|PUT|DELETE", Path: "**/roles/{x}/users|members", Status: "2xx", Event: RoleChanged},
		{Method: "POST|PUT|DELETE", Path: "**/roles/{x}/users|members/{x}", Status: "2xx", Event: RoleChanged},
		{Method: "POST", Path: "**/permissions/revoke", Status: "2xx", Event: PermissionRevoked},
		{Method: "DELETE", Path: "**/permissions", Status: "2xx", Event: PermissionRevoked},
		{Method: "DELETE", Path: "**/permissions/{x}", Status: "2xx", Event: PermissionRevoked},
		{Method: "POST|PUT|PATCH", Path: "**/permissions", Status: "2xx", Event: PermissionGranted},
		{Method: "POST|PUT|PATCH", Path: "**/permissions/{x}", Status: "2xx", Event: PermissionGranted},
		{Method: "POST", Path: "**/impersonate|impersonation|sudo|elevate|assume-role", Status: "2xx", Event: PrivilegeEscalation},

		{Method: "POST", Path: "users", Status: "2xx", Event: UserCreated},
		{Method: "POST", Path: "**/realms/{x}/users", Status: "2xx", Event: UserCreated},  // Keycloak
		{Method: "POST", Path: "/admin/auth/user/add", Status: "3xx", Event: UserCreated}, // Django
		{Method: "POST", Path: "/admin/auth/user/{x}/delete", Status: "3xx", Event: UserDeleted},
		{Method: "POST", Path: "**/wp-admin/user-new.php", Status: "3xx", Event: UserCreated}, // WordPress
		{Method: "POST", Path: "**/accounts:delete", Status: "2xx", Event: UserDeleted},       // Firebase
		{Method: "DELETE", Path: "users", Status: "2xx,3xx", Event: UserDeleted},              // Devise: the user's own
		{Method: "DELETE", Path: "**/users|members/{x}", Status: "2xx", Event: UserDeleted},
		{Method: "POST|PUT|PATCH", Path: "**/user|users|member|members/{x}/suspend|disable|deactivate|block|ban|lock", Status: "2xx", Event: UserSuspended},

		{Method: "POST|PUT", Path: "**/users/{x}/lifecycle/suspend|deactivate", Status: "2xx", Event: UserSuspended}, // Okta

		{Method: "POST", Path: "**/api-keys|api_keys|apikeys|access-keys|access_keys|api-tokens|api_tokens|personal-access-tokens|personal_access_tokens|application-passwords", Status: "2xx", Event: APIKeyCreated},
		{Method: "DELETE", Path: "**/api-keys|api_keys|apikeys|access-keys|access_keys|api-tokens|api_tokens|personal-access-tokens|personal_access_tokens|application-passwords/{x}", Status: "2xx", Event: APIKeyRevoked},
		{Method: "POST|PUT", Path: "**/api-keys|api_keys|apikeys|access-keys|access_keys|api-tokens|api_tokens|personal-access-tokens|personal_access_tokens|application-passwords/{x}/revoke", Status: "2xx", Event: APIKeyRevoked},

		{Method: "POST", Path: "**/serviceaccounts|service-accounts|service_accounts/{x}/tokens|keys", Status: "2xx", Event: APIKeyCreated},
		{Method: "DELETE", Path: "**/serviceaccounts|service-accounts|service_accounts/{x}/tokens|keys/{x}", Status: "2xx", Event: APIKeyRevoked},

		{Method: "POST", Path: "**/wp-admin/options.php", Status: "3xx", Event: SettingsChanged},
		{Method: "POST|PUT|PATCH", Path: "**/admin/config|configuration", Status: "2xx", Event: SettingsChanged},
		{Method: "POST|PUT|PATCH", Path: "**/settings", Status: "2xx", Event: SettingsChanged},
		{Method: "POST|PUT|PATCH", Path: "**/settings/{x}", Status: "2xx", Event: SettingsChanged},
		{Method: "POST", Path: "**/blocked-ips|blocked_ips|ip-blocks|ip_blocks", Status: "2xx", Event: IPBlocked},

		{Method: "GET|POST", Path: "**/export|exports", Status: "2xx", Event: Export},
		{Method: "GET|POST", Path: "**/export|exports/{x}", Status: "2xx", Event: Export},
		{Method: "GET", Path: "**/wp-admin/export.php", Query: "download=true", Status: "2xx", Event: Export},
		{Method: "GET", Path: "**/*.csv", Status: "2xx", Event: Export},
		{Method: "GET", Path: "**/*.xlsx", Status: "2xx", Event: Export},
		{Method: "GET", Path: "**/secrets|credentials|private-keys", Status: "2xx", Event: SensitiveAccess},
		{Method: "GET", Path: "**/secrets|credentials|private-keys/{x}", Status: "2xx", Event: SensitiveAccess},

		{Method: "DELETE", Path: "**/bulk|batch", Status: "2xx", Event: BulkDelete},
		{Method: "POST|DELETE", Path: "**/bulk-delete|bulk_delete|batch-delete|batch_delete", Status: "2xx", Event: BulkDelete},
		{Method: "POST|DELETE", Path: "**/bulk|batch/delete", Status: "2xx", Event: BulkDelete},
		{Method: "POST", Path: "**/{x}/delete|destroy|purge|erase", Status: "2xx", Event: RecordDeleted},
		{Method: "POST", Path: "**/delete|destroy|purge|erase/{x}", Status: "2xx", Event: RecordDeleted},
	})
}

// loginRoutes returns the rules for logins, those of known products first.
func loginRoutes() []RouteRule {
	const (
		failed = "400,401,403,422,423"
		worked = "2xx,3xx"
	)
	routes := []RouteRule{
		// WordPress shows the form again with 200 and goes on with 302.
		{Method: "GET|POST", Path: "**/wp-login.php", Query: "action=logout", Status: worked, Event: Logout},
		{Method: "POST", Path: "**/wp-login.php", Query: "action=lostpassword", Status: worked, Event: PasswordReset},
		{Method: "POST", Path: "**/wp-login.php", Query: "action=resetpass", Status: worked, Event: PasswordReset},
		{Method: "POST", Path: "**/wp-login.php", Status: "200", Event: LoginFailed},
		// So do Devise for Rails, Django and servlet containers.
		{Method: "POST", Path: "/users|admins|admin_users|customers|members/sign_in", Status: "200", Event: LoginFailed},
		{Method: "POST", Path: "/accounts/login", Status: "200", Event: LoginFailed},
		{Method: "POST", Path: "/admin/login", Query: "next=/admin/", Status: "200", Event: LoginFailed},
		{Method: "POST", Path: "/admin/login", Query: "next=%2Fadmin%2F", Status: "200", Event: LoginFailed},
		// And Keycloak and ASP.NET.
		{Method: "POST", Path: "**/login-actions/authenticate", Status: "200", Event: LoginFailed},
		{Method: "POST", Path: "/identity/account/login", Status: "200", Event: LoginFailed},
		{Method: "POST", Path: "**/account/loginwith2fa|loginwithrecoverycode", Status: "200", Event: LoginFailed},
		{Method: "POST", Path: "**/j_security_check", Status: "200", Event: LoginFailed},
		// Who guesses at XML-RPC is told no in 200 as well; refused at the door it is told apart.
		{Method: "POST", Path: "**/xmlrpc.php", Status: "401,403", Event: LoginFailed},
	}
	// GraphQL has one path: the operation says what is done. Its 200 may hold an error.
	for _, operation := range []string{"Login", "login", "SignIn", "signIn", "LoginUser", "loginUser", "UserLogin", "userLogin", "Authenticate", "authenticate"} {
		routes = append(routes, RouteRule{Method: "POST", Path: "**/graphql", Query: "operationName=" + operation, Status: failed, Event: LoginFailed})
	}
	for _, path := range []string{"**/oauth|oauth2|connect|openid-connect/token", "**/oauth2/{x}/token", "token"} {
		// A television asks every few seconds whether its user has let it in by now (RFC 8628).
		for _, grant := range []string{"urn:ietf:params:oauth:grant-type:device_code", "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"} {
			routes = append(routes, RouteRule{Method: "POST", Path: path, Query: "grant_type=" + grant, Status: failed})
		}
		routes = append(routes,
			RouteRule{Method: "POST", Path: path, Query: "grant_type=refresh_token", Status: "2xx", Event: TokenRefreshed},
			RouteRule{Method: "POST", Path: path, Query: "grant_type=refresh_token", Status: failed, Event: SessionExpired},
			RouteRule{Method: "POST", Path: path, Status: failed, Event: LoginFailed},
			RouteRule{Method: "POST", Path: path, Status: worked, Event: LoginSuccess})
	}
	for _, path := range []string{
		"**/login|log_in|log-in|logon|signin|sign_in|sign-in|authenticate|wp-login.php|j_security_check|j_spring_security_check|j_acegi_security_check",
		"**/anmelden|einloggen|connexion|iniciar-sesion|iniciar_sesion|inloggen|zaloguj",
		"**/oauth/access_token",
		"**/jwt/create",
		"**/auth/local",                  // Strapi
		"**/login/access-token",          // FastAPI's template
		"**/jwt-auth/{x}/token",          // WordPress
		"**/sanctum/token",               // Laravel
		"**/authn",                       // Okta
		"**/auth/callback/credentials",   // Auth.js
		"**/accounts:signinwithpassword", // Firebase
		"**/api-token-auth",
		"**/login.json|sign_in.json|sessions.json",
		"**/login_check",                        // Symfony
		"**/sign-in/email",                      // Better Auth; of others "signin/email" sends a link
		"**/account/sessions/email",             // Appwrite
		"**/auth/{x}/emailpass",                 // Medusa
		"**/integration/customer|admin/token",   // Magento
		"**/sign_ins/{x}/attempt_first_factor",  // Clerk
		"**/sign_ins/{x}/attempt_second_factor", // likewise
		"**/auth-with-password|auth-with-otp",   // PocketBase
		"authentication",                        // Feathers
		"**/auth.login|auth.signin|auth.sign-in|auth.authenticate|user.login|user.signin|users.login|account.login|session.create|sessions.create", // calls by name, as tRPC's
		"**/user-login|user_login|userlogin|login-user|login_user|loginuser|user-signin|user_signin|usersignin|signinuser|do-login|do_login|dologin",
		"**/admin-login|admin_login|adminlogin|customer-login|customer_login|customerlogin|member-login|member_login|memberlogin",
		"**/login-with-password|login_with_password|loginwithpassword|sign-in-with-password|sign_in_with_password|signinwithpassword|signin-with-password",
		"**/login-with-email|login_with_email|loginwithemail|login-by-email|login_by_email|loginbyemail|login-by-password|login_by_password|loginbypassword",
		"**/password-login|password_login|passwordlogin|email-login|email_login|emaillogin|check-login|check_login|checklogin|login-check|logincheck|signon|sign-on|sign_on",
		"**/login|signin|sign_in|sign-in|logon/submit|process|attempt|ajax|local|basic",
		"**/authenticate/email|username|password|credentials", // Nakama
		"auth/credentials|basic|userpass|user-pass|user_pass",
		"session|sessions/create|new",
		"access-token|access_token|accesstoken|get-token|get_token|gettoken|obtain-token|obtain_token|obtaintoken",
		"token/obtain|generate|login",
		"**/auth/tokens", // Keystone
		"**/authentication/token",
		"**/customer|customers|member|members|merchant|merchants|partner|partners|store|staff/auth",
		"**/store|merchant|customer|member|partner/auth/token",
		"**/rest/auth/{x}/session",        // Jira
		"**/users/authenticatebyname",     // Jellyfin, Emby
		"**/client/loginwithemailaddress", // PlayFab
		"**/relyingparty/verifypassword",  // Firebase, before
		"/api2/json|extjs/access/ticket",  // Proxmox
		"/_session",                       // CouchDB
		"**/login|signin|sign_in|sign-in/password|email-password|username|credentials|ldap",
		// The second factor: six digits can be guessed.
		"**/otp|mfa|2fa|totp|two-factor|two_factor|two-factor-authentication|multifactor|passcode/verify|challenge|validate|check|authenticate",
		"**/mfa|2fa|totp|two-factor|two_factor|two-factor-authentication|multifactor/challenge|challenges/verify|respond|answer",
		"**/mfa|2fa|totp|two-factor|two_factor|two-factor-authentication|multifactor/challenge|challenges/{x}/verify|respond|answer",
		"**/verify/otp|mfa|2fa|totp|two-factor|two_factor|passcode",
		"**/otp-verify|otp_verify|otpverify|mfa-verify|mfa_verify|mfaverify|2fa-verify|2fa_verify|totp-verify|totp_verify|otp-check|otp_check|otp-login|otp_login|otplogin",
		"**/otp|passcode/confirm|submit",
		"**/magic-link|magic_link|magiclink|magic-links|passwordless|email-link|login-link|login_link/verify|confirm|consume|complete|authenticate",
		"**/verify-magic-link|verify_magic_link|confirm-otp|confirm_otp|submit-otp|submit_otp",
		"**/login|signin|sign_in|sign-in/verify|confirm",
		"**/auth/{x}/verify", // Supabase
		"**/verify-otp|verify_otp|verifyotp|verify-mfa|verify_mfa|verify-2fa|verify_2fa|verify-totp|verify_totp|verify-passcode|verify_passcode|verifypasscode|check-otp|check_otp|checkotp|validate-otp|validate_otp|validateotp",
		"**/login|signin|sign_in|sign-in|session|sessions/otp|mfa|2fa|totp|code|two-factor|two_factor",
		"**/account/loginwith2fa|loginwithrecoverycode", // ASP.NET
		"**/factors/{x}/verify",                         // Okta, Supabase
		"verify-code|verify_code",
		"session|sessions",
		"auth",
	} {
		routes = append(routes,
			RouteRule{Method: "POST", Path: path, Status: failed, Event: LoginFailed},
			RouteRule{Method: "POST", Path: path, Status: worked, Event: LoginSuccess})
	}
	// Some take them in the query, where the password has been taken out.
	for _, name := range []string{"password", "passwd", "pwd", "pass"} {
		const path, query = "**/login|signin|sign_in|sign-in|logon|authenticate|auth", "=[redacted]"
		routes = append(routes,
			RouteRule{Method: "GET", Path: path, Query: name + query, Status: failed, Event: LoginFailed},
			RouteRule{Method: "GET", Path: path, Query: name + query, Status: worked, Event: LoginSuccess})
	}
	// Vault names the account in the path.
	routes = append(routes,
		RouteRule{Method: "POST|PUT", Path: "**/auth/{x}/login/{x}", Status: failed, Event: LoginFailed},
		RouteRule{Method: "POST|PUT", Path: "**/auth/{x}/login/{x}", Status: "2xx", Event: LoginSuccess})
	// What is sent may as well be the address to mail a link to. That is not answered 401 but where
	// a password is wrong, nor is an account without one said to be locked.
	routes = append(routes,
		RouteRule{Method: "POST", Path: "**/login|signin|sign_in|sign-in/email|phone|mobile|user", Status: "401,403,423", Event: LoginFailed},
		RouteRule{Method: "POST", Path: "auth/password|email|username|pin", Status: "401", Event: LoginFailed})
	// Few take a login by PUT. A 400 or 422 is about a new name to log in with there.
	for _, path := range []string{
		"**/login|log_in|log-in|logon|signin|sign_in|sign-in|authenticate",
		"**/user-login|user_login|userlogin|admin-login|admin_login|adminlogin",
	} {
		routes = append(routes,
			RouteRule{Method: "PUT|PATCH", Path: path, Status: "401,403,423", Event: LoginFailed},
			RouteRule{Method: "PUT|PATCH", Path: path, Status: "2xx", Event: LoginSuccess})
	}
	// Laravel's form goes on with 302 whatever the code was; as an API it answers 204.
	const challenge = "**/two-factor-challenge"
	routes = append(routes,
		RouteRule{Method: "POST", Path: challenge, Status: failed, Event: LoginFailed},
		RouteRule{Method: "POST", Path: challenge, Status: "2xx", Event: LoginSuccess})
	// Posted to the second factor itself, a code is tried; what works there may as well set it up.
	routes = append(routes, RouteRule{Method: "POST", Path: "mfa|2fa|totp|two-factor|two_factor", Status: failed, Event: LoginFailed})
	// A page that takes its own form shows it again, or goes on: 200 says neither.
	const pages = "**/login.php|login.asp|login.aspx|login.jsp|login.jsf|login.do|login.action|login.cgi|login.cfm|logon.aspx|logon.do|signin.php|signin.aspx|signin.jsp"
	return append(routes,
		RouteRule{Method: "POST", Path: pages, Status: failed, Event: LoginFailed},
		RouteRule{Method: "POST", Path: pages, Status: "3xx", Event: LoginSuccess})
}

// codeRoutes returns the rules for the codes of mails and messages: whoever guesses one has the
// account as if by its password, so a wrong one is a login that failed. GET is left out where a link
// in a mail leads: programs that look at mails for viruses open those, again and again. So is what
// tells whether a password is a good one, which a form asks at each letter.
func codeRoutes() []RouteRule {
	const failed = "400,401,403,422,423"
	var routes []RouteRule
	for _, path := range []string{
		"**/reset-password|reset_password|resetpassword",
		"**/password|passwords|password-reset|password_reset|reset-password|reset_password|forgot-password|forgot_password|recovery/confirm|verify|complete",
		"**/password|passwords/reset|forgot|recover|recovery/confirm|verify|complete",
		"**/confirm-forgot-password|confirm_forgot_password|confirm-reset-password|confirm_reset_password|confirm-password-reset|confirm_password_reset",
		"**/verify-reset-code|verify_reset_code|verify-reset-token|verify_reset_token|check-reset-code|check_reset_code",
		"**/verify-email|verify_email|verifyemail|confirm-email|confirm_email|confirmemail|verify-phone|verify_phone|confirm-phone|confirm_phone|verify-sms|verify_sms|verify-sms-code|verify_sms_code|verifysmscode|verify-phone-code|verify_phone_code|verify-email-code|verify_email_code|verify-login-code|verify_login_code",
		"**/verify-account|verify_account|confirm-account|confirm_account|confirm-signup|confirm_signup|confirm-sign-up|confirm_sign_up",
		"**/verify-recovery-code|verify_recovery_code|verify-backup-code|verify_backup_code|verify-pin|verify_pin|verifypin",
		"**/mfa|2fa|totp|two-factor|two_factor|two-factor-authentication|multifactor/confirm|submit|activate",
		"**/oauth|oauth2|oidc/device/verify|approve|activate|confirm", // the code on somebody's television
		"**/login|signin|sign_in|sign-in/device",
		"**/pin|pin-code|pincode/verify|validate|check",
		"**/verify-password|verify_password|verifypassword|verify-credentials|verify_credentials|check-credentials|check_credentials|validate-credentials|validate_credentials",
		"email|phone|sms|mobile|registration|signup|sign-up|sign_up/verify|confirm|verification",
		"confirm-code|confirm_code",
	} {
		routes = append(routes, RouteRule{Method: "POST|PUT|PATCH", Path: path, Status: failed, Event: LoginFailed})
	}
	// Where a mail is asked for, too, an account that is not there answers 404 or 422.
	routes = append(routes, RouteRule{Method: "POST|PUT|PATCH", Path: "**/password|passwords/reset", Status: "400,401,403", Event: LoginFailed})
	// Devise for Rails takes the code of its mail together with the new password.
	routes = append(routes, RouteRule{Method: "PUT|PATCH", Path: "/users|admins|admin_users|customers|members/password", Status: "422", Event: LoginFailed})
	// Codes that people type are in no link, so nothing opens one.
	for _, path := range []string{
		"**/otp|2fa|totp|passcode/verify|validate",
		"**/verify|validate/otp|2fa|totp|passcode",
		"**/verify-otp|verify_otp|verifyotp|verify-2fa|verify_2fa|verify-totp|verify_totp|validate-otp|validate_otp|validateotp|check-otp|check_otp|checkotp",
	} {
		routes = append(routes, RouteRule{Method: "GET", Path: path, Status: failed, Event: LoginFailed})
	}
	for _, path := range []string{
		"**/password-reset|password_reset|reset-password|reset_password|forgot-password|forgot_password|recovery/confirm|complete",
		"**/password|passwords/reset|forgot|recover|recovery/confirm|complete",
	} {
		routes = append(routes, RouteRule{Method: "POST|PUT|PATCH", Path: path, Status: "2xx,3xx", Event: PasswordReset})
	}
	return routes
}
