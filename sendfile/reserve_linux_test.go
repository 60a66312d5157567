package sendfile_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
	"sluice/sendfile"
)

// blocks returns how many bytes f occupies on the disk.
func blocks(t *testing.T, f *os.File) int64 {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Blocks * 512
}

func TestReceiveReservesSpaceAndReleasesTheUnusedPart(t *testing.T) {
	const announced, sent = 8 << 20, 100_000
	probe := target(t, 0)
	if err := unix.Fallocate(int(probe.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, announced); err != nil || blocks(t, probe) < announced {
		t.Skip("this file system reserves nothing:", err)
	}
	f := target(t, 1000)
	server, client := nettest.Pair(t)
	feed(client, sent, func() { _ = client.CloseWrite() })
	var during int64
	_, err := sendfile.Receive(t.Context(), f, server, 1000, announced, &sendfile.Options{
		Chunk:    4096,
		Progress: func(sendfile.Result) { during = blocks(t, f) },
	})
	if err == nil {
		t.Fatal("no error from a peer that ended early")
	}
	if during < announced {
		t.Errorf("%d bytes were reserved, want %d or more", during, announced)
	}
	if after := blocks(t, f); after > 2*sent {
		t.Errorf("%d bytes are still reserved for %d", after, sent)
	}
	if sumAt(t, f, 1000, sent) != nettest.PatternSum(0, sent) {
		t.Error("the file has other content")
	}
}

func TestReceiveKeepsTheEndOfALongerFile(t *testing.T) {
	const size, n = 4 << 20, 2 << 20
	f := nettest.PatternFile(t, size)
	server, client := nettest.Pair(t)
	feed(client, n/2, func() { _ = client.CloseWrite() }) // ends early
	if _, err := sendfile.Receive(t.Context(), f, server, 0, n, nil); err == nil {
		t.Fatal("no error from a peer that ended early")
	}
	if sumAt(t, f, n/2, size-n/2) != nettest.PatternSum(n/2, size-n/2) {
		t.Error("the end of the file has changed")
	}
}

func TestReceiveReportsAFullDiskBeforeItReads(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "small")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skip("this user may not mount a small disk:", err)
	}
	defer func() { _ = unix.Unmount(dir, 0) }()
	f, err := os.Create(filepath.Join(dir, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	server, _ := nettest.Pair(t) // the peer sends nothing, so Receive must fail before it reads
	res, err := sendfile.Receive(t.Context(), f, server, 0, 8<<20, &sendfile.Options{Timeout: testTimeout})
	if !errors.Is(err, syscall.ENOSPC) || sideOf(t, err) != sendfile.File || res.Sent != 0 {
		t.Errorf("Receive = %+v, %v, want %v from the file", res, err, syscall.ENOSPC)
	}
}
