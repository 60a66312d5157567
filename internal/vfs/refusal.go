package vfs

import "errors"

// Refusal returns why a file system cannot do something, if clients may know it; else "". Such an error has in its tree one
// with the method Refusal, as those of package s3fs have. The text of any other error may name hosts and paths.
func Refusal(err error) string {
	var refusal interface {
		error
		Refusal() string
	}
	if errors.As(err, &refusal) {
		return refusal.Refusal()
	}
	return ""
}
