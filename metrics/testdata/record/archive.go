package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The files that package metrics reads: of the host, and in /proc/PID.
var (
	hostFiles = []string{
		"/proc/meminfo", "/proc/zoneinfo", "/proc/vmstat", "/proc/diskstats", "/proc/net/dev", "/proc/stat", "/proc/self", "/proc/version",
		"/sys/devices/system/cpu/online", "/sys/devices/system/cpu/cpu[0-9]*/topology/core_cpus_list", "/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list",
		"/sys/fs/cgroup/recorded/memory.max", "/sys/fs/cgroup/recorded/memory.current", "/sys/fs/cgroup/recorded/cpu.max",
		"/sys/fs/cgroup/memory/recorded/memory.limit_in_bytes", "/sys/fs/cgroup/memory/recorded/memory.usage_in_bytes", "/sys/fs/cgroup/cpu/recorded/cpu.cfs_*",
	}
	processFiles = []string{
		"stat", "statm", "status", "io", "smaps_rollup", "cmdline", "environ", "limits", "cgroup",
		"exe", "cwd", "fd", "fd/*", "fdinfo/*", "task/*/stat", "task/*/status",
	}
)

// An archive is a tar.gz of files, links and directories. Files that cannot be read
// are left out.
type archive struct {
	out bytes.Buffer
	zip *gzip.Writer
	tar *tar.Writer
}

// record returns the archive: files of the host and of the processes, the answer of
// sock_diag(7) for all sockets, and the TCP_INFO of conn.
func record(pids []int, conn *net.TCPConn) ([]byte, error) {
	var a archive
	a.zip, _ = gzip.NewWriterLevel(&a.out, gzip.BestCompression)
	a.tar = tar.NewWriter(a.zip)
	patterns := hostFiles
	for _, pid := range pids {
		for _, file := range processFiles {
			patterns = append(patterns, fmt.Sprintf("/proc/%d/%s", pid, file))
		}
	}
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if err := a.add(name); err != nil {
				return nil, err
			}
		}
	}
	for name, read := range map[string]func() ([]byte, error){
		"sock_diag": queryDiag,
		"tcp_info":  func() ([]byte, error) { return readTCPInfo(conn) },
	} {
		b, err := read()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if err := a.put(&tar.Header{Name: name, Mode: 0o600, Size: int64(len(b))}, b); err != nil {
			return nil, err
		}
	}
	if err := a.tar.Close(); err != nil {
		return nil, err
	}
	if err := a.zip.Close(); err != nil {
		return nil, err
	}
	return a.out.Bytes(), nil
}

func (a *archive) add(name string) error {
	h := &tar.Header{Name: strings.TrimPrefix(name, "/"), Mode: 0o600}
	if target, err := os.Readlink(name); err == nil {
		h.Typeflag, h.Linkname = tar.TypeSymlink, target
		return a.put(h, nil)
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		h.Typeflag, h.Name, h.Mode = tar.TypeDir, h.Name+"/", 0o700
		return a.put(h, nil)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	h.Size = int64(len(b))
	return a.put(h, b)
}

func (a *archive) put(h *tar.Header, content []byte) error {
	if err := a.tar.WriteHeader(h); err != nil {
		return err
	}
	_, err := a.tar.Write(content)
	return err
}

// queryDiag returns all answers to a request for the TCP sockets of IPv4, with
// INET_DIAG_INFO and INET_DIAG_SKMEMINFO and sequence number 1.
func queryDiag() ([]byte, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	request := make([]byte, unix.NLMSG_HDRLEN+56)
	binary.NativeEndian.PutUint32(request, uint32(len(request)))
	binary.NativeEndian.PutUint16(request[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(request[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	binary.NativeEndian.PutUint32(request[8:], 1)
	request[16], request[17], request[18] = unix.AF_INET, unix.IPPROTO_TCP, 1<<(2-1)|1<<(7-1)
	binary.NativeEndian.PutUint32(request[20:], ^uint32(0)) // all states
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil, err
	}
	var all []byte
	buf := make([]byte, 64<<10)
	for {
		n, err := unix.Read(fd, buf)
		if err != nil {
			return nil, err
		}
		all = append(all, buf[:n]...)
		if kind := binary.NativeEndian.Uint16(buf[4:]); kind == unix.NLMSG_DONE || kind == unix.NLMSG_ERROR {
			return all, nil
		}
	}
}

// readTCPInfo returns as much of TCP_INFO as the kernel has.
func readTCPInfo(conn *net.TCPConn) (b []byte, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	b = make([]byte, 1024)
	size := uint32(len(b))
	var errno syscall.Errno
	err = raw.Control(func(fd uintptr) {
		_, _, errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, unix.IPPROTO_TCP, unix.TCP_INFO,
			uintptr(unsafe.Pointer(&b[0])), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err == nil && errno != 0 {
		err = os.NewSyscallError("getsockopt", errno)
	}
	return b[:size], err
}
