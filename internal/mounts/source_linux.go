package mounts

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// mountInfo is /proc/self/mountinfo, see proc_pid_mountinfo(5). It is opened once, because a sandbox may hide it later.
type mountInfo struct {
	name string
	once sync.Once
	file *os.File // nil: there is none
}

func newSource() source { return &mountInfo{name: "/proc/self/mountinfo"} }

func (s *mountInfo) open() *os.File {
	s.once.Do(func() {
		// Not by os.Open: the poller of the runtime would take the events that changed asks for.
		if fd, err := unix.Open(s.name, unix.O_RDONLY|unix.O_CLOEXEC, 0); err == nil { // without /proc, all is one mount
			s.file = os.NewFile(uintptr(fd), s.name)
		}
	})
	return s.file
}

// changed reports whether a file system was mounted or unmounted since the last call.
func (s *mountInfo) changed() bool {
	f := s.open()
	if f == nil {
		return false
	}
	fds := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
	n, err := unix.Poll(fds, 0)
	return n > 0 && err == nil
}

func (s *mountInfo) read() []entry {
	f := s.open()
	if f == nil {
		return nil
	}
	content, err := io.ReadAll(io.NewSectionReader(f, 0, math.MaxInt64))
	if err != nil {
		return nil
	}
	return parseMountInfo(content)
}

// mountID returns the number of the mount of f in the list, which the kernel knows since Linux 5.8.
func mountID(f *os.File) (id string, ok bool) {
	var stx unix.Statx_t
	const flags = unix.AT_EMPTY_PATH | unix.AT_NO_AUTOMOUNT | unix.AT_STATX_DONT_SYNC // which asks no server
	err := unix.Statx(int(f.Fd()), "", flags, unix.STATX_MNT_ID, &stx)
	runtime.KeepAlive(f)
	if err != nil || stx.Mask&unix.STATX_MNT_ID == 0 {
		return "", false
	}
	return strconv.FormatUint(stx.Mnt_id, 10), true
}

// parseMountInfo returns an entry for each line.
func parseMountInfo(content []byte) (all []entry) {
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) <= 4 {
			continue
		}
		e := entry{point: unescape(fields[4]), id: fields[0], what: FileSystem{Point: unescape(fields[4])}}
		if i := slices.Index(fields, "-"); i > 5 && len(fields) > i+3 { // any number of optional fields are before it
			e.what.Type, e.what.Source = unescape(fields[i+1]), unescape(fields[i+2])
			e.what.Options = fields[5] + "," + fields[i+3]
		}
		all = append(all, e)
	}
	return all
}

// unescape replaces \ooo, which stands for a blank or another byte that the format has no room for.
func unescape(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
