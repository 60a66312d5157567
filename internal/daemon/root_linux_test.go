package daemon

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/mounts"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// readsFile returns an error if a byte of the file cannot be read.
func readsFile(fsys afero.Fs, name string) error {
	f, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.ReadAt(make([]byte, 1), 0)
	return err
}

// A tree on a FUSE file system whose server was killed is served again when the file system is mounted again, without a
// restart: the tree itself, and the home of guests in it.
func TestAMountThatComesBackIsServedAgain(t *testing.T) {
	dir := nettest.TempDir(t)
	point := filepath.Join(dir, "mnt")
	all := t // a mount stays until the end of it
	mount := nettest.MountFUSE(all, point)
	for _, tt := range []struct {
		name, root, home string
	}{
		{"as the directory that is served", point, ""},
		{"as the home of guests", dir, "mnt"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var log strings.Builder
			d := &daemon{conf: config.Config{Root: tt.root, Anonymous: true}, logger: slog.New(slog.NewTextHandler(&log, nil))}
			d.current.Store(&d.conf)
			d.users = &account.Users{}
			if err := d.users.SetAnonymous(account.Account{Name: account.Anonymous, Home: tt.home, Rights: account.ReadOnly}); err != nil {
				t.Fatal(err)
			}
			root, err := openDirectory(tt.root)
			if err != nil {
				t.Fatal(err)
			}
			d.root = root
			tick := func() { d.root.update(d.logger); d.updatePages() }
			tick()
			defer d.pages.close()
			served := func() afero.Fs { return d.pages.current().FS }
			if err := readsFile(served(), "/file"); err != nil {
				t.Fatal(err)
			}
			mount.Kill()
			tick()
			if err := readsFile(served(), "/file"); err == nil {
				t.Fatal("the file system works without its server")
			}
			if isAll := tt.home == ""; isAll && !strings.Contains(log.String(), "or is mounted again") {
				t.Errorf("the log does not say what to do:\n%s", log.String())
			}
			mount.Unmount()
			mount = nettest.MountFUSE(all, point)
			tick()
			if err := readsFile(served(), "/file"); err != nil {
				t.Errorf("after it was mounted again: %v; log:\n%s", err, log.String())
			}
			before := d.pages.current()
			tick()
			if d.pages.current() != before {
				t.Error("the Handler is replaced although nothing has changed")
			}
		})
	}
}

// Calls that still hang say nothing about the directory.
func TestAMountThatIsBusyIsNoNewDirectory(t *testing.T) {
	point := filepath.Join(nettest.TempDir(t), "mnt")
	nettest.MountFUSE(t, point)
	root, err := openDirectory(point)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(root.close)
	before := root.tree()
	m := vfs.MountOf(before, "/")
	for range mounts.Limit {
		m.EnterLater()
		defer m.Leave()
	}
	if root.update(slog.New(slog.DiscardHandler)) != nil || root.tree() != before {
		t.Error("another directory is served")
	}
}
