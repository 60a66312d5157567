//go:build e2e

package e2e

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// After clients have crashed or disconnected during transfers, the server must keep no
// descriptor, waiting thread, memory or partial file of them.
func TestClientsThatLeaveMidTransferLeaveNothing(t *testing.T) {
	const size, each = 32 << 20, 12
	s := startWritable(t, "--ftp-keep-partials", "0")
	s.file("f", size)
	s.openPassivePorts()
	before := s.usage()

	var leave []func()
	for i := range each {
		for _, d := range append(s.downloadAll("f"), s.downloadAll("f")...) {
			if i%2 == 0 {
				leave = append(leave, func() { d.reset(t) })
			} else {
				leave = append(leave, d.close)
			}
		}
		u := s.beginUpload(fmt.Sprintf("up%d", i))
		leave = append(leave, func() { u.reset(t) })
	}
	if during := s.usage(); during.files < before.files+len(leave) {
		t.Fatalf("%d descriptors with %d clients, %d without: not all transfers are in progress",
			during.files, len(leave), before.files)
	}
	for _, f := range leave {
		f()
	}

	eventually(t, "all descriptors are closed", func() bool { return s.usage().files <= before.files })
	after := s.usage()
	if after.threads > before.threads+32 {
		t.Errorf("%d threads, before %d: one for each client", after.threads, before.threads)
	}
	if after.kilobytes > before.kilobytes+64<<10 {
		t.Errorf("%d KiB of memory, before %d", after.kilobytes, before.kilobytes)
	}
	cut := s.log.await(len(leave), logDelay, func(line string) bool {
		return strings.Contains(line, " level=INFO ") && strings.Contains(line, " err=")
	})
	if len(cut) != len(leave) {
		t.Errorf("%d transfers logged with an error, want %d; log:\n%s", len(cut), len(leave), s.log)
	}
	if entries, err := os.ReadDir(s.dir); len(entries) != 1 || err != nil {
		t.Errorf("the directory has %v, %v, want only f", entries, err)
	}
	for _, d := range s.downloadAll("f") {
		if err := d.finish(t, size); err != nil {
			t.Error(err)
		}
	}
}

// openPassivePorts makes the server open as many passive ports as it keeps in its pool,
// so that they are in the count of descriptors before a test. Each client connects to
// its port, because the server closes unused ones.
func (s *server) openPassivePorts() {
	s.t.Helper()
	for range 20 {
		c, err := dialFTP(s.t.Context(), s.ftp.Host, "", "")
		if err != nil {
			s.t.Fatal(err)
		}
		defer c.conn.Close()
		data, err := c.passive(s.t.Context())
		if err != nil {
			s.t.Fatal(err)
		}
		defer data.Close()
	}
}

// usage counts the resources of the program.
type usage struct{ files, threads, kilobytes int }

func (s *server) usage() (u usage) {
	s.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", s.process.Pid)
	files, err := os.ReadDir(proc + "fd")
	if err != nil {
		s.t.Fatal(err)
	}
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		s.t.Fatal(err)
	}
	u.files = len(files)
	for line := range strings.Lines(string(status)) {
		_, _ = fmt.Sscanf(line, "Threads: %d", &u.threads)
		_, _ = fmt.Sscanf(line, "VmRSS: %d kB", &u.kilobytes)
	}
	if u.threads == 0 || u.kilobytes == 0 {
		s.t.Fatalf("no threads or no memory in %q", status)
	}
	return u
}
