package vfs

import (
	"errors"
	"io/fs"
	"testing"
)

// refusalError is an error as that of a file system which cannot do something.
type refusalError string

func (e refusalError) Error() string      { return "key secret: " + string(e) }
func (e refusalError) Refusal() string    { return string(e) }
func (refusalError) Is(target error) bool { return target == errors.ErrUnsupported }

func TestARefusalIsKnownToClients(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"that of a file", &fs.PathError{Op: "chmod", Path: "/f", Err: refusalError("no modes")}, "no modes"},
		{"another error", &fs.PathError{Op: "chmod", Path: "/f", Err: errors.ErrUnsupported}, ""},
		{"no error", nil, ""},
	} {
		if got := Refusal(tt.err); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
