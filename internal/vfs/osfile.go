package vfs

import (
	"os"
	"reflect"

	"github.com/spf13/afero"
)

// OSFile returns the *os.File that f is, or that f wraps without a change of the content: f may be a *afero.BasePathFile,
// a file of an afero.FromIOFS, or any type with a method OSFile() *os.File. (afero.ReadOnlyFs and afero.CopyOnWriteFs
// return the files of the file systems below them; the files of an afero.RegexpFs are not recognized.)
//
// The caller closes the returned file instead of f. A wrapper that needs calls of Close, Read or Write must not have a
// method OSFile. Other methods, such as SyscallConn, are no evidence: a struct that embeds an *os.File to encrypt or
// count has them all.
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

// ofIOFS returns the fs.File inside a file of an afero.FromIOFS, whose type afero does not export, or nil for other
// files.
func ofIOFS(f afero.File) any {
	v := reflect.ValueOf(f)
	if t := v.Type(); t.Kind() != reflect.Struct || t.Name() != "fromIOFSFile" || t.PkgPath() != "github.com/spf13/afero" {
		return nil
	}
	return v.FieldByName("File").Interface()
}
