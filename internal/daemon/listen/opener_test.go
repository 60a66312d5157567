package listen

import (
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sluice/internal/config"
	"sluice/internal/nettest"
)

// openOne opens one listener, which the end of the test closes.
func openOne(t *testing.T, scheme, addr string) (net.Listener, error) {
	t.Helper()
	var o Opener
	t.Cleanup(o.Close)
	all, err := o.Open(t.Context(), scheme, addr)
	if err != nil {
		return nil, err
	}
	if len(all) != 1 {
		t.Fatalf("got %d listeners, want one", len(all))
	}
	return all[0], nil
}

func TestUnixSocketIsForUserAndGroupAndIsRemovedByClose(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("permissions are not like that there")
	}
	path := filepath.Join(nettest.TempDir(t), "s")
	ln, err := openOne(t, "http", "unix:"+path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := info.Mode(), fs.ModeSocket|0o660; got != want {
		t.Errorf("mode %v, want %v", got, want)
	}
	if err := ln.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Close: %v, want that it does not exist", err)
	}
}

func TestStaleUnixSocketIsReplaced(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a refusal looks like other errors there")
	}
	path := filepath.Join(nettest.TempDir(t), "s")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: path})
	if err != nil {
		t.Fatal(err)
	}
	dead.SetUnlinkOnClose(false) // as after a server was killed
	if err := dead.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openOne(t, "http", "unix:"+path); err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}

func TestOtherFilesAreNotReplaced(t *testing.T) {
	dir := nettest.TempDir(t)
	live, err := net.Listen("unix", filepath.Join(dir, "live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"live":   "is in use by another program",
		"file":   "is not a socket",
		"dir":    "is not a socket",
		"none/s": "the directory of " + filepath.Join(dir, "none", "s"),
	} {
		if runtime.GOOS == "windows" {
			want = "" // other errors
		}
		if _, err := openOne(t, "http", "unix:"+filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", name, err, want)
		}
	}
	if content, err := os.ReadFile(filepath.Join(dir, "file")); string(content) != "precious" {
		t.Errorf("the file has become %q, %v", content, err)
	}
	c, err := net.Dial("unix", filepath.Join(dir, "live"))
	if err != nil {
		t.Fatalf("the other program's socket: %v", err)
	}
	_ = c.Close()
}

func TestInvalidAddresses(t *testing.T) {
	for _, tt := range []struct{ name, scheme, addr, want string }{
		{"a unix socket without a path", "http", "unix:", "write it like unix:/run/sluice.sock"},
		{"FTP on a unix socket", "ftp", "unix:/run/x", "FTP needs an IP address"},
		{"no socket from systemd", "https", "systemd", "set FileDescriptorName=https"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := openOne(t, tt.scheme, tt.addr); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

func TestEmptyAddressOpensNothing(t *testing.T) {
	var o Opener
	if all, err := o.Open(t.Context(), "https", ""); len(all) != 0 || err != nil {
		t.Errorf("got %v, %v, want nothing", all, err)
	}
}

func TestSocketsShareAnAddress(t *testing.T) {
	const want = 3
	o := Opener{reusePort: want}
	defer o.Close()
	all, err := o.Open(t.Context(), "http", "127.0.0.1:0")
	if reusePortWorks := runtime.GOOS == "linux" || runtime.GOOS == "freebsd" || runtime.GOOS == "dragonfly"; !reusePortWorks {
		if !errors.As(err, new(config.UsageError)) {
			t.Errorf("error %v, want one of usage", err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != want {
		t.Fatalf("got %d listeners, want %d", len(all), want)
	}
	addr := all[0].Addr().String()
	for _, ln := range all {
		if got := ln.Addr().String(); got != addr {
			t.Errorf("got %s, want %s", got, addr)
		}
	}
	if _, err := openOne(t, "http", addr); err == nil {
		t.Error("a socket that does not share got the address too")
	}
}

func TestUnusedActivatedSocketIsAnError(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := Opener{activated: map[string][]net.Listener{"http": {ln}, "gopher": {ln}}}
	defer o.Close()
	if got, err := o.Open(t.Context(), "http", "systemd"); len(got) != 1 || err != nil {
		t.Errorf("got %v, %v, want the one of that name", got, err)
	}
	if err := o.CheckActivated(); err == nil || !strings.Contains(err.Error(), "named gopher, which is not used") {
		t.Errorf("error %v, want the name gopher", err)
	}
}
