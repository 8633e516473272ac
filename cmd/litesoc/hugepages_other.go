//go:build !linux

package main

// hugePages does nothing: there is no way to ask for them here.
func hugePages(int) {}
