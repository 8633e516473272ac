package detect

// An Action is what a rule proposes to do about its alerts. It is only ever proposed: a
// response plan is written for people to review, and nothing is carried out.
type Action string

// The actions.
const (
	BlockAddress   Action = "block_ip"         // refuse the source address at the edge
	BlockActor     Action = "block_actor"      // refuse the actor, whatever its address
	RevokeKey      Action = "revoke_key"       // withdraw the API key
	RevokeTokens   Action = "revoke_tokens"    // end the sessions and tokens of the actor
	ResetPassword  Action = "reset_password"   // make the account choose a new password
	FreezeAccount  Action = "freeze_account"   // suspend the account until it is understood
	OpenIncident   Action = "open_incident"    // write it down as an incident
	NotifySecurity Action = "notify_security"  // tell the security team
	Escalate       Action = "escalate_on_call" // wake who is on call
)

// Actions returns all actions, in the order of a plan: what stops an attack first.
func Actions() []Action {
	return []Action{BlockAddress, BlockActor, RevokeKey, RevokeTokens, ResetPassword, FreezeAccount, OpenIncident, NotifySecurity, Escalate}
}
