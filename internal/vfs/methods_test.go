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

// method is one way to reach the disk by a name. The tables of hostile names run through all of them.
type method struct {
	name    string
	writes  bool // refused by a read-only view
	follows bool // acts on what a link in the last element leads to, rather than on the link
	// do tries the method with all its might and returns what it could read.
	do func(tree *vfs.Root, name string) (string, error)
}

// other is a second name for the methods that take two; it exists in the fixture.
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
		uid = 4242 // only root can give files away
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
				return "", errors.New("a link was followed")
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
			f, err := tree.CreateUpload(name, 0o600)
			if err != nil {
				return "", err
			}
			defer f.Close()
			_, err = f.WriteString("owned")
			return "", err
		}},
		{"CommitUpload of", true, false, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.CommitUpload(name, "fresh")
		}},
		{"CommitUpload to", true, false, func(tree *vfs.Root, name string) (string, error) {
			return "", tree.CommitUpload(other, name)
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

// checkShape checks what every error of a tree must be: about the client's name, and silent about the host. The
// errors of an open file are about the cleaned name.
func checkShape(t *testing.T, err error, name, host string) {
	t.Helper()
	var about []string
	switch e := err.(type) { //nolint:errorlint // the outermost type is the point
	case nil:
		return
	case *fs.PathError:
		about = []string{e.Path}
	case *os.LinkError:
		about = []string{e.Old, e.New}
	default:
		t.Errorf("got a %T (%v), want an *fs.PathError or *os.LinkError", err, err)
		return
	}
	cleaned, _ := vfs.Clean(name)
	if !slices.Contains(about, name) && !slices.Contains(about, cleaned) {
		t.Errorf("got an error about %q, want one about %q", about, name)
	}
	if strings.Contains(err.Error(), host) {
		t.Errorf("%v: tells the path on the host", err)
	}
}
