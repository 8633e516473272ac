//go:build unix

package store

import "syscall"

// restrictUmask keeps every file this process makes to its owner.
func restrictUmask() { syscall.Umask(0o077) }
