package metrics

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socketCall makes getsockopt(2) calls on a Socket. It holds their arguments and
// buffers, so that a call allocates nothing.
type socketCall struct {
	call func(fd uintptr) // calls getsockopt(2) with the arguments below

	level, name int
	answer      unsafe.Pointer
	size        uint32 // before the call: size of answer; afterwards: bytes filled
	errno       syscall.Errno

	info   tcpInfo
	ca     [16]byte // TCP_CA_NAME_MAX
	memory [unix.SK_MEMINFO_VARS]uint32
	option int32

	filled     uint32 // bytes of info that the last sample filled
	have       TCPFields
	congestion string
}

func (s *socketCall) init() {
	s.call = func(fd uintptr) {
		// Not RawSyscall, because the call waits for the lock of the socket.
		_, _, s.errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, uintptr(s.level), uintptr(s.name),
			uintptr(s.answer), uintptr(unsafe.Pointer(&s.size)), 0)
	}
}

// getsockopt fills at most n bytes at answer and returns how many it filled.
func (s *socketCall) getsockopt(raw syscall.RawConn, level, name int, answer unsafe.Pointer, n uintptr) (uint32, error) {
	s.level, s.name, s.answer, s.size = level, name, answer, uint32(n)
	if err := raw.Control(s.call); err != nil {
		return 0, err
	}
	switch s.errno {
	case 0:
		return s.size, nil
	case unix.ENOPROTOOPT, unix.EOPNOTSUPP: // not a TCP socket
		return 0, errors.ErrUnsupported
	}
	return 0, os.NewSyscallError("getsockopt", s.errno)
}

func (s *socketCall) sample(raw syscall.RawConn, t *TCP) error {
	n, err := s.getsockopt(raw, unix.IPPROTO_TCP, unix.TCP_INFO, unsafe.Pointer(&s.info), unsafe.Sizeof(s.info))
	if err != nil {
		return err
	}
	if n != s.filled {
		s.filled, s.have = n, tcpFieldsIn(int(n))
		s.congestion = s.readCongestion(raw) // only once, because it costs as much as the sample
	}
	t.At = time.Now()
	t.Congestion = s.congestion
	s.info.decode(t, s.have)
	if t.hasSentAll() && t.InFlight > 0 {
		s.readSendBuffer(raw, t)
	}
	return nil
}

// readSendBuffer sets SendBufferFull if Linux 4.12 or later can report it. A socket
// is writable again when a third of its send buffer is free
// (sk_stream_is_writeable in include/net/sock.h).
func (s *socketCall) readSendBuffer(raw syscall.RawConn, t *TCP) {
	if s.readMemInfo(raw) {
		queued, size := s.memory[unix.SK_MEMINFO_WMEM_QUEUED], s.memory[unix.SK_MEMINFO_SNDBUF]
		t.SendBufferFull = uint64(queued)*3 > uint64(size)*2
		t.Have |= TCPSendBufferFull
	}
}

// readMemInfo fills s.memory by SO_MEMINFO. It returns false before Linux 4.12.
func (s *socketCall) readMemInfo(raw syscall.RawConn) bool {
	_, err := s.getsockopt(raw, unix.SOL_SOCKET, unix.SO_MEMINFO, unsafe.Pointer(&s.memory), unsafe.Sizeof(s.memory))
	return err == nil
}

func (s *socketCall) readCongestion(raw syscall.RawConn) string {
	n, err := s.getsockopt(raw, unix.IPPROTO_TCP, unix.TCP_CONGESTION, unsafe.Pointer(&s.ca), unsafe.Sizeof(s.ca))
	if err != nil {
		return ""
	}
	return unix.ByteSliceToString(s.ca[:n])
}

func (s *socketCall) backlog(raw syscall.RawConn) (Backlog, error) {
	if _, err := s.getsockopt(raw, unix.IPPROTO_TCP, unix.TCP_INFO, unsafe.Pointer(&s.info), unsafe.Sizeof(s.info)); err != nil {
		return Backlog{}, err
	}
	if TCPState(s.info.state) != Listen {
		return Backlog{}, os.NewSyscallError("getsockopt", unix.EINVAL)
	}
	b := Backlog{Waiting: int(s.info.unacked), Limit: int(s.info.sacked)}
	if s.isPlainTCP(raw) && !s.defers(raw) && s.readMemInfo(raw) {
		b.Drops, b.HaveDrops = uint64(s.memory[unix.SK_MEMINFO_DROPS]), true
	}
	return b, nil
}

// defers reports whether the listener has TCP_DEFER_ACCEPT: then Linux counts each handshake
// without data as a drop (tcp_check_req, tcp_v4_rcv).
func (s *socketCall) defers(raw syscall.RawConn) bool {
	_, err := s.getsockopt(raw, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, unsafe.Pointer(&s.option), unsafe.Sizeof(s.option))
	return err == nil && s.option > 0
}

// isPlainTCP reports whether the socket is not multipath TCP, which package net uses
// for listeners by default. Drops of a multipath listener are counted in another
// socket, where SO_MEMINFO does not see them.
func (s *socketCall) isPlainTCP(raw syscall.RawConn) bool {
	_, err := s.getsockopt(raw, unix.SOL_SOCKET, unix.SO_PROTOCOL, unsafe.Pointer(&s.option), unsafe.Sizeof(s.option))
	return err == nil && s.option == unix.IPPROTO_TCP
}
