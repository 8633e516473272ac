package detect

// All returns the detectors, each with its settings at their defaults. A site's own
// values are put into their Flags before they go into a Pipeline.
func All() []*Detector {
	return []*Detector{
		KeyInvalid(),
		BruteForceIP(),
		Enumeration(),
		SequentialIDs(),
		RateLimit(),
	}
}
