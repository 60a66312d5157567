//go:build e2e

package e2e

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// stuckDisk is a FUSE file system whose calls hang from hang to release. It has a file of
// the pattern of stuckSize bytes for each name KIND-ANYTHING, and KIND says which calls:
//
//	lookup  those that look the name up
//	open    those that open the file
//	stat    those that ask for its size and times
//	read    those that read it
//	half    those that read it from stuckFrom on; see cacheHalf
//
// It speaks to the kernel itself, because a library may serve one call at a time.
type stuckDisk struct {
	dir    string
	device *os.File
	hung   atomic.Int64 // calls that hang now

	mu       sync.Mutex        // guards the fields below
	names    map[uint64]string // by node
	nodes    map[string]uint64
	released chan struct{} // closed while no call hangs
}

const (
	stuckSize = 2 << 20
	stuckFrom = 1 << 20
)

// Numbers of calls and flags in linux/fuse.h.
const (
	fuseLookup      = 1
	fuseForget      = 2
	fuseGetattr     = 3
	fuseOpen        = 14
	fuseRead        = 15
	fuseStatfs      = 17
	fuseRelease     = 18
	fuseFlush       = 25
	fuseInit        = 26
	fuseOpendir     = 27
	fuseReaddir     = 28
	fuseReleasedir  = 29
	fuseAccess      = 34
	fuseInterrupt   = 36
	fuseDestroy     = 38
	fuseBatchForget = 42

	fuseAsyncRead      = 1 << 0
	fuseParallelDirops = 1 << 18
	fuseKeepCache      = 1 << 1 // of fuseOpen: the pages stay in the cache

	fuseRoot = 1 // the node of the mount point
)

// newStuckDisk mounts the file system at dir. Nothing hangs yet. The end of the test
// unmounts it, and every call that hangs then fails.
func newStuckDisk(t *testing.T, dir string) *stuckDisk {
	t.Helper()
	needsRoot(t)
	// In this mode the runtime waits for the device by its poller, and Close ends the wait.
	// The poller must not see the device before it is mounted.
	fd, err := syscall.Open("/dev/fuse", syscall.O_RDWR|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd)
	if err := syscall.Mount("sluice-e2e", dir, "fuse", syscall.MS_NOSUID|syscall.MS_NODEV, options); err != nil {
		_ = syscall.Close(fd)
		t.Fatal(err)
	}
	device := os.NewFile(uintptr(fd), "/dev/fuse")
	d := &stuckDisk{
		dir: dir, device: device, released: make(chan struct{}),
		names: map[uint64]string{fuseRoot: ""}, nodes: make(map[string]uint64),
	}
	close(d.released)
	// A call that hangs cannot be interrupted, not even in this process.
	limit := time.AfterFunc(2*patience, func() { _ = device.Close() })
	var serving sync.WaitGroup
	serving.Go(d.serve)
	t.Cleanup(func() {
		if !limit.Stop() {
			t.Errorf("the disk was ended after %v", 2*patience)
		}
		_ = syscall.Unmount(dir, syscall.MNT_DETACH)
		_ = device.Close()
		d.release()
		serving.Wait()
	})
	return d
}

// hang makes the calls hang from now on.
func (d *stuckDisk) hang() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.released = make(chan struct{})
}

// release answers the calls that hang, and makes later ones not hang.
func (d *stuckDisk) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.released:
	default:
		close(d.released)
	}
}

// cacheHalf brings the bytes of a file before stuckFrom into the page cache. It uses plain
// system calls, because the poller of Go would ask the file system about the file.
func (d *stuckDisk) cacheHalf(t *testing.T, name string) {
	t.Helper()
	fd, err := syscall.Open(d.dir+"/"+name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	buf := make([]byte, 64<<10)
	for off := int64(0); off < stuckFrom; off += int64(len(buf)) {
		if n, err := syscall.Pread(fd, buf, off); n != len(buf) {
			t.Fatal(n, err)
		}
	}
}

// fuseCall is a call of the kernel.
type fuseCall struct {
	disk   *stuckDisk
	op     uint32
	unique uint64
	node   uint64
	args   []byte
}

func (d *stuckDisk) serve() {
	buf := make([]byte, 256<<10)
	for {
		n, err := d.device.Read(buf)
		switch {
		case err == nil:
		case isErrno(err, syscall.ENOENT), isErrno(err, syscall.EINTR): // the caller was interrupted before
			continue
		default:
			return // unmounted, or closed
		}
		const header = 40
		in := bytes.Clone(buf[:n])
		go fuseCall{ // it may hang
			disk: d, op: binary.NativeEndian.Uint32(in[4:]), unique: binary.NativeEndian.Uint64(in[8:]),
			node: binary.NativeEndian.Uint64(in[16:]), args: in[header:],
		}.serve()
	}
}

func isErrno(err error, errno syscall.Errno) bool { return errors.Is(err, errno) }

// answer ends the call. It fails if the file system is unmounted, or if the process that
// made the call was killed.
func (c fuseCall) answer(errno syscall.Errno, parts ...any) {
	var out bytes.Buffer
	for _, part := range parts {
		_ = binary.Write(&out, binary.NativeEndian, part)
	}
	const header = 16
	var whole bytes.Buffer
	_ = binary.Write(&whole, binary.NativeEndian, struct {
		Len    uint32
		Error  int32
		Unique uint64
	}{uint32(header + out.Len()), -int32(errno), c.unique})
	_, _ = c.disk.device.Write(append(whole.Bytes(), out.Bytes()...))
}

// fuseAttr is struct fuse_attr.
type fuseAttr struct {
	Ino, Size, Blocks, Atime, Mtime, Ctime   uint64
	AtimeNsec, MtimeNsec, CtimeNsec          uint32
	Mode, Nlink, UID, GID, Rdev, Blksize, Fl uint32
}

func (c fuseCall) attr(node uint64) fuseAttr {
	a := fuseAttr{Ino: node, Mtime: 1e9, Ctime: 1e9, Mode: syscall.S_IFREG | 0o644, Nlink: 1, Size: stuckSize, Blocks: stuckSize / 512, Blksize: 4096}
	if node == fuseRoot {
		a.Mode, a.Nlink, a.Size, a.Blocks = syscall.S_IFDIR|0o755, 2, 0, 0
	}
	return a
}

// valid returns for how many seconds the kernel may remember size and times of a file.
func valid(name string) uint64 {
	if strings.HasPrefix(name, "stat-") {
		return 0
	}
	return 3600
}

// wait hangs, if the file is of this kind.
func (c fuseCall) wait(name, kind string) {
	if !strings.HasPrefix(name, kind+"-") {
		return
	}
	c.disk.mu.Lock()
	released := c.disk.released
	c.disk.mu.Unlock()
	c.disk.hung.Add(1)
	<-released
	c.disk.hung.Add(-1)
}

// nameOf returns the name of a node, and nodeOf the node of a name.
func (d *stuckDisk) nameOf(node uint64) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.names[node]
}

func (d *stuckDisk) nodeOf(name string) uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	node, ok := d.nodes[name]
	if !ok {
		node = uint64(len(d.nodes)) + fuseRoot + 1
		d.nodes[name], d.names[node] = node, name
	}
	return node
}

func (c fuseCall) serve() {
	name := c.disk.nameOf(c.node)
	switch c.op {
	case fuseInit:
		const readAhead, most = 128 << 10, 4096
		c.answer(0, []uint32{7, 31, readAhead, fuseAsyncRead | fuseParallelDirops}, []uint16{most, most}, []uint32{64 << 10, 1}, make([]uint32, 9))
	case fuseLookup:
		wanted := string(bytes.TrimRight(c.args, "\x00"))
		kind, _, ok := strings.Cut(wanted, "-")
		if !ok || !slices.Contains(stuckKinds, kind) {
			c.answer(syscall.ENOENT)
			return
		}
		c.wait(wanted, "lookup")
		node := c.disk.nodeOf(wanted)
		c.answer(0, []uint64{node, 1, 3600, valid(wanted)}, []uint32{0, 0}, c.attr(node))
	case fuseGetattr:
		c.wait(name, "stat")
		c.answer(0, []uint64{valid(name)}, []uint32{0, 0}, c.attr(c.node))
	case fuseOpen:
		c.wait(name, "open")
		c.answer(0, uint64(0), []uint32{fuseKeepCache, 0})
	case fuseRead:
		off, size := int64(binary.NativeEndian.Uint64(c.args[8:])), int64(binary.NativeEndian.Uint32(c.args[16:]))
		c.wait(name, "read")
		if off >= stuckFrom {
			c.wait(name, "half")
		}
		p := make([]byte, max(0, min(size, stuckSize-off)))
		nettest.PatternAt(p, off)
		c.answer(0, p)
	case fuseStatfs:
		c.answer(0, []uint64{1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20}, []uint32{4096, 255, 4096, 0}, make([]uint32, 6))
	case fuseOpendir:
		c.answer(0, make([]uint64, 2))
	case fuseReaddir, fuseRelease, fuseReleasedir, fuseFlush, fuseAccess, fuseDestroy:
		c.answer(0)
	case fuseForget, fuseBatchForget, fuseInterrupt: // these have no answer
	default:
		c.answer(syscall.ENOSYS)
	}
}

var stuckKinds = []string{"lookup", "open", "stat", "read", "half"}
