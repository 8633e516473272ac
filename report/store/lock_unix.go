//go:build unix

package store

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// ErrFollowed says that another process follows logs into the store.
var ErrFollowed = errors.New("logs are followed into it by another process")

// Own makes this process the only one that follows logs into the store at path, until
// release is called or the process ends in whatever way.
func Own(path string) (release func() error, err error) {
	if path == Memory {
		return func() error { return nil }, nil
	}
	if err := Writable(path); err != nil {
		return nil, err
	}
	restrictUmask()
	file, err := lock(path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(file.Truncate(0), func() error { _, err := fmt.Fprintln(file, os.Getpid()); return err }()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error { return errors.Join(os.Remove(file.Name()), file.Close()) }, nil
}

// lock opens and locks the file that says who follows logs into the store at path.
func lock(path string) (*os.File, error) {
	for range 100 {
		file, err := os.OpenFile(path+".tail", os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
			text, _ := os.ReadFile(file.Name()) // it only tells who
			file.Close()
			if !errors.Is(err, syscall.EWOULDBLOCK) {
				return nil, fmt.Errorf("%s: %w", file.Name(), err)
			}
			return nil, fmt.Errorf("database %q: %w (PID %s)", path, ErrFollowed, strings.TrimSpace(string(text)))
		}
		locked, err := file.Stat()
		if err != nil {
			return nil, errors.Join(err, file.Close())
		}
		if found, err := os.Stat(file.Name()); err == nil && os.SameFile(locked, found) {
			return file, nil
		}
		file.Close() // whoever owned it has removed it since it was opened: it keeps nobody out
	}
	return nil, fmt.Errorf("%s.tail: others remove it time and again", path)
}

// Follower returns the process that follows logs into the store at path, as it has told; ""
// if none does.
func Follower(path string) (pid string, err error) {
	file, err := os.Open(path + ".tail")
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer file.Close()
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
	if !errors.Is(err, syscall.EWOULDBLOCK) {
		return "", err
	}
	text, err := io.ReadAll(io.LimitReader(file, 32))
	return strings.TrimSpace(string(text)), err
}
