package detect

// All returns the detectors, each with its settings at their defaults. A site's own
// values are put into their Flags before they go into a Pipeline.
func All() []*Detector {
	return []*Detector{
		KeyInvalid(),
		KeyRate(),
		KeyGeo(),
		KeyRoutes(),
		BruteForceIP(),
		BruteForceAccount(),
		CredentialStuffing(),
		PasswordSpray(),
		DistributedBruteForce(),
		LoginFlood(),
		NewDevice(),
		Enumeration(),
		MaskedEnumeration(),
		SequentialIDs(),
		DistributedIDs(),
		ObjectSweep(),
		Undocumented(),
		SlowScan(),
		Coordinated(),
		CrossTenant(),
		DeniedAccess(),
		DeniedPermission(),
		RoleTampering(),
		AdminProbe(),
		SSRF(),
		Probe(),
		Scraping(),
		PageWalk(),
		ByteVolume(),
		MassDeletion(),
		TokenSpread(),
		ImpossibleTravel(),
		TokenResumed(),
		RefreshAbuse(),
		SuspiciousNetwork(),
		RateLimit(),
	}
}
