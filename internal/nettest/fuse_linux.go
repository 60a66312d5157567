package nettest

import (
	"encoding/binary"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// FUSE is a mounted file system whose server can hang. It is a directory in which every name that begins with "file" is a
// file of FUSESize zero bytes; a listing has only "file". The kernel remembers nothing of it but what was read.
type FUSE struct {
	device int
	dir    string
	served chan struct{} // closed when the server has ended

	mu     sync.Mutex // guards the fields below
	opened uint64     // handles so far, whose numbers begin with 1
	stale  uint64     // handles up to this one are stale
	hangs  bool
	held   [][]byte // requests that are not answered yet
	nodes  map[string]uint64
	waited int // requests that have come since Hang
}

// FUSESize is the size of each file of a FUSE.
const FUSESize = 4 << 20

// MountFUSE mounts a FUSE at dir, which it makes, until the test ends. It skips the test where it may not.
func MountFUSE(t testing.TB, dir string) *FUSE {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root may mount")
	}
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skip("no FUSE:", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device)
	if err := unix.Mount("test", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		_ = unix.Close(device)
		t.Skip("no mount:", err)
	}
	m := &FUSE{device: device, dir: dir, served: make(chan struct{}), nodes: make(map[string]uint64)}
	go func() {
		defer close(m.served)
		m.serve()
	}()
	// A call that hangs cannot be interrupted, and keeps this process from ending.
	limit := time.AfterFunc(time.Minute, func() { _ = unix.Unmount(dir, unix.MNT_FORCE) })
	t.Cleanup(func() {
		limit.Stop()
		_ = unix.Unmount(dir, unix.MNT_FORCE) // ends the calls that hang
		_ = unix.Unmount(dir, unix.MNT_DETACH)
		<-m.served
		_ = unix.Close(device)
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

// Hang makes the server answer nothing from now on.
func (m *FUSE) Hang() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hangs, m.waited = true, 0
}

// Answer makes the server answer again, first what has come meanwhile.
func (m *FUSE) Answer() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.hangs = false
	for _, request := range m.held {
		m.answer(request)
	}
	m.held = nil
}

// Waiting returns how many calls have come since Hang.
func (m *FUSE) Waiting() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.waited
}

func (m *FUSE) serve() {
	buffer := make([]byte, 1<<20)
	for {
		n, err := unix.Read(m.device, buffer)
		switch {
		case err == unix.EINTR || err == unix.ENOENT || err == unix.EAGAIN: //nolint:errorlint // a system call's bare errno; a request was interrupted
		case err != nil: // ENODEV: unmounted
			return
		default:
			m.take(buffer[:n])
		}
	}
}

func (m *FUSE) take(request []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.hangs {
		m.waited++
		m.held = append(m.held, append([]byte(nil), request...))
		return
	}
	m.answer(request)
}

// The operations that are answered, see include/uapi/linux/fuse.h.
const (
	fuseLookup, fuseForget, fuseGetattr, fuseOpen, fuseRead, fuseStatfs = 1, 2, 3, 14, 15, 17
	fuseRelease, fuseFlush, fuseInit, fuseOpendir, fuseReaddir          = 18, 25, 26, 27, 28
	fuseReleasedir, fuseInterrupt, fuseBatchForget                      = 29, 36, 42

	fuseRoot = 1 // a node
)

// answer answers a request. The caller holds mu.
func (m *FUSE) answer(request []byte) {
	le := binary.LittleEndian
	var body []byte
	errno := unix.Errno(0)
	switch le.Uint32(request[4:]) {
	case fuseInit:
		body = make([]byte, 64)
		le.PutUint32(body, 7)
		le.PutUint32(body[4:], 31)
		le.PutUint16(body[16:], 1000)   // requests in the background
		le.PutUint32(body[20:], 64<<10) // the longest write
	case fuseLookup:
		name := strings.TrimRight(string(request[40:]), "\x00")
		if !strings.HasPrefix(name, "file") {
			errno = unix.ENOENT
			break
		}
		if m.nodes[name] == 0 {
			m.nodes[name] = fuseRoot + uint64(len(m.nodes)) + 1
		}
		body = append(le.AppendUint64(nil, m.nodes[name]), make([]byte, 32)...) // with a validity of 0 s
		body = appendAttr(body, m.nodes[name])
	case fuseGetattr:
		body = appendAttr(make([]byte, 16), le.Uint64(request[16:]))
	case fuseOpen, fuseOpendir:
		m.opened++
		body = append(le.AppendUint64(nil, m.opened), make([]byte, 8)...)
	case fuseRead:
		if le.Uint64(request[40:]) <= m.stale {
			errno = unix.ESTALE
			break
		}
		off, size := le.Uint64(request[48:]), le.Uint32(request[56:])
		body = make([]byte, min(uint64(size), FUSESize-min(off, FUSESize)))
	case fuseReaddir:
		if le.Uint64(request[48:]) == 0 {
			body = le.AppendUint64(nil, 2) // the node
			body = le.AppendUint64(body, 1)
			body = le.AppendUint32(body, uint32(len("file")))
			body = le.AppendUint32(body, unix.DT_REG)
			body = append(body, "file\x00\x00\x00\x00"...)
		}
	case fuseStatfs:
		body = make([]byte, 80)
	case fuseFlush, fuseRelease, fuseReleasedir:
	case fuseForget, fuseBatchForget, fuseInterrupt:
		return
	default:
		errno = unix.ENOSYS
	}
	answer := le.AppendUint32(nil, uint32(16+len(body)))
	answer = le.AppendUint32(answer, uint32(-int32(errno)))
	answer = append(answer, request[8:16]...)
	_, _ = unix.Write(m.device, append(answer, body...)) // it fails if the caller has gone
}

// appendAttr appends the attributes of a node.
func appendAttr(b []byte, node uint64) []byte {
	le := binary.LittleEndian
	size, mode := uint64(FUSESize), uint32(unix.S_IFREG|0o644)
	if node == fuseRoot {
		size, mode = 0, unix.S_IFDIR|0o755
	}
	b = le.AppendUint64(b, node)
	b = le.AppendUint64(b, size)
	b = append(b, make([]byte, 4*8+3*4)...) // blocks and times
	b = le.AppendUint32(b, mode)
	b = le.AppendUint32(b, 1) // links
	return append(b, make([]byte, 5*4)...)
}
