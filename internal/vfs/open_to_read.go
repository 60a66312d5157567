package vfs

import (
	"os"

	"github.com/spf13/afero"
)

// toReader is a file system for which it is cheaper to open a file if its content is then read from the beginning, as
// package s3fs has it. OpensToRead reports whether it is now. OpenToRead returns within half a minute.
type toReader interface {
	OpensToRead() bool
	OpenToRead(name string) (afero.File, error)
}

// OpensToRead reports whether OpenToRead is cheaper than Open for the file name of t.
func OpensToRead(t Tree, name string) bool {
	t, _ = Unjoined(t, name)
	_, _, ok := toReaderOf(t)
	return ok
}

// OpenToRead is Open for a caller that then reads the file from its beginning: a file system that is another machine may
// send both in one answer.
func OpenToRead(t Tree, name string) (afero.File, error) {
	below, belowName := Unjoined(t, name)
	a, files, ok := toReaderOf(below)
	if !ok {
		return t.Open(name)
	}
	full, err := a.fullName(belowName)
	if err != nil {
		return nil, a.pathError("open", name, err)
	}
	f, err := recoverPanic(func() (afero.File, error) { // without a goroutine of its own: it bounds its time by itself
		f, err := files.OpenToRead(full)
		if err != nil {
			return nil, err
		}
		return a.checked(f, full, os.O_RDONLY, 0)
	})
	if err != nil {
		return nil, a.pathError("open", name, err)
	}
	return f, nil
}

// toReaderOf returns the file system of a tree that shows all of it: others decide in Open what a client may see.
func toReaderOf(t Tree) (*adapter, toReader, bool) {
	a, ok := t.(*adapter)
	if !ok || !a.hasNoSpecialFiles() {
		return nil, nil, false
	}
	files, ok := a.fs.(toReader)
	return a, files, ok && files.OpensToRead()
}
