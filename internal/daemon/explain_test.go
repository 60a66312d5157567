package daemon

import (
	"io/fs"
	"syscall"
	"testing"
)

func TestExplainRootSaysWhatToDo(t *testing.T) {
	for _, tt := range []struct {
		name string
		err  error
		want string
	}{
		{"missing", syscall.ENOENT, "dir does not exist; name the directory to serve: sluice serve DIR"},
		{"not a directory", syscall.ENOTDIR, "dir is not a directory; name the directory to serve: sluice serve DIR"},
		{"not to be read", syscall.EACCES, "dir may not be read by this user; give it the right to read and enter the directory, or serve another"},
		{"a broken disk", syscall.EIO, "open dir: input/output error; name the directory to serve: sluice serve DIR"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := explainRoot("dir", "sluice serve DIR", &fs.PathError{Op: "open", Path: "dir", Err: tt.err}).Error(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}
