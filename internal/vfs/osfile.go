package vfs

import (
	"io"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/spf13/afero"
)

// OSFile returns the *os.File that f is, or that f wraps without a change of the content: f may be a *afero.BasePathFile,
// a file of an afero.FromIOFS, or any type with a method OSFile() *os.File. (afero.ReadOnlyFs and afero.CopyOnWriteFs
// return the files of the file systems below them; the files of an afero.RegexpFs are not recognized.)
//
// If the method Stat of such a type does not describe that *os.File, but another file of the same size, such as an object
// of a store of which there is a copy on the disk, then a [Tree] that opens it for reading returns a file with that description,
// of which OSFile returns the content.
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

// described is an *os.File of which Stat describes another file of the same content.
type described struct {
	*os.File
	name string
	info fs.FileInfo
}

func (d *described) OSFile() *os.File           { return d.File }
func (d *described) Name() string               { return d.name }
func (d *described) Stat() (fs.FileInfo, error) { return d.info, nil }

// describe returns osFile, which is the OSFile of f and was opened as full; with the description of f if that is another
// one.
func describe(f afero.File, osFile *os.File, osInfo fs.FileInfo, full string) afero.File {
	for {
		wrapper, ok := f.(*afero.BasePathFile)
		if !ok {
			break
		}
		f = wrapper.File
	}
	if _, ok := f.(interface{ OSFile() *os.File }); !ok {
		return osFile
	}
	info, err := f.Stat()
	if err != nil || os.SameFile(info, osInfo) || info.Size() != osInfo.Size() || !info.Mode().IsRegular() {
		return osFile
	}
	return &described{osFile, strings.TrimPrefix(full, "/"), snapshot(info, full)}
}

// Content returns the *os.File that has the content of f, a file of a [Tree], or f.
func Content(f io.ReaderAt) io.ReaderAt {
	if d, ok := f.(*described); ok {
		return d.File
	}
	return f
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
