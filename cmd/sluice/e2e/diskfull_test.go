//go:build e2e

package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// smallDisk returns a mounted ext4 of 20 MB.
func smallDisk(t *testing.T) *diskImage {
	t.Helper()
	return newDiskOf(t, "ext4", 20<<20)
}

// Sizes on a disk of 20 MB, which has room for tooLarge in no case, and for one of the
// others beside what is there.
const (
	tooLarge  = 40 << 20
	fullOld   = 3 << 20
	fullSmall = 1 << 20
)

// fill uploads files that stay until there is no room for another one of a block.
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

// A full disk is told, the file of that name stays as it was, nothing half is left, and
// what is removed makes room.
func TestAFullDiskIsToldAndLeavesNothingHalf(t *testing.T) {
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
		c.wantPut(t, 226, "STOR new", 0, fullSmall) // what has failed takes no room

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

// What is added to a file on a disk that gets full stays as far as there is room, and the
// rest can follow.
func TestAnAppendToAFullDiskStaysAsFarAsThereIsRoom(t *testing.T) {
	d := smallDisk(t)
	s := startForTwo(t, d.dir)
	c := s.loginAs(user)
	for range times(2) {
		c.wantPut(t, 226, "STOR ballast", 0, fullOld)
		c.wantPut(t, 226, "STOR log", 0, fullOld)
		c.wantPut(t, 452, "APPE log", fullOld, tooLarge)
		n := sizeTold(t, c, "log")
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

// An upload in place that finds the disk full has overwritten the file as far as there was
// room, and can go on.
func TestAnUploadInPlaceToAFullDiskLeavesWhatThereWasRoomFor(t *testing.T) {
	d := smallDisk(t)
	s := startForTwo(t, d.dir, "--ftp-overwrite", "in-place")
	c := s.loginAs(user)
	for range times(2) {
		c.wantPut(t, 226, "STOR ballast", 0, fullOld)
		c.wantPut(t, 226, "STOR f", fullOld, 2*fullOld) // other content than that of the prefix
		c.wantPut(t, 452, "STOR f", 0, tooLarge)
		n := sizeTold(t, c, "f")
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

// In place there need not be room for a second copy.
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

// Clients take it for a failure, whether or not they read the reply.
func TestARealClientSeesThatADiskIsFull(t *testing.T) {
	d := smallDisk(t)
	s := startForTwo(t, d.dir)
	s.loginAs(user).wantPut(t, 226, "STOR up", 0, fullOld)
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "up"), tooLarge)
	if out, status := try(t, dir, "curl", "-sS", "-u", login, "-T", "up", s.urlOf("ftp", "up")); status == 0 {
		t.Errorf("curl says nothing but %q", out)
	}
	s.wantLogged("op=STOR", "path=/up")
	wantPattern(t, s.path("up"), 0, fullOld)

	// rclone deletes what it could not upload, be that the old file.
	if out, status := s.rclone(dir, "", "copyto", "up", "remote:new"); status == 0 || !strings.Contains(out, "452") {
		t.Errorf("rclone: status %d\n%s", status, out)
	}
	if left := contents(t, d.dir); len(left) != 3 { // with the directory and lost+found
		t.Errorf("the disk has %v", left)
	}
}
