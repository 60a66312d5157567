package metrics

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// utmpLayoutHere returns the size of the C library's struct utmp on this machine.
func utmpLayoutHere() int {
	if runtime.GOARCH == "amd64" || runtime.GOARCH == "386" {
		return 384
	}
	return 400
}

// record returns a struct utmp.
func (l utmpLayout) record(kind uint16, u User) []byte {
	b := make([]byte, l.size)
	binary.NativeEndian.PutUint16(b, kind)
	binary.NativeEndian.PutUint32(b[utmpPID:], uint32(u.PID))
	copy(b[utmpLine:], u.Terminal)
	copy(b[utmpUser:], u.Name)
	copy(b[utmpHost:], u.Host)
	if l.wide {
		binary.NativeEndian.PutUint64(b[l.seconds:], uint64(u.Since.Unix()))
		binary.NativeEndian.PutUint32(b[l.seconds+8:], uint32(u.Since.Nanosecond()/1000))
		return b
	}
	binary.NativeEndian.PutUint32(b[l.seconds:], uint32(u.Since.Unix()))
	binary.NativeEndian.PutUint32(b[l.seconds+4:], uint32(u.Since.Nanosecond()/1000))
	return b
}

var loggedIn = []User{
	{Name: "alice", Terminal: "pts/3", Host: "192.0.2.7", Since: time.Unix(1_700_000_000, 250_000_000), PID: 4711},
	{Name: "a-name-of-thirty-two-bytes-in-all", Terminal: "tty1", Since: time.Unix(1_700_000_100, 0), PID: 4712},
	{Name: "bob", Terminal: ":0", Host: ":0", Since: time.Unix(1_700_000_200, 0), PID: 4713},
}

// hostWithUtmp returns a host with a record of the users in loggedIn, and of other
// events.
func hostWithUtmp(t *testing.T, l utmpLayout) Host {
	t.Helper()
	const boot, dead = 2, 8
	loggedIn[1].Name = loggedIn[1].Name[:32]
	content := append(l.record(boot, User{Name: "reboot", Terminal: "~"}), l.record(utmpUserType, loggedIn[0])...)
	content = append(content, l.record(dead, User{Terminal: "pts/4", PID: 9})...)
	content = append(content, l.record(utmpUserType, loggedIn[1])...)
	content = append(content, l.record(utmpUserType, loggedIn[2])...)
	h := Host{Proc: nettest.TempDir(t)}
	dir := filepath.Join(h.Proc, "1/root/run")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "utmp"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestUsersOfBothLayouts(t *testing.T) {
	for _, layout := range utmpLayouts {
		users, err := hostWithUtmp(t, layout).Users()
		if err != nil || len(users) != len(loggedIn) {
			t.Fatalf("%d bytes each: got %+v and %v, want %+v", layout.size, users, err, loggedIn)
		}
		for i, u := range users {
			if u != loggedIn[i] {
				t.Errorf("%d bytes each: got %+v, want %+v", layout.size, u, loggedIn[i])
			}
		}
	}
}

func TestWithoutARecordOfLoginsUsersAreUnsupported(t *testing.T) {
	h := Host{Proc: nettest.TempDir(t)}
	if users, err := h.Users(); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("no file: got %v and %v, want errors.ErrUnsupported", users, err)
	}
	h = hostWithUtmp(t, utmpLayouts[0])
	name := filepath.Join(h.Proc, "1/root/run/utmp")
	if err := os.Truncate(name, 0); err != nil {
		t.Fatal(err)
	}
	if users, err := h.Users(); err != nil || len(users) != 0 {
		t.Errorf("an empty file: got %v and %v, want no users", users, err)
	}
	if err := os.WriteFile(name, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if users, err := h.Users(); !errors.Is(err, errMalformed) {
		t.Errorf("another file: got %v and %v, want an error", users, err)
	}
}
