//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// A disk that hangs delays only requests of its own files. When it answers again, its
// clients get whole files, and no descriptor and no thread is left.
func TestADiskThatHangsDelaysNoOtherRequest(t *testing.T) {
	const clients = 20
	eachDriver(t, func(t *testing.T, d driver) {
		dir := t.TempDir()
		s := d.serve(t, dir)
		s.makeProbeFiles()
		if err := os.Mkdir(s.path("slow"), 0o755); err != nil {
			t.Fatal(err)
		}
		disk := mountDisk(t, s.path("slow"))
		quiet := d.serveQuiet(t)
		for _, kind := range nettest.FUSEKinds { // Go keeps the threads of calls that have hung
			s.hangClients(t, disk, kind, "first", clients)(t)
		}
		for _, kind := range nettest.FUSEKinds {
			t.Run(kind, func(t *testing.T) {
				before := s.held()
				finish := s.hangClients(t, disk, kind, "second", clients)
				p, ofQuiet := s.probe(t, quiet, time.Second)
				if disk.Hung() == 0 {
					t.Error("no call hangs at the end")
				}
				finish(t)
				p.wantFast(t, probeLimits{300 * time.Millisecond, 500 * time.Millisecond}, ofQuiet)
				s.wantHeld(t, before)
			})
		}
	})
}

// mountDisk mounts a file system that can hang.
func mountDisk(t *testing.T, dir string) *nettest.FUSE {
	t.Helper()
	needsRoot(t)
	if _, err := os.Stat("/dev/fuse"); err != nil {
		t.Fatal(err)
	}
	return nettest.MountFUSE(t, dir)
}

// cacheHalf brings the bytes of a file before nettest.FUSEHalf into the page cache. It uses plain system calls, because the
// poller of Go would ask the file system about the file.
func cacheHalf(t *testing.T, name string) {
	t.Helper()
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	buf := make([]byte, 64<<10)
	for off := int64(0); off < nettest.FUSEHalf; off += int64(len(buf)) {
		if n, err := syscall.Pread(fd, buf, off); n != len(buf) {
			t.Fatal(n, err)
		}
	}
}

// hangClients starts clients that request files of the disk, and waits until calls hang.
// The function that it returns releases the disk and waits for the clients.
func (s *server) hangClients(t *testing.T, disk *nettest.FUSE, kind, round string, clients int) (finish func(*testing.T)) {
	t.Helper()
	name := func(i int) string { return fmt.Sprintf("%s-%s-%d", kind, round, i) }
	if kind == "half" {
		for i := range clients {
			cacheHalf(t, s.path("slow/"+name(i)))
		}
	}
	disk.Hang()
	var waiting sync.WaitGroup
	results := make([]stuckResult, clients)
	for i := range clients {
		c := request(t, s, get("slow/"+name(i)))
		waiting.Go(func() {
			results[i] = readStuck(c)
			_ = c.conn.Close()
		})
	}
	eventually(t, "a call hangs", func() bool { return disk.Hung() > 0 })
	return func(t *testing.T) {
		t.Helper()
		disk.Answer()
		waiting.Wait()
		whole := 0
		for i, r := range results {
			if r.err != nil {
				t.Errorf("%s: %v", name(i), r.err)
			}
			if r.whole {
				whole++
			}
		}
		if whole == 0 {
			t.Errorf("%s: no client got a whole file", kind)
		}
		if whole < clients {
			t.Logf("%s: %d of %d clients got a whole file", kind, whole, clients)
		}
	}
}

// stuckResult says what a client got. A connection that ended before its length, and a
// refusal, are no errors.
type stuckResult struct {
	whole bool
	err   error
}

// readStuck reads an answer.
func readStuck(c *requester) stuckResult {
	resp, err := http.ReadResponse(c.in, nil)
	switch {
	case err == io.ErrUnexpectedEOF, err == io.EOF:
		return stuckResult{} // cut
	case err != nil:
		return stuckResult{err: err}
	}
	body, err := io.ReadAll(resp.Body)
	switch {
	case resp.StatusCode == http.StatusServiceUnavailable && err == nil:
		return stuckResult{}
	case resp.StatusCode != http.StatusOK:
		return stuckResult{err: fmt.Errorf("%s, %d bytes, %w", resp.Status, len(body), err)}
	}
	want := make([]byte, len(body))
	nettest.PatternAt(want, 0)
	switch {
	case !bytes.Equal(body, want):
		return stuckResult{err: fmt.Errorf("%d wrong bytes", len(body))}
	case err == nil && len(body) != nettest.FUSESize:
		return stuckResult{err: fmt.Errorf("%d bytes, and no error", len(body))}
	}
	return stuckResult{whole: err == nil}
}
