package vfs

import (
	"os"
	"reflect"

	"github.com/spf13/afero"
)

// OSFile returns the file of the operating system that f is, or that a wrapper which changes nothing of its bytes
// hides: a *afero.BasePathFile, the file of an afero.FromIOFS, and whatever says so by a method OSFile() *os.File.
// (afero.ReadOnlyFs and afero.CopyOnWriteFs hand out the files of what is below them; an afero.RegexpFs hides them.)
//
// The caller closes that file in place of f. A wrapper that must see Close, Read or Write has no such method. No
// other method is taken for a hint: a struct that embeds an *os.File to encrypt or count still has its SyscallConn.
func OSFile(f afero.File) (*os.File, bool) {
	for {
		switch w := f.(type) {
		case nil:
			return nil, false
		case *os.File:
			return w, w != nil
		case *afero.BasePathFile:
			f = w.File
		case interface{ OSFile() *os.File }:
			osFile := w.OSFile()
			return osFile, osFile != nil
		default:
			osFile, ok := ofIOFS(f).(*os.File)
			return osFile, ok && osFile != nil
		}
	}
}

// ofIOFS returns the fs.File below the file of an afero.FromIOFS, whose type afero does not export; nil if f is no
// such file.
func ofIOFS(f afero.File) any {
	v := reflect.ValueOf(f)
	if t := v.Type(); t.Kind() != reflect.Struct || t.Name() != "fromIOFSFile" || t.PkgPath() != "github.com/spf13/afero" {
		return nil
	}
	return v.FieldByName("File").Interface()
}
