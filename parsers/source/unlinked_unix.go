//go:build unix

package source

import (
	"io/fs"
	"syscall"
)

// unlinked tells whether no name leads to the file any more.
func unlinked(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 0
}
