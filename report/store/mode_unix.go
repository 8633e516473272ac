//go:build unix

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
)

// restrictUmask keeps every file this process makes to its owner.
func restrictUmask() { syscall.Umask(0o077) }

// Writable says what keeps this process from writing to the store at path, which need not
// be there, and to its folder, where DuckDB puts files beside it.
func Writable(path string) error {
	const write, search = 2, 1
	if err := syscall.Access(path, write); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("database %q cannot be written to: %w", path, err)
	}
	dir := filepath.Dir(path)
	if err := syscall.Access(dir, write|search); err != nil {
		return fmt.Errorf("database %q: its folder %q cannot be written to: %w", path, dir, err)
	}
	return nil
}
