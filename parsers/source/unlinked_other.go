//go:build !unix

package source

import "io/fs"

// unlinked tells whether no name leads to the file any more.
func unlinked(fs.FileInfo) bool { return false }
