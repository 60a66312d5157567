package ftpd_test

import (
	"os"
	"testing"

	"sluice/ftpd"
)

// A file of /proc has size 0 whatever it has. A transfer without content would be wrong.
func TestRetrOfAFileWithoutASizeSendsAllOfIt(t *testing.T) {
	want, err := os.ReadFile("/proc/sys/kernel/ostype")
	if err != nil {
		t.Fatal(err)
	}
	root, err := ftpd.Dir("/proc/sys/kernel")
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := startAs(t, func(a *access) { a.root = root }, nil)
	c := s.guest()
	for _, m := range []mode{pasv, port} {
		if got := c.get(m, "RETR ostype"); got != string(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	c.want(350, "REST 2")
	c.want(227, "PASV")
	c.want(550, "RETR ostype")
}
