//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// smallDisk mounts an ext4 of 20 MiB.
func smallDisk(t *testing.T) *diskImage {
	t.Helper()
	return newDiskOf(t, "ext4", 20<<20)
}

// Sizes of files for smallDisk. tooLarge never fits; one file of another size fits next to
// those that the tests have there.
const (
	tooLarge  = 40 << 20
	fullOld   = 3 << 20
	fullSmall = 1 << 20
)

// fill uploads files until not even one of a block fits.
func fill(t *testing.T, c *ftpClient) {
	t.Helper()
	for _, size := range []int64{fullSmall, 64 << 10, 4 << 10} {
		for i := 0; ; i++ {
			reply := c.put(t, fmt.Sprintf("STOR fill-%d-%d", size, i), 0, size)
			if !strings.HasPrefix(reply, "226") {
				if !strings.HasPrefix(reply, "452 ") {
					t.Fatalf("reply %q, want 452", reply)
				}
				break
			}
		}
	}
}

// An upload to a full disk gets 452. The old file stays, no partial file is left, and
// removing a file makes room.
func TestAFullDiskIsReportedAndLeavesNoPartialFile(t *testing.T) {
	d := smallDisk(t)
	s := startForTwo(t, d.dir)
	c := s.loginAs(user)
	for range times(2) {
		c.wantPut(t, 226, "STOR old", 0, fullOld)
		c.wantPut(t, 226, "STOR ballast", 0, fullOld)

		if reply := c.wantPut(t, 452, "STOR zzz.bin", 0, tooLarge); strings.Contains(reply, "kept") {
			t.Errorf("reply %q", reply)
		}
		s.wantNoFile(c, "zzz.bin")
		c.wantSize(t, 0, "zzz.bin")
		c.wantPut(t, 452, "STOR old", 0, tooLarge)
		wantPattern(t, s.path("old"), 0, fullOld)
		if left := partsIn(t, d.dir); len(left) > 0 {
			t.Errorf("the disk has %q", left)
		}
		c.wantPut(t, 226, "STOR new", 0, fullSmall) // failed uploads take no room

		fill(t, c)
		c.wantPut(t, 452, "STOR new", 0, fullSmall+1)
		wantPattern(t, s.path("new"), 0, fullSmall)
		c.must(t, 250, "DELE ballast")
		c.wantPut(t, 226, "STOR new", 0, fullSmall+1)
		wantPattern(t, s.path("new"), 0, fullSmall+1)
		wantPattern(t, s.path("old"), 0, fullOld)

		filled, err := filepath.Glob(filepath.Join(d.dir, "fill-*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(filled, "new", "old") {
			c.must(t, 250, "DELE "+filepath.Base(name))
		}
	}
}

// An append that fills the disk keeps the part that fits, and the client can append the
// rest later.
func TestAnAppendToAFullDiskKeepsWhatFits(t *testing.T) {
	d := smallDisk(t)
	s := startForTwo(t, d.dir)
	c := s.loginAs(user)
	for range times(2) {
		c.wantPut(t, 226, "STOR ballast", 0, fullOld)
		c.wantPut(t, 226, "STOR log", 0, fullOld)
		c.wantPut(t, 452, "APPE log", fullOld, tooLarge)
		n := sizeOf(t, c, "log")
		if n < fullOld || n >= tooLarge {
			t.Errorf("SIZE %d", n)
		}
		wantPattern(t, s.path("log"), 0, n)
		c.must(t, 250, "DELE ballast")
		c.wantPut(t, 226, "APPE log", n, n+fullSmall)
		wantPattern(t, s.path("log"), 0, n+fullSmall)
		c.must(t, 250, "DELE log")
	}
}

// An upload in place that fills the disk keeps the part that fits, and the client can
// resume it.
func TestAnUploadInPlaceToAFullDiskKeepsWhatFits(t *testing.T) {
	d := smallDisk(t)
	s := startForTwo(t, d.dir, "--ftp-overwrite", "in-place")
	c := s.loginAs(user)
	for range times(2) {
		c.wantPut(t, 226, "STOR ballast", 0, fullOld)
		c.wantPut(t, 226, "STOR f", fullOld, 2*fullOld) // content that differs from that of the next upload
		c.wantPut(t, 452, "STOR f", 0, tooLarge)
		n := sizeOf(t, c, "f")
		if n < fullOld || n >= tooLarge {
			t.Errorf("SIZE %d", n)
		}
		wantPattern(t, s.path("f"), 0, n)
		c.must(t, 250, "DELE ballast")
		c.must(t, 350, fmt.Sprint("REST ", n))
		c.wantPut(t, 226, "STOR f", n, n+fullSmall)
		wantPattern(t, s.path("f"), 0, n+fullSmall)
		c.must(t, 250, "DELE f")
	}
}

// An upload in place needs no room for a second copy.
func TestAFileThatFillsMostOfTheDiskIsOverwrittenInPlace(t *testing.T) {
	const size = 10 << 20
	d := smallDisk(t)
	s := startForTwo(t, d.dir, "--ftp-overwrite", "in-place="+otherUser)
	c, other := s.loginAs(user), s.loginAs(otherUser)
	c.wantPut(t, 226, "STOR f", 0, size)
	c.wantPut(t, 452, "STOR f", 0, size+1)
	wantPattern(t, s.path("f"), 0, size)
	other.wantPut(t, 226, "STOR f", 0, size+1)
	wantPattern(t, s.path("f"), 0, size+1)
}

// Clients report a failure, whether or not they read the reply.
func TestARealClientSeesThatADiskIsFull(t *testing.T) {
	d := smallDisk(t)
	s := startForTwo(t, d.dir)
	s.loginAs(user).wantPut(t, 226, "STOR up", 0, fullOld)
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "up"), tooLarge)
	if out, status := try(t, dir, "curl", "-sS", "-u", login, "-T", "up", s.urlOf("ftp", "up")); status == 0 {
		t.Errorf("curl succeeded; output: %q", out)
	}
	s.wantLogged("op=STOR", "path=/up")
	wantPattern(t, s.path("up"), 0, fullOld)

	// After a failed upload rclone deletes the file, even if it is the old one.
	if out, status := s.rclone(dir, "", "copyto", "up", "remote:new"); status == 0 || !strings.Contains(out, "452") {
		t.Errorf("rclone: status %d\n%s", status, out)
	}
	if left := contents(t, d.dir); len(left) != 3 { // up, the directory itself and lost+found
		t.Errorf("the disk has %v", left)
	}
}
