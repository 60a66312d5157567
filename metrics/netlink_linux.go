package metrics

import (
	"encoding/binary"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// answerSize is room for one answer of the kernel, which fills as much as it
// is offered, up to 32 KiB.
const answerSize = 32 << 10

var answers = sync.Pool{New: func() any { return new([answerSize]byte) }}

// A diag is a socket to the kernel's sock_diag, see sock_diag(7). It serves
// any user.
type diag struct {
	fd   int
	seq  uint32
	told time.Time // when the answer now being handed out was given
}

var diagSeq atomic.Uint32

func openDiag() (*diag, error) {
	if errno := failure("socket"); errno != 0 {
		return nil, diagError("socket", errno)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, diagError("socket", err)
	}
	// Once it is connected to the kernel no other process can send to it.
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		_ = unix.Close(fd)
		return nil, diagError("connect", err)
	}
	return &diag{fd: fd, seq: diagSeq.Add(1)}, nil
}

func (d *diag) close() { _ = unix.Close(d.fd) }

// ask sends a request, which lacks but its sequence number, and hands the
// payload of each message of the answer to each, until that returns false. A
// payload is valid until each returns.
func (d *diag) ask(request []byte, each func(payload []byte) bool) error {
	binary.NativeEndian.PutUint32(request[8:], d.seq)
	isDump := binary.NativeEndian.Uint16(request[6:])&unix.NLM_F_DUMP != 0
	if errno := failure("send"); errno != 0 {
		return diagError("write", errno)
	}
	if _, err := unix.Write(d.fd, request); err != nil {
		return diagError("write", err)
	}
	buf := answers.Get().(*[answerSize]byte)
	defer answers.Put(buf)
	for {
		n, err := read("recv", d.fd, buf[:])
		if err != nil { // ENOBUFS: the kernel had no room, and part of the answer is lost
			return diagError("read", err)
		}
		if n == 0 {
			return diagError("sock_diag", errMalformed)
		}
		d.told = time.Now()
		last, err := eachMessage(buf[:n], d.seq, each)
		if err != nil {
			return diagError("sock_diag", err)
		}
		if last || !isDump {
			return nil
		}
	}
}

// dump asks for all that match f.
func (d *diag) dump(f Filter, each func(payload []byte) bool) error {
	var request diagRequest
	err := d.ask(request.all(f), each)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) { // no module tcp_diag, or no inet_diag either
		return errors.ErrUnsupported
	}
	return err
}

// diagError names the call that failed.
func diagError(call string, err error) error {
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ENOSYS) { // no netlink, or no sock_diag, in this kernel
		return errors.ErrUnsupported
	}
	return os.NewSyscallError(call, err)
}

// eachMessage hands the payloads of netlink messages to each. It returns true
// after the last message of an answer, and when each returned false. An error
// is an errno, or errMalformed.
func eachMessage(b []byte, seq uint32, each func(payload []byte) bool) (last bool, err error) {
	for len(b) > 0 {
		if len(b) < unix.NLMSG_HDRLEN {
			return false, errMalformed
		}
		n := int(binary.NativeEndian.Uint32(b))
		if n < unix.NLMSG_HDRLEN || n > len(b) {
			return false, errMalformed
		}
		kind, payload := binary.NativeEndian.Uint16(b[4:]), b[unix.NLMSG_HDRLEN:n]
		if binary.NativeEndian.Uint32(b[8:]) == seq {
			switch kind {
			case unix.NLMSG_DONE:
				return true, answerError(payload)
			case unix.NLMSG_ERROR:
				if len(payload) < 4 {
					return false, errMalformed
				}
				if err := answerError(payload); err != nil {
					return false, err
				}
			case unix.NLMSG_OVERRUN: // something before it is lost
				return false, unix.ENOBUFS
			case unix.SOCK_DIAG_BY_FAMILY, diagAll:
				if !each(payload) {
					return true, nil
				}
			}
		}
		b = b[min(align4(n), len(b)):]
	}
	return false, nil
}

// answerError returns the error with which NLMSG_ERROR and NLMSG_DONE begin,
// as an errno with its sign changed. A DONE may be without.
func answerError(payload []byte) error {
	if len(payload) < 4 {
		return nil
	}
	if code := int32(binary.NativeEndian.Uint32(payload)); code < 0 {
		return syscall.Errno(-int64(code))
	}
	return nil
}

// attribute returns the first attribute of b, see netlink(7), and what comes
// after it. The type is 0 at the end and before anything malformed.
func attribute(b []byte) (kind uint16, value, rest []byte) {
	const headerLen = 4
	if len(b) < headerLen {
		return 0, nil, nil
	}
	n := int(binary.NativeEndian.Uint16(b))
	if n < headerLen || n > len(b) {
		return 0, nil, nil
	}
	return binary.NativeEndian.Uint16(b[2:]), b[headerLen:n], b[min(align4(n), len(b)):]
}

func align4(n int) int { return (n + 3) &^ 3 }
