package upload_test

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/spf13/afero"
	"golang.org/x/sys/unix"

	"sluice/internal/upload"
	"sluice/internal/vfs"
)

const accessList, defaultList = "system.posix_acl_access", "system.posix_acl_default"

// acl returns an access control list that lets the user 4321 read (acl(5), and posix_acl_xattr.h of the kernel).
func acl() []byte {
	b := binary.LittleEndian.AppendUint32(nil, 2)
	for _, e := range []struct {
		tag, perm uint16
		id        uint32
	}{{1, 6, ^uint32(0)}, {2, 4, 4321}, {4, 4, ^uint32(0)}, {16, 6, ^uint32(0)}, {32, 0, ^uint32(0)}} {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return b
}

// attribute returns an extended attribute of a file, or "-" if it has none.
func attribute(t *testing.T, name, attr string) string {
	t.Helper()
	b := make([]byte, 1000)
	n, err := unix.Getxattr(name, attr, b)
	if errors.Is(err, unix.ENODATA) {
		return "-"
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestAttributesAreKeptWhenAFileIsReplaced(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files of other users")
	}
	for _, tt := range []struct {
		name     string
		uid, gid int
		mode     fs.FileMode
		attrs    map[string]string
	}{
		{"owner, group and mode", 33, 34, 0o640, nil},
		{"a mode that forbids others, and its owner, to write", 33, 34, 0o440, nil},
		{"an access control list", 33, 34, 0o660, map[string]string{accessList: string(acl())}},
		{"user attributes", 0, 0, 0o644, map[string]string{"user.checksum": "abc", "user.empty": ""}},
		{"no access control list, in a directory with a default one", 33, 34, 0o640, map[string]string{accessList: "-"}},
	} {
		for _, wrap := range []string{"vfs.Root", "BasePathFs over OsFs"} {
			t.Run(tt.name+"/"+wrap, func(t *testing.T) {
				dir := t.TempDir()
				file := filepath.Join(dir, "f")
				err := errors.Join(os.WriteFile(file, []byte("old"), 0o600), os.Chown(file, tt.uid, tt.gid), os.Chmod(file, tt.mode))
				for attr, value := range tt.attrs {
					if value != "-" {
						err = errors.Join(err, unix.Setxattr(file, attr, []byte(value), 0))
					} else {
						err = errors.Join(err, unix.Setxattr(dir, defaultList, acl(), 0))
					}
				}
				if errors.Is(err, unix.ENOTSUP) {
					t.Skip("the file system has no such attributes")
				}
				if err != nil {
					t.Fatal(err)
				}
				root, err := vfs.Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer root.Close()
				tree := vfs.Tree(root.Writable())
				if wrap != "vfs.Root" {
					tree = vfs.Of(afero.NewBasePathFs(afero.NewOsFs(), dir))
				}
				var s upload.Store
				u, err := s.Create(target(tree))
				if errors.Is(err, fs.ErrPermission) { // an adapter checks the mode, and root may write anyway
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				if _, err := u.Commit(write(t, u, "new"), nil); err != nil {
					t.Fatal(err)
				}
				info, err := os.Stat(file)
				if err != nil {
					t.Fatal(err)
				}
				st := info.Sys().(*syscall.Stat_t)
				if int(st.Uid) != tt.uid || int(st.Gid) != tt.gid || info.Mode() != tt.mode || info.Size() != 3 {
					t.Errorf("the file is %d:%d %v, want %d:%d %v", st.Uid, st.Gid, info.Mode(), tt.uid, tt.gid, tt.mode)
				}
				for attr, want := range tt.attrs {
					if got := attribute(t, file, attr); got != want {
						t.Errorf("%s is %q, want %q", attr, got, want)
					}
				}
			})
		}
	}
}
