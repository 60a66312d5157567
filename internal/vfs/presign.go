package vfs

import (
	"errors"
	"io/fs"
	"time"
)

// Presign returns a URL from which everybody who knows it can get the file name of t, with the given method, for as long as
// life. info is what Stat or an open file has returned, and header has fields that are to be sent with the file.
//
// The file system of t makes the URL: it has a method Presign with these arguments, but t. Otherwise the error is
// [errors.ErrUnsupported]. The caller has checked that the client may read the file.
func Presign(t Tree, method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error) {
	a, name, ok := adapterAt(t, name)
	if !ok {
		return "", errors.ErrUnsupported
	}
	signer, ok := a.fs.(interface {
		Presign(method, name string, info fs.FileInfo, life time.Duration, header map[string]string) (string, error)
	})
	if !ok {
		return "", errors.ErrUnsupported
	}
	return query(a, "presign", name, func(full string) (string, error) {
		return signer.Presign(method, full, info, life, header)
	})
}
