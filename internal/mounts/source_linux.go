package mounts

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"os"
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

// parseMountInfo returns the fifth and the first field of each line.
func parseMountInfo(content []byte) (all []entry) {
	lines := bufio.NewScanner(bytes.NewReader(content))
	lines.Buffer(nil, len(content)+1)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 {
			all = append(all, entry{unescape(fields[4]), fields[0]})
		}
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
