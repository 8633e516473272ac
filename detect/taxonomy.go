package detect

import "slices"

// The names of events. Detectors, the route map and rules use these and no others,
// save for names that a site gives its own route rules.
const (
	LoginSuccess   = "auth.login_success"
	LoginFailed    = "auth.login_failed"
	Logout         = "auth.logout"
	PasswordReset  = "auth.password_reset"
	MFAEnabled     = "auth.mfa_enabled"
	MFADisabled    = "auth.mfa_disabled"
	SessionExpired = "auth.session_expired"
	TokenRefreshed = "auth.token_refreshed"
	APIKeyUsed     = "auth.api_key_used"
	APIKeyInvalid  = "auth.api_key_invalid"

	AccessDenied      = "authz.access_denied"
	RoleChanged       = "authz.role_changed"
	PermissionGranted = "authz.permission_granted"
	PermissionRevoked = "authz.permission_revoked"
	PermissionDenied  = "authz.permission_denied"

	UserCreated         = "admin.user_created"
	UserDeleted         = "admin.user_deleted"
	UserSuspended       = "admin.user_suspended"
	PrivilegeEscalation = "admin.privilege_escalation"
	SettingsChanged     = "admin.settings_changed"
	APIKeyCreated       = "admin.api_key_created"
	APIKeyRevoked       = "admin.api_key_revoked"

	Export          = "data.export"
	BulkExport      = "data.bulk_export"
	RecordDeleted   = "data.record_deleted"
	BulkDelete      = "data.bulk_delete"
	SensitiveAccess = "data.sensitive_access"

	SuspiciousActivity     = "security.suspicious_activity"
	RateLimitExceeded      = "security.rate_limit_exceeded"
	IPBlocked              = "security.ip_blocked"
	BruteForceDetected     = "security.brute_force_detected"
	APIEnumerationDetected = "security.api_enumeration_detected"
	SSRFAttemptBlocked     = "security.ssrf_attempt_blocked"
)

// An EventType is one name of the taxonomy and what it stands for.
type EventType struct {
	Name     string
	Group    string   // what stands before the dot: "auth"
	Severity Severity // of the event, where the one who finds it says nothing else
	// Single is the severity where one request alone is the event, as the route map
	// finds it.
	Single Severity
	// StandardEvent is the one of the 26 standard names that is this name or comes
	// nearest to it; "" if none does.
	StandardEvent string
}

// taxonomy is sorted by name.
var taxonomy = []EventType{
	{APIKeyCreated, "admin", Info, Info, APIKeyCreated},
	{APIKeyRevoked, "admin", Medium, Medium, APIKeyRevoked},
	{PrivilegeEscalation, "admin", Critical, Critical, PrivilegeEscalation},
	{SettingsChanged, "admin", Info, Info, SettingsChanged},
	{UserCreated, "admin", Info, Info, UserCreated},
	{UserDeleted, "admin", Medium, Medium, UserDeleted},
	{UserSuspended, "admin", Medium, Medium, UserSuspended},

	{APIKeyInvalid, "auth", Medium, Medium, LoginFailed},
	{APIKeyUsed, "auth", Info, Info, ""},
	{LoginFailed, "auth", Low, Low, LoginFailed},
	{LoginSuccess, "auth", Info, Info, LoginSuccess},
	{Logout, "auth", Info, Info, Logout},
	{MFADisabled, "auth", Medium, Medium, MFADisabled},
	{MFAEnabled, "auth", Info, Info, MFAEnabled},
	{PasswordReset, "auth", Info, Info, PasswordReset},
	{SessionExpired, "auth", Info, Info, SessionExpired},
	{TokenRefreshed, "auth", Info, Info, TokenRefreshed},

	// A plain 403 happens to everyone; a pattern of them does not.
	{AccessDenied, "authz", High, Low, AccessDenied},
	{PermissionDenied, "authz", Medium, Medium, AccessDenied},
	{PermissionGranted, "authz", Info, Info, PermissionGranted},
	{PermissionRevoked, "authz", Medium, Medium, PermissionRevoked},
	{RoleChanged, "authz", Critical, Critical, RoleChanged},

	{BulkDelete, "data", Critical, Critical, BulkDelete},
	{BulkExport, "data", High, High, Export},
	{Export, "data", Info, Info, Export},
	{RecordDeleted, "data", Medium, Medium, BulkDelete},
	{SensitiveAccess, "data", Critical, Critical, SensitiveAccess},

	{APIEnumerationDetected, "security", High, High, SuspiciousActivity},
	{BruteForceDetected, "security", Critical, Critical, BruteForceDetected},
	{IPBlocked, "security", Medium, Medium, IPBlocked},
	{RateLimitExceeded, "security", Medium, Medium, RateLimitExceeded},
	{SSRFAttemptBlocked, "security", Critical, Critical, SuspiciousActivity},
	{SuspiciousActivity, "security", Critical, Critical, SuspiciousActivity},
}

// Taxonomy returns all event types, by name.
func Taxonomy() []EventType { return slices.Clone(taxonomy) }

// eventNames returns the names of all events that are known.
func eventNames() []string {
	names := make([]string, 0, len(taxonomy))
	for _, t := range taxonomy {
		names = append(names, t.Name)
	}
	return names
}

// EventTypeOf returns the event type of that name, and whether there is one.
func EventTypeOf(name string) (EventType, bool) {
	for _, t := range taxonomy {
		if t.Name == name {
			return t, true
		}
	}
	return EventType{}, false
}
