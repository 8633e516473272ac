//go:build !unix

package store

import "errors"

// ErrFollowed says that another process follows logs into the store.
var ErrFollowed = errors.New("logs are followed into it by another process")

// Own makes this process the only one that follows logs into the store at path. Here
// nothing tells of others.
func Own(string) (release func() error, err error) { return func() error { return nil }, nil }

// Follower returns the process that follows logs into the store at path. Here nothing tells.
func Follower(string) (pid string, err error) { return "", nil }
