//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// sparseFile is a file that has the pattern in some ranges and is a hole elsewhere.
type sparseFile struct {
	size   int64
	ranges []int64 // offsets of the ranges
}

// sparseRange is the length of each range.
const sparseRange = 64 << 10

func (f sparseFile) create(t *testing.T, name string) {
	t.Helper()
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Truncate(f.size); err != nil {
		t.Fatal(err)
	}
	content := make([]byte, sparseRange)
	for _, off := range f.ranges {
		nettest.PatternAt(content, off)
		if _, err := file.WriteAt(content, off); err != nil {
			t.Fatal(err)
		}
	}
}

// check checks a file that was created like this, after an upload of n bytes of the
// pattern at the offset begin. It compares the ranges, both ends of the upload, and some
// places between them.
func (f sparseFile) check(t *testing.T, name string, begin, n int64) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() != f.size {
		t.Fatalf("%v, %v, want %d bytes", info, err, f.size)
	}
	written := func(off int64) bool { // by create or by the upload
		if off >= begin && off < begin+n {
			return true
		}
		for _, r := range f.ranges {
			if off >= r && off < r+sparseRange {
				return true
			}
		}
		return false
	}
	got, want := make([]byte, 2*sparseRange), make([]byte, 2*sparseRange)
	for _, at := range append(f.ranges, begin, begin+n, begin/2, (begin+n+f.size)/2, f.size-sparseRange) {
		at = max(0, min(at-sparseRange/2, f.size-int64(len(got))))
		if _, err := file.ReadAt(got, at); err != nil {
			t.Fatal(err)
		}
		nettest.PatternAt(want, at)
		for i := range want {
			if !written(at + int64(i)) {
				want[i] = 0
			}
		}
		if !bytes.Equal(got, want) {
			t.Errorf("the file has other content from %d to %d", at, at+int64(len(got)))
		}
	}
}

// writeInTheMiddle uploads n bytes of the pattern to the offset begin of an existing file.
// It returns the times from STOR to reply 150 and to reply 226.
func (c *ftpClient) writeInTheMiddle(t *testing.T, name string, begin, n int64) (opened, done time.Duration) {
	t.Helper()
	data, err := c.passive(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	c.must(t, 350, fmt.Sprint("REST ", begin))
	sent := time.Now()
	c.must(t, 150, "STOR "+name)
	opened = time.Since(sent)
	if err := sendPattern(data, begin, begin+n); err != nil {
		t.Fatal(err)
	}
	_ = data.Close()
	_ = c.conn.SetDeadline(time.Now().Add(10 * patience)) // copying a large file takes long
	if _, err := c.expect(226); err != nil {
		t.Fatal(err)
	}
	return opened, time.Since(sent)
}

// maxReplyTime is the longest time to reply 150, on a busy machine too.
const maxReplyTime = time.Second

// The server copies the old file while it receives the upload. In this test each step of
// the copy takes longer than the client may wait for reply 150.
func TestRESTInTheMiddleIsAnsweredBeforeTheCopyIsDone(t *testing.T) {
	const size, begin, n = 40 << 20, 20<<20 + 1, 100_001
	needs(t, "strace")
	slow := []string{"strace", "-D", "-f", "-o", "/dev/null", "-e", "trace=copy_file_range", "-e", "inject=copy_file_range:delay_enter=1200ms"}
	s := startUnder(t, slow, t.TempDir(), "--user", login, "--write")
	file := sparseFile{size, []int64{0, begin - sparseRange, begin, begin + n, size - sparseRange}}
	file.create(t, s.path("f"))
	opened, done := s.loginAs(user).writeInTheMiddle(t, "f", begin, n)
	file.check(t, s.path("f"), begin, n)
	if opened >= maxReplyTime || done < 2*maxReplyTime {
		t.Errorf("reply 150 after %v, and 226 after %v: want less than %v, and more than %v", opened, done, maxReplyTime, 2*maxReplyTime)
	}
	t.Logf("reply 150 after %v, 226 after %v", opened, done)
}

// On a file system with reflinks the server clones the old file, which then need not fit on
// the disk twice.
func TestRESTInTheMiddleClonesTheFile(t *testing.T) {
	const size, begin, n = 4400 << 20, 2200<<20 + 1, 100_001
	for _, kind := range []string{"xfs", "btrfs"} {
		t.Run(kind, func(t *testing.T) {
			s := startUnder(t, nil, newDisk(t, kind).dir, "--user", login, "--write")
			file := sparseFile{size, []int64{0, begin - sparseRange, begin, begin + n, size - sparseRange}}
			file.create(t, s.path("f"))
			opened, done := s.loginAs(user).writeInTheMiddle(t, "f", begin, n)
			file.check(t, s.path("f"), begin, n)
			if opened >= maxReplyTime {
				t.Errorf("reply 150 after %v", opened)
			}
			t.Logf("reply 150 after %v, 226 after %v", opened, done)
		})
	}
}

// On other file systems the copy takes time and space, in "make torture" of 4.4 GiB.
func TestRESTInTheMiddleOfALargeFile(t *testing.T) {
	size := int64(200 << 20)
	if times(0) > 0 {
		size = 4400 << 20
	}
	begin, n := size/2+1, int64(10_000_001)
	s := startWritable(t)
	file := sparseFile{size, []int64{0, begin - sparseRange, begin, begin + n, size - sparseRange}}
	file.create(t, s.path("f"))
	for range 2 { // the second copies a file that the first has written
		opened, done := s.loginAs(user).writeInTheMiddle(t, "f", begin, n)
		file.check(t, s.path("f"), begin, n)
		if opened >= maxReplyTime {
			t.Errorf("reply 150 after %v", opened)
		}
		var room syscall.Stat_t
		if err := syscall.Stat(s.path("f"), &room); err != nil {
			t.Fatal(err)
		}
		t.Logf("reply 150 after %v, 226 after %v; %d MiB on the disk", opened, done, room.Blocks>>11)
	}
	if left := partsIn(t, s.dir); len(left) > 0 {
		t.Errorf("%s are left", filepath.Base(left[0]))
	}
}
