package vfs_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/vfs"
)

// method is one method of Root that takes a name. Tests run every method with every hostile name.
type method struct {
	name    string
	writes  bool // a read-only view refuses it
	follows bool // acts on the target of a link in the last element, rather than on the link
	// do calls the method, reads and writes as much as it allows, and returns the text that it has read.
	do func(tree *vfs.Root, name string) (string, error)
}

// other is the second name for methods that take two. It exists in the fixture.
const other = "spare"

func methods() []method {
	writeWith := func(flag int) func(*vfs.Root, string) (string, error) {
		return func(tree *vfs.Root, name string) (string, error) { return "", put(tree, name, flag, "owned") }
	}
	description := func(fi fs.FileInfo, err error) (string, error) {
		if err != nil {
			return "", err
		}
		return fi.Name() + " " + fi.ModTime().String(), nil
	}
	then := time.Unix(1e9, 0)
	uid := os.Getuid()
	if uid == 0 {
		uid = 4242 // only root can change the owner of files
	}
	return []method{
		{"File", false, true, content},
		{"Open", false, true, func(tree *vfs.Root, name string) (string, error) {
			f, err := tree.Open(name)
			if err != nil {
				return "", err
			}
			defer f.Close()
			names, _ := f.Readdirnames(-1)
			b, _ := io.ReadAll(f)
			return strings.Join(names, " ") + string(b), nil
		}},
		{"File to write", true, true, writeWith(os.O_WRONLY)},
		{"File to append", true, true, writeWith(os.O_WRONLY | os.O_APPEND)},
		{"File to truncate", true, true, writeWith(os.O_RDWR | os.O_TRUNC)},
		{"File to create or write", true, true, writeWith(os.O_WRONLY | os.O_CREATE)},
		{"File to create anew", true, false, writeWith(os.O_WRONLY | os.O_CREATE | os.O_EXCL)},
		{"OpenFile to create", true, true, func(tree *vfs.Root, name string) (string, error) {
			f, err := tree.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
			if err != nil {
				return "", err
			}
			defer f.Close()
			b, _ := io.ReadAll(f)
			_, err = f.WriteString("owned")
			return string(b), err
		}},
		{"Create", true, true, func(tree *vfs.Root, name string) (string, error) {
			f, err := tree.Create(name)
			if err != nil {
				return "", err
			}
			defer f.Close()
			_, err = f.WriteString("owned")
			return "", err
		}},
		{"Stat", false, true, func(tree *vfs.Root, name string) (string, error) { return description(tree.Stat(name)) }},
		{"Lstat", false, false, func(tree *vfs.Root, name string) (string, error) { return description(tree.Lstat(name)) }},
		{"LstatIfPossible", false, false, func(tree *vfs.Root, name string) (string, error) {
			fi, possible, err := tree.LstatIfPossible(name)
			if err == nil && !possible {
				return "", errors.New("the link was followed")
			}
			return description(fi, err)
		}},
		{"ReadDir", false, true, func(tree *vfs.Root, name string) (string, error) {
			infos, err := tree.ReadDir(name)
			var names []string
			for _, fi := range infos {
				names = append(names, fi.Name())
			}
			return strings.Join(names, " "), err
		}},
		{"Entry", false, false, func(tree *vfs.Root, name string) (string, error) {
			fi, err := tree.Entry(name)
			if err != nil {
				return "", err
			}
			return described(fi), nil
		}},
		{"Entries", false, true, func(tree *vfs.Root, name string) (string, error) {
			infos, err := tree.Entries(name)
			var all []string
			for _, fi := range infos {
				all = append(all, described(fi))
			}
			return strings.Join(all, " "), err
		}},
		{"Walk", false, true, func(tree *vfs.Root, name string) (string, error) {
			var paths []string
			err := tree.Walk(name, func(path string, _ fs.FileInfo, _ error) error {
				paths = append(paths, path)
				return nil
			})
			return strings.Join(paths, " "), err
		}},
		{"Mkdir", true, false, func(tree *vfs.Root, name string) (string, error) { return "", tree.Mkdir(name, 0o755) }},
		{"MkdirAll", true, true, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.MkdirAll(name, 0o755)
		}},
		{"Remove", true, false, func(tree *vfs.Root, name string) (string, error) { return "", tree.Remove(name) }},
		{"RemoveDir", true, false, func(tree *vfs.Root, name string) (string, error) { return "", tree.RemoveDir(name) }},
		{"RemoveAll", true, false, func(tree *vfs.Root, name string) (string, error) { return "", tree.RemoveAll(name) }},
		{"Rename from", true, false, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.Rename(name, "fresh")
		}},
		{"Rename to", true, false, func(tree *vfs.Root, name string) (string, error) { return "", tree.Rename(other, name) }},
		{"CreateUpload", true, false, func(tree *vfs.Root, name string) (string, error) {
			f, err := tree.CreateUpload(name, "fresh", 0o600)
			if err != nil {
				return "", err
			}
			defer f.Close()
			_, err = f.WriteString("owned")
			return "", err
		}},
		{"CommitUpload of", true, false, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.CommitUpload(name, "fresh", 0)
		}},
		{"CommitUpload to", true, false, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.CommitUpload(other, name, 0)
		}},
		{"AbortUpload", true, false, func(tree *vfs.Root, name string) (string, error) { return "", tree.AbortUpload(name) }},
		{"Symlink", true, false, func(tree *vfs.Root, name string) (string, error) { return "", tree.Symlink(other, name) }},
		{"Chmod", true, true, func(tree *vfs.Root, name string) (string, error) { return "", tree.Chmod(name, 0o750) }},
		{"Chown", true, true, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.Chown(name, uid, -1)
		}},
		{"Chtimes", true, true, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.Chtimes(name, then, then)
		}},
	}
}

// checkError checks the type of an error of a tree, and that it has the client's name (errors of an open file: the
// cleaned name) and no path of the host.
func checkError(t *testing.T, err error, name, host string) {
	t.Helper()
	var names []string
	switch e := err.(type) { //nolint:errorlint // the outermost type is the point
	case nil:
		return
	case *fs.PathError:
		names = []string{e.Path}
	case *os.LinkError:
		names = []string{e.Old, e.New}
	default:
		t.Errorf("got a %T (%v), want an *fs.PathError or *os.LinkError", err, err)
		return
	}
	cleaned, _ := vfs.Clean(name)
	if !slices.Contains(names, name) && !slices.Contains(names, cleaned) {
		t.Errorf("the error names %q, want %q", names, name)
	}
	if strings.Contains(err.Error(), host) {
		t.Errorf("%v: shows the path on the host", err)
	}
}
