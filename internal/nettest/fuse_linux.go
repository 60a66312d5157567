package nettest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FUSE is a mounted file system whose calls can hang. It has a file of the pattern of FUSESize bytes for each name that
// begins with "file", of which the kernel remembers only what was read, and for each name KIND-ANYTHING, where KIND says
// which calls hang after Hang:
//
//	lookup  those that look the name up
//	open    those that open the file
//	stat    those that ask for its size and times
//	read    those that read it
//	half    those that read it from FUSEHalf on
//
// A listing has only "file". It speaks to the kernel itself, because a library may serve one call at a time.
type FUSE struct {
	device int // not for the poller of Go, which may itself wait for the file system
	dir    string
	served chan struct{} // closed when the server has ended
	hung   atomic.Int64  // calls that hang now

	mu       sync.Mutex        // guards the fields below
	opened   uint64            // handles so far, whose numbers begin with 1
	stale    uint64            // handles up to this one are stale
	names    map[uint64]string // by node
	nodes    map[string]uint64
	hangs    bool          // all calls do
	released chan struct{} // closed while no call hangs
}

const (
	FUSESize = 2 << 20
	FUSEHalf = FUSESize / 2
)

// FUSEKinds are the kinds of files of a FUSE.
var FUSEKinds = []string{"lookup", "open", "stat", "read", "half"}

// maxHung is how long a test may let calls hang, which cannot be interrupted and keep its process from ending.
const maxHung = 2 * time.Minute

// MountFUSE mounts a FUSE at dir, which it makes, until the test ends. Calls that hang then fail. It skips the test where
// it may not mount.
func MountFUSE(t testing.TB, dir string) *FUSE {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no FUSE:", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", fd)
	if err := unix.Mount("test", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(fd)
		t.Skip("no mount:", err)
	}
	m := &FUSE{
		device: fd, dir: dir, served: make(chan struct{}), released: make(chan struct{}),
		names: map[uint64]string{fuseRoot: "file"}, nodes: make(map[string]uint64),
	}
	close(m.released)
	limit := time.AfterFunc(maxHung, func() { _ = unix.Unmount(dir, unix.MNT_FORCE) })
	var serving sync.WaitGroup
	serving.Go(func() {
		defer close(m.served)
		m.serve(&serving)
	})
	t.Cleanup(func() {
		if !limit.Stop() {
			t.Errorf("the file system was ended after %v", maxHung)
		}
		_ = unix.Unmount(dir, unix.MNT_FORCE) // ends the calls that hang
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		m.Answer()
		serving.Wait()
		_ = unix.Close(fd)
	})
	return m
}

// Kill ends the server, so that every call fails with ENOTCONN, and Unmount removes what is left of it from the tree, so
// that another file system can be mounted there. Something of it must be open, or Kill unmounts it.
func (m *FUSE) Kill() {
	_ = unix.Unmount(m.dir, unix.MNT_FORCE)
	<-m.served
}

// Unmount ends the mount for those who look its name up. Open files stay as they are.
func (m *FUSE) Unmount() { _ = unix.Unmount(m.dir, unix.MNT_DETACH) }

// Outdate makes reads of files that are open now fail with ESTALE, as those of NFS do if the server has replaced the file.
// Files that are opened afterwards can be read.
func (m *FUSE) Outdate() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stale = m.opened
}

// open returns the handle of a file that is opened, and isStale whether Outdate was called since.
func (m *FUSE) open() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.opened++
	return m.opened
}

func (m *FUSE) isStale(handle uint64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return handle <= m.stale
}

// Hang makes calls hang from now on, as the names of their files say.
func (m *FUSE) Hang() { m.hang(false) }

// HangAll makes all calls hang from now on.
func (m *FUSE) HangAll() { m.hang(true) }

func (m *FUSE) hang(all bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.released, m.hangs = make(chan struct{}), all
}

// Answer answers the calls that hang, and makes later ones not hang.
func (m *FUSE) Answer() {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.released:
	default:
		close(m.released)
	}
	m.hangs = false
}

// Hung returns how many calls hang.
func (m *FUSE) Hung() int { return int(m.hung.Load()) }

// The operations that are answered, and flags, see include/uapi/linux/fuse.h.
const (
	fuseLookup, fuseForget, fuseGetattr, fuseOpen, fuseRead, fuseStatfs = 1, 2, 3, 14, 15, 17
	fuseRelease, fuseFlush, fuseInit, fuseOpendir, fuseReaddir          = 18, 25, 26, 27, 28
	fuseReleasedir, fuseAccess, fuseInterrupt, fuseDestroy, fusePoll    = 29, 34, 36, 38, 40
	fuseBatchForget                                                     = 42

	fuseAsyncRead      = 1 << 0
	fuseParallelDirops = 1 << 18
	fuseKeepCache      = 1 << 1 // of fuseOpen: the pages stay in the cache

	fuseRoot = 1 // a node
)

// fuseCall is a call of the kernel.
type fuseCall struct {
	disk   *FUSE
	op     uint32
	unique uint64
	node   uint64
	args   []byte
}

func (m *FUSE) serve(serving *sync.WaitGroup) {
	buffer := make([]byte, 256<<10)
	for {
		n, err := unix.Read(m.device, buffer)
		switch err { //nolint:errorlint // a system call's bare errno
		case nil:
		case unix.ENOENT, unix.EINTR, unix.EAGAIN: // the caller was interrupted before
			continue
		default:
			return // unmounted
		}
		const header = 40
		in := bytes.Clone(buffer[:n])
		call := fuseCall{
			disk: m, op: binary.NativeEndian.Uint32(in[4:]), unique: binary.NativeEndian.Uint64(in[8:]),
			node: binary.NativeEndian.Uint64(in[16:]), args: in[header:],
		}
		serving.Go(call.serve) // it may hang
	}
}

// answer ends the call. It fails if the file system is unmounted, or if the process that made the call was killed.
func (c fuseCall) answer(errno unix.Errno, parts ...any) {
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
	_, _ = unix.Write(c.disk.device, append(whole.Bytes(), out.Bytes()...))
}

// fuseAttr is struct fuse_attr.
type fuseAttr struct {
	Ino, Size, Blocks, Atime, Mtime, Ctime   uint64
	AtimeNsec, MtimeNsec, CtimeNsec          uint32
	Mode, Nlink, UID, GID, Rdev, Blksize, Fl uint32
}

func (c fuseCall) attr(node uint64) fuseAttr {
	a := fuseAttr{Ino: node, Mtime: 1e9, Ctime: 1e9, Mode: unix.S_IFREG | 0o644, Nlink: 1, Size: FUSESize, Blocks: FUSESize / 512, Blksize: 4096}
	if node == fuseRoot {
		a.Mode, a.Nlink, a.Size, a.Blocks = unix.S_IFDIR|0o755, 2, 0, 0
	}
	return a
}

// isForgotten reports whether the kernel remembers nothing of a file.
func isForgotten(name string) bool { return strings.HasPrefix(name, "file") }

// valid returns for how many seconds the kernel may remember size and times of a file, and that it exists.
func valid(name string) (attr, entry uint64) {
	switch {
	case isForgotten(name):
		return 0, 0
	case strings.HasPrefix(name, "stat-"):
		return 0, 3600
	}
	return 3600, 3600
}

// wait hangs if all calls do, or if the file is of this kind.
func (c fuseCall) wait(name, kind string) {
	c.disk.mu.Lock()
	released, all := c.disk.released, c.disk.hangs
	c.disk.mu.Unlock()
	if all || strings.HasPrefix(name, kind+"-") {
		c.disk.hung.Add(1)
		<-released
		c.disk.hung.Add(-1)
	}
}

// nameOf returns the name of a node, and nodeOf the node of a name.
func (m *FUSE) nameOf(node uint64) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.names[node]
}

func (m *FUSE) nodeOf(name string) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	node, ok := m.nodes[name]
	if !ok {
		node = uint64(len(m.nodes)) + fuseRoot + 1
		m.nodes[name], m.names[node] = node, name
	}
	return node
}

func (c fuseCall) serve() {
	name := c.disk.nameOf(c.node)
	switch c.op {
	case fuseForget, fuseBatchForget, fuseInterrupt: // these have no answer
		return
	case fusePoll: // of the poller of Go, which must not wait; it asks once
		c.answer(unix.ENOSYS)
		return
	case fuseInit:
		const readAhead, most = 128 << 10, 4096
		c.answer(0, []uint32{7, 31, readAhead, fuseAsyncRead | fuseParallelDirops}, []uint16{most, most}, []uint32{64 << 10, 1}, make([]uint32, 9))
		return
	}
	switch c.op {
	case fuseLookup:
		wanted := string(bytes.TrimRight(c.args, "\x00"))
		kind, _, _ := strings.Cut(wanted, "-")
		c.wait(wanted, "lookup")
		if !isForgotten(wanted) && !slices.Contains(FUSEKinds, kind) {
			c.answer(unix.ENOENT)
			return
		}
		node := c.disk.nodeOf(wanted)
		attr, entry := valid(wanted)
		c.answer(0, []uint64{node, 1, entry, attr}, []uint32{0, 0}, c.attr(node))
	case fuseGetattr:
		c.wait(name, "stat")
		attr, _ := valid(name)
		c.answer(0, []uint64{attr}, []uint32{0, 0}, c.attr(c.node))
	case fuseOpen:
		c.wait(name, "open")
		flags := uint32(fuseKeepCache)
		if isForgotten(name) {
			flags = 0
		}
		c.answer(0, c.disk.open(), []uint32{flags, 0})
	case fuseRead:
		if c.disk.isStale(binary.NativeEndian.Uint64(c.args)) {
			c.answer(unix.ESTALE)
			return
		}
		off, size := int64(binary.NativeEndian.Uint64(c.args[8:])), int64(binary.NativeEndian.Uint32(c.args[16:]))
		c.wait(name, "read")
		if off >= FUSEHalf {
			c.wait(name, "half")
		}
		p := make([]byte, max(0, min(size, FUSESize-off)))
		PatternAt(p, off)
		c.answer(0, p)
	case fuseStatfs:
		c.wait(name, "any")
		c.answer(0, []uint64{1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20}, []uint32{4096, 255, 4096, 0}, make([]uint32, 6))
	case fuseOpendir:
		c.wait(name, "any")
		c.answer(0, make([]uint64, 2))
	case fuseReaddir:
		c.wait(name, "any")
		if binary.NativeEndian.Uint64(c.args[8:]) > 0 { // behind the first entry
			c.answer(0)
			return
		}
		c.answer(0, []uint64{2, 1}, []uint32{uint32(len("file")), unix.DT_REG}, []byte("file\x00\x00\x00\x00")) // node and offset, length and type, padded
	case fuseRelease, fuseReleasedir, fuseFlush, fuseAccess, fuseDestroy:
		c.wait(name, "any")
		c.answer(0)
	default:
		c.wait(name, "any")
		c.answer(unix.ENOSYS)
	}
}
