package rightsfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/account"
)

// Another program exchanges a directory and a link to a secret one, while files are read
// through the name.
func TestAnExchangedLinkNeverShowsASecretFile(t *testing.T) {
	v, dir := view(t, account.ReadOnly, map[string]account.Rights{"/secret": 0}, "secret/f", "pub/swap/f")
	link, swap := filepath.Join(dir, "pub", "link"), filepath.Join(dir, "pub", "swap")
	if err := os.Symlink("../secret", link); err != nil {
		t.Fatal(err)
	}
	if err := unix.Renameat2(unix.AT_FDCWD, link, unix.AT_FDCWD, swap, unix.RENAME_EXCHANGE); err != nil {
		t.Skip("this file system cannot exchange names:", err)
	}
	fd, err := unix.Openat2(unix.AT_FDCWD, dir, &unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC})
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EPERM) {
		t.Skip("without openat2 links are followed")
	}
	if err == nil {
		_ = unix.Close(fd)
	}
	done, swapped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(swapped)
		for {
			select {
			case <-done:
				return
			default:
				_ = unix.Renameat2(unix.AT_FDCWD, link, unix.AT_FDCWD, swap, unix.RENAME_EXCHANGE)
			}
		}
	}()
	got := make(map[string]int)
	for range 20_000 {
		f, err := v.Open("/pub/swap/f")
		if err != nil {
			got["absent"]++
			continue
		}
		var b [64]byte
		n, _ := f.Read(b[:])
		_ = f.Close()
		got[string(b[:n])]++
	}
	close(done)
	<-swapped
	if got["secret/f"] > 0 || got["pub/swap/f"] == 0 {
		t.Errorf("got %v", got)
	}
}
