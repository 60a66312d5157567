package metrics

import (
	"errors"
	"os"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A socketCall is a system call on the descriptor of a Socket, with room for
// its answer, so that nothing is allocated for each.
type socketCall struct {
	call func(fd uintptr) // getsockopt with what follows

	level, name int
	answer      unsafe.Pointer
	size        uint32 // of answer before the call, of what was filled after
	errno       syscall.Errno

	info     tcpInfo
	ca       [16]byte // TCP_CA_NAME_MAX
	memory   [unix.SK_MEMINFO_VARS]uint32
	protocol int32

	told       uint32 // bytes of info that were filled last time
	have       TCPFields
	congestion string
}

func (s *socketCall) init() {
	s.call = func(fd uintptr) {
		// Not RawSyscall: it waits for the lock of the socket.
		_, _, s.errno = unix.Syscall6(unix.SYS_GETSOCKOPT, fd, uintptr(s.level), uintptr(s.name),
			uintptr(s.answer), uintptr(unsafe.Pointer(&s.size)), 0)
	}
}

// getsockopt fills n bytes at answer and returns how many were filled.
func (s *socketCall) getsockopt(raw syscall.RawConn, level, name int, answer unsafe.Pointer, n uintptr) (uint32, error) {
	s.level, s.name, s.answer, s.size = level, name, answer, uint32(n)
	if err := raw.Control(s.call); err != nil {
		return 0, err
	}
	switch s.errno {
	case 0:
		return s.size, nil
	case unix.ENOPROTOOPT, unix.EOPNOTSUPP: // no TCP socket
		return 0, errors.ErrUnsupported
	}
	return 0, os.NewSyscallError("getsockopt", s.errno)
}

func (s *socketCall) sample(raw syscall.RawConn, t *TCP) error {
	n, err := s.getsockopt(raw, unix.IPPROTO_TCP, unix.TCP_INFO, unsafe.Pointer(&s.info), unsafe.Sizeof(s.info))
	if err != nil {
		return err
	}
	if n != s.told {
		s.told, s.have = n, tcpFieldsIn(int(n))
		s.congestion = s.askCongestion(raw) // the first time; it costs as much as the sample
	}
	t.At = time.Now()
	t.Congestion = s.congestion
	s.info.decode(t, s.have)
	if t.allUnderWay() && t.InFlight > 0 {
		s.askSendBuffer(raw, t)
	}
	return nil
}

// askSendBuffer finds out whether the application waits for room. A socket is
// writable again when a third of its buffer is free (sk_stream_is_writeable).
func (s *socketCall) askSendBuffer(raw syscall.RawConn, t *TCP) {
	if s.askMemory(raw) {
		queued, size := s.memory[unix.SK_MEMINFO_WMEM_QUEUED], s.memory[unix.SK_MEMINFO_SNDBUF]
		t.SendBufferFull = uint64(queued)*3 > uint64(size)*2
		t.Have |= TCPSendBufferFull
	}
}

// askMemory fills s.memory, and reports false before Linux 4.12.
func (s *socketCall) askMemory(raw syscall.RawConn) bool {
	_, err := s.getsockopt(raw, unix.SOL_SOCKET, unix.SO_MEMINFO, unsafe.Pointer(&s.memory), unsafe.Sizeof(s.memory))
	return err == nil
}

func (s *socketCall) askCongestion(raw syscall.RawConn) string {
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
	if s.isPlainTCP(raw) && s.askMemory(raw) {
		b.Drops, b.HaveDrops = uint64(s.memory[unix.SK_MEMINFO_DROPS]), true
	}
	return b, nil
}

// isPlainTCP is false for multipath TCP, which package net takes for listeners
// unless it is told not to: the drops are counted in a socket behind it.
func (s *socketCall) isPlainTCP(raw syscall.RawConn) bool {
	_, err := s.getsockopt(raw, unix.SOL_SOCKET, unix.SO_PROTOCOL, unsafe.Pointer(&s.protocol), unsafe.Sizeof(s.protocol))
	return err == nil && s.protocol == unix.IPPROTO_TCP
}
