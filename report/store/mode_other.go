//go:build !unix

package store

// restrictUmask does nothing where files have no mode.
func restrictUmask() {}

// Writable says nothing where files have no mode.
func Writable(string) error { return nil }
