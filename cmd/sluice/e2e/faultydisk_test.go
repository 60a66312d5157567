//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/nettest"
)

// faultyDisk is the FUSE file system of testdata/faulty, whose calls fail as a test
// plans.
type faultyDisk struct {
	t     *testing.T
	dir   string    // the mount point, which the server uses
	under string    // the directory with the content of the disk
	in    io.Writer // commands to faulty.py
	out   *bufio.Reader
}

// newFaultyDisk starts faulty.py with these options and waits until it has mounted the
// file system. The end of the test unmounts it.
func newFaultyDisk(t *testing.T, options ...string) *faultyDisk {
	t.Helper()
	needsRoot(t)
	d := &faultyDisk{t: t, dir: t.TempDir(), under: t.TempDir()}
	// Not the first python3 in PATH: this one has the packages of Debian.
	cmd := exec.Command("/usr/bin/python3", append([]string{"testdata/faulty/faulty.py", d.under, d.dir}, options...)...)
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	in, out := startWithPipes(t, cmd)
	d.in, d.out = in, bufio.NewReader(out)
	mounted := d.answer() == "mounted"
	t.Cleanup(func() {
		if mounted {
			if out, err := exec.Command("umount", d.dir).CombinedOutput(); err != nil {
				t.Errorf("umount: %v\n%s", err, out)
			}
		}
		if err := cmd.Wait(); err != nil || trouble.Len() > 0 {
			t.Errorf("the file system: %v\n%s", err, trouble.String())
		}
	})
	if !mounted {
		t.Fatal("no FUSE file system; it needs python3-fusepy and /dev/fuse")
	}
	return d
}

func (d *faultyDisk) answer() string {
	line, _ := d.out.ReadString('\n')
	return strings.TrimSpace(line)
}

// serve is startForTwo for the disk. The log may have errors of the disk.
func (d *faultyDisk) serve(flags ...string) *server {
	d.t.Helper()
	s := startForTwo(d.t, d.dir, flags...)
	s.expected = "the disk has failed"
	return s
}

// plan sets the calls that fail from now on, in the syntax of faulty.py.
func (d *faultyDisk) plan(format string, args ...any) {
	d.t.Helper()
	fmt.Fprintf(d.in, format+"\n", args...)
	if got := d.answer(); got != "ready" {
		d.t.Fatalf("faulty.py answers %q", got)
	}
}

// hits returns how many calls have failed since the last plan.
func (d *faultyDisk) hits() int {
	d.t.Helper()
	fmt.Fprintln(d.in, "hits")
	n, err := strconv.Atoi(d.answer())
	if err != nil {
		d.t.Fatal(err)
	}
	return n
}

// file makes a file of the pattern, without faults.
func (d *faultyDisk) file(name string, size int64) {
	d.t.Helper()
	d.plan("none")
	writePattern(d.t, filepath.Join(d.dir, name), size) // not in d.under, because the kernel caches what is in d.dir
}

// holds checks that the disk has a file with the first size bytes of the pattern.
func (d *faultyDisk) holds(name string, size int64) {
	d.t.Helper()
	wantPattern(d.t, filepath.Join(d.under, name), 0, size)
}

// holdsNo checks that no name on the disk contains name.
func (d *faultyDisk) holdsNo(name string) {
	d.t.Helper()
	if found, err := filepath.Glob(filepath.Join(d.under, "*"+name+"*")); len(found) > 0 || err != nil {
		d.t.Errorf("the disk has %q, %v", found, err)
	}
	if found, err := filepath.Glob(filepath.Join(d.under, ".*"+name+"*")); len(found) > 0 || err != nil {
		d.t.Errorf("the disk has %q, %v", found, err)
	}
}

// Sizes of old files and of uploads. FUSE writes at most 128 KiB at once.
const (
	faultOld  = 300_001
	faultSize = 1_500_003
)

// faultStep returns the distance between the calls that fail, one in each try: in "make
// torture" each call fails, otherwise every fourth.
func faultStep() (step int) {
	if times(0) > 0 {
		return 1
	}
	return 4
}

// A failed write gets 451, leaves no partial file, and the upload can be resumed at the
// size that SIZE returns. The kernel may split a write in two; if only one of these
// fails, the server sees a short write, continues, and may succeed. Then the file must be
// right.
func TestAFailedWriteIsReportedAndTheKeptPartIsRight(t *testing.T) {
	for _, failing := range []int{1, 1000} {
		t.Run(fmt.Sprint(failing, " in a row"), func(t *testing.T) {
			d := newFaultyDisk(t)
			s := d.serve()
			c := s.loginAs(user)
			failed, tried := 0, 0
			for n := 1; ; n += faultStep() {
				name := fmt.Sprintf("new%d.bin", n)
				d.plan("write %d %d", n, failing)
				reply := c.put(t, "STOR "+name, 0, faultSize)
				if d.hits() == 0 {
					break
				}
				tried++
				d.plan("none")
				off := int64(0)
				if !strings.HasPrefix(reply, "226") || failing > 1 {
					failed++
					if !strings.HasPrefix(reply, "451 ") {
						t.Errorf("write %d fails: %q, want 451", n, reply)
					}
					s.wantNoFile(c, name)
					s.loginAs(otherUser).wantSize(t, 0, name)
					off = sizeOf(t, c, name)
					if off > 0 {
						c.must(t, 350, fmt.Sprint("REST ", off))
					}
					c.wantPut(t, 226, "STOR "+name, off, faultSize)
				}
				d.holds(name, faultSize)

				d.file("over", faultOld)
				d.plan("write %d %d", n, failing)
				if reply := c.put(t, "STOR over", 0, faultSize); strings.HasPrefix(reply, "226") && failing == 1 {
					d.holds("over", faultSize)
				} else {
					failed++
					d.holds("over", faultOld)
				}
				d.plan("none")
				c.wantPut(t, 226, "STOR over", 0, faultSize)
				d.holds("over", faultSize)
			}
			if failed < tried/2 || failed == 0 {
				t.Errorf("only %d uploads failed", failed)
			}
			t.Logf("%d uploads, %d failed", 2*tried, failed)
		})
	}
}

// sizeOf returns the size that SIZE reports, or 0 if the reply is 550.
func sizeOf(t *testing.T, c *ftpClient, name string) (n int64) {
	t.Helper()
	reply := c.replyTo(t, "SIZE "+name)
	if _, err := fmt.Sscanf(reply, "213 %d", &n); err != nil && !strings.HasPrefix(reply, "550 ") {
		t.Errorf("SIZE %s: %q", name, reply)
	}
	return n
}

// If the disk has lost bytes of an upload, nothing of it is kept, because the disk
// reports the loss only once.
func TestAnUploadLostByTheDiskIsNotKept(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve()
	c := s.loginAs(user)
	d.file("over", faultOld)
	tried := 0
	for n := 1; ; n += faultStep() {
		d.plan("lose %d", n)
		reply := c.put(t, "STOR new.bin", 0, faultSize)
		if d.hits() == 0 {
			if !strings.HasPrefix(reply, "226") {
				t.Errorf("STOR without a fault: %q", reply)
			}
			break
		}
		tried++
		if !strings.HasPrefix(reply, "451 ") || strings.Contains(reply, "kept") {
			t.Errorf("write %d is lost: %q, want 451 and nothing about a kept part", n, reply)
		}
		s.wantNoFile(c, "new.bin")
		c.wantSize(t, 0, "new.bin")
		d.holdsNo("new.bin")

		d.plan("lose %d", n)
		reply = c.put(t, "STOR over", 0, faultSize)
		d.holdsNo("sluice-part")
		if d.hits() == 0 { // this upload took fewer writes
			d.file("over", faultOld)
			continue
		}
		if !strings.HasPrefix(reply, "451 ") {
			t.Errorf("write %d over a file is lost: %q, want 451", n, reply)
		}
		d.holds("over", faultOld)
	}
	d.plan("none")
	c.wantPut(t, 226, "STOR new.bin", 0, faultSize)
	d.holds("new.bin", faultSize)
	t.Logf("%d writes were lost, twice each", tried)
}

// A broken upload is kept only if its bytes are on the disk.
func TestABrokenUploadLostByTheDiskIsNotKept(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve()
	for range times(2) {
		c := s.loginAs(user)
		d.plan("lose 2")
		data := c.begin(t, "STOR new.bin", 0, faultSize)
		awaitPartOf(t, d.under, faultSize)
		nettest.Reset(t, data)
		if reply, err := c.expect(426); err != nil || strings.Contains(reply, "kept") {
			t.Errorf("%q, %v", reply, err)
		}
		c.wantSize(t, 0, "new.bin")
		d.holdsNo("new.bin")
	}
	d.plan("none")
	c := s.loginAs(user)
	nettest.Reset(t, c.begin(t, "STOR new.bin", 0, faultSize))
	if _, err := c.expect(426); err != nil {
		t.Error(err)
	}
	c.wantPut(t, 226, "APPE new.bin", sizeOf(t, c, "new.bin"), faultSize)
	d.holds("new.bin", faultSize)
}

// A failed write in an APPE leaves a prefix of what was sent; a failed fsync leaves the
// old file.
func TestAFailedAppendLeavesTheOldFileOrAPrefix(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve()
	c := s.loginAs(user)
	tried := 0
	for n := 1; ; n += faultStep() {
		d.file("log", faultOld)
		d.plan("write %d 1000", n)
		reply := c.put(t, "APPE log", faultOld, faultSize)
		if d.hits() == 0 {
			break
		}
		tried++
		d.plan("none")
		if !strings.HasPrefix(reply, "451 ") {
			t.Errorf("write %d fails: %q, want 451", n, reply)
		}
		off := sizeOf(t, c, "log")
		if off < faultOld || off >= faultSize {
			t.Errorf("write %d fails: SIZE %d", n, off)
		}
		d.holds("log", off)
		c.wantPut(t, 226, "APPE log", off, faultSize)
		d.holds("log", faultSize)

		d.file("log", faultOld)
		d.plan("lose %d", n)
		c.wantPut(t, 451, "APPE log", faultOld, faultSize)
		d.holds("log", faultOld)
		c.wantPut(t, 226, "APPE log", faultOld, faultSize)
		d.holds("log", faultSize)
	}
	if tried == 0 {
		t.Error("no write has failed")
	}
	t.Logf("%d writes failed, and as many were lost", tried)
}

// If an append cannot be undone, the reply says that the end of the file is in doubt.
func TestAnAppendThatCannotBeTakenBackIsInDoubt(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve("--ftp-overwrite", "in-place="+otherUser)
	for _, tt := range []struct{ name, plan, user, line string }{
		{"APPE, if the second fsync fails too", "fsync 1 2", user, "APPE log"},
		{"STOR in place, if the first one fails", "fsync 1 1", otherUser, "STOR log"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d.file("log", faultOld)
			c := s.loginAs(tt.user)
			d.plan(tt.plan)
			if reply := c.wantPut(t, 451, tt.line, 0, faultSize); !strings.Contains(reply, "in doubt") {
				t.Errorf("reply %q", reply)
			}
			c.must(t, 200, "NOOP")
		})
	}
}

// A client that has broken off an append gets the same reply.
func TestABrokenAppendThatCannotBeTakenBackIsInDoubt(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve()
	for _, end := range []string{"reset", "ABOR"} {
		t.Run(end, func(t *testing.T) {
			d.file("log", faultOld)
			c := s.loginAs(user)
			d.plan("fsync 1 2")
			data := c.begin(t, "APPE log", faultOld, faultSize)
			eventually(t, "a part of the append has arrived", func() bool {
				info, err := os.Stat(filepath.Join(d.under, "log"))
				return err == nil && info.Size() > faultOld
			})
			if end == "reset" {
				nettest.Reset(t, data)
			} else if err := c.send("ABOR"); err != nil {
				t.Fatal(err)
			}
			if reply, err := c.expect(426); err != nil || !strings.Contains(reply, "in doubt") {
				t.Errorf("%q, %v", reply, err)
			}
		})
	}
}

// A failed upload in place leaves what it has written.
func TestAFailedWriteInPlaceLeavesAPrefix(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve("--ftp-overwrite", "in-place")
	c := s.loginAs(user)
	for n := 1; n < 10; n += faultStep() {
		d.file("f", faultOld)
		d.plan("write %d 1000", n)
		c.wantPut(t, 451, "STOR f", 0, faultSize)
		off := sizeOf(t, c, "f")
		d.holds("f", off)
		if off >= faultSize {
			t.Errorf("SIZE %d", off)
		}
		d.plan("none")
		c.must(t, 350, fmt.Sprint("REST ", off))
		c.wantPut(t, 226, "STOR f", off, faultSize)
		d.holds("f", faultSize)
	}
}

// A broken append is kept only if its bytes are on the disk: after the next append, fsync
// would report the loss, but not of which append.
func TestABrokenAppendLostByTheDiskIsNotKept(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve()
	for range times(2) {
		d.file("log", faultOld)
		c := s.loginAs(user)
		d.plan("lose 2")
		data := c.begin(t, "APPE log", faultOld, faultSize-100_000)
		eventually(t, "a write is lost", func() bool { return d.hits() > 0 })
		nettest.Reset(t, data)
		if _, err := c.expect(426); err != nil {
			t.Error(err)
		}
		for range 3 { // a client resumes until it succeeds
			off := sizeOf(t, c, "log")
			if reply := c.put(t, "APPE log", off, faultSize); strings.HasPrefix(reply, "226") {
				break
			}
		}
		d.holds("log", faultSize)
	}
}

// If a directory cannot be synced after a rename, the change stays, and the reply says
// that it may be lost.
func TestAnUnsyncedNameIsReported(t *testing.T) {
	d := newFaultyDisk(t)
	s := d.serve()
	c := s.loginAs(user)
	const unsure = "may not survive a crash"
	for i := range times(1) {
		name := fmt.Sprintf("new%d.bin", i)
		d.plan("fsyncdir 1")
		if reply := c.wantPut(t, 451, "STOR "+name, 0, faultSize); !strings.Contains(reply, unsure) {
			t.Errorf("STOR: %q", reply)
		}
		d.holds(name, faultSize)
		d.plan("fsyncdir 1")
		if reply := c.wantPut(t, 451, "STOR "+name, 0, faultOld); !strings.Contains(reply, unsure) {
			t.Errorf("STOR over a file: %q", reply)
		}
		d.holds(name, faultOld)
		d.plan("fsyncdir 1")
		if reply := c.replyTo(t, fmt.Sprint("MKD d", i)); !strings.HasPrefix(reply, "451 ") || !strings.Contains(reply, unsure) {
			t.Errorf("MKD: %q", reply)
		}
		d.plan("fsyncdir 2") // the second of two, because the names are in different directories
		c.must(t, 350, "RNFR "+name)
		if reply := c.replyTo(t, fmt.Sprintf("RNTO d%d/moved", i)); !strings.HasPrefix(reply, "451 ") || !strings.Contains(reply, unsure) {
			t.Errorf("RNTO: %q", reply)
		}
		d.holds(fmt.Sprintf("d%d/moved", i), faultOld)
		d.plan("none")
		c.wantPut(t, 226, "STOR "+name, 0, faultSize)
		d.holds(name, faultSize)
	}
}

// A file system that cannot sync directories is no failure, but the server warns at its
// start. If a FUSE file system lacks the call, Linux reports success, so the server cannot
// see it.
func TestAFileSystemThatCannotSyncDirectories(t *testing.T) {
	const warning = "the file system cannot sync directories"
	strace := []string{"strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=ENOSYS"}
	for _, tt := range []struct {
		name    string
		dir     func(t *testing.T) string
		wrapper []string
		warns   bool
	}{
		{"EINVAL", func(t *testing.T) string { return newFaultyDisk(t, "fsyncdir=EINVAL").dir }, nil, true},
		{"ENOTSUP", func(t *testing.T) string { return newFaultyDisk(t, "fsyncdir=ENOTSUP").dir }, nil, true},
		{"ENOSYS, which the kernel hides", func(t *testing.T) string { return newFaultyDisk(t, "fsyncdir=none").dir }, nil, false},
		{"ENOSYS, also for files", func(t *testing.T) string { return t.TempDir() }, strace, true},
		{"success", func(t *testing.T) string { return newFaultyDisk(t).dir }, nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			needs(t, "strace")
			s := startUnder(t, tt.wrapper, tt.dir(t), "--user", login, "--write")
			c := s.loginAs(user)
			c.wantPut(t, 226, "STOR f", 0, faultSize)
			c.wantPut(t, 226, "STOR f", 0, faultOld)
			c.wantPut(t, 226, "APPE f", faultOld, faultSize)
			c.must(t, 257, "MKD d")
			c.must(t, 350, "RNFR f")
			c.must(t, 250, "RNTO d/f")
			c.must(t, 250, "DELE d/f")
			c.must(t, 250, "RMD d")
			if got := strings.Contains(s.log.String(), warning); got != tt.warns {
				t.Errorf("the server has warned: %v, want %v; log:\n%s", got, tt.warns, s.log)
			}
		})
	}
}
