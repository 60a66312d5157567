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

// answerSize is the largest buffer that the kernel fills by one read of a netlink
// dump.
const answerSize = 32 << 10

var answers = sync.Pool{New: func() any { return new([answerSize]byte) }}

// A diag is a netlink socket for sock_diag(7). Any user may open one.
type diag struct {
	fd         int
	seq        uint32    // sequence number of the requests
	answeredAt time.Time // when the present answer was read
}

var diagSeq atomic.Uint32

// openDiag opens a diag. The caller must close it.
func openDiag() (*diag, error) {
	if errno := injectedError("socket"); errno != 0 {
		return nil, diagError("socket", errno)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return nil, diagError("socket", err)
	}
	// After connect no other process can send to this socket.
	if err := unix.Connect(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		_ = unix.Close(fd)
		return nil, diagError("connect", err)
	}
	return &diag{fd: fd, seq: diagSeq.Add(1)}, nil
}

func (d *diag) close() { _ = unix.Close(d.fd) }

// query sends a request, after it has filled in the sequence number, and calls each
// with the payload of each message of the answer, until each returns false. A
// payload is valid until each returns.
func (d *diag) query(request []byte, each func(payload []byte) bool) error {
	binary.NativeEndian.PutUint32(request[8:], d.seq)
	isDump := binary.NativeEndian.Uint16(request[6:])&unix.NLM_F_DUMP != 0
	if errno := injectedError("send"); errno != 0 {
		return diagError("write", errno)
	}
	if _, err := unix.Write(d.fd, request); err != nil {
		return diagError("write", err)
	}
	buf := answers.Get().(*[answerSize]byte)
	defer answers.Put(buf)
	for {
		n, err := read("recv", d.fd, buf[:])
		if err != nil { // ENOBUFS: the receive buffer was full, and a part of the answer is lost
			return diagError("read", err)
		}
		if n == 0 {
			return diagError("sock_diag", errMalformed)
		}
		d.answeredAt = time.Now()
		last, err := eachMessage(buf[:n], d.seq, each)
		if err != nil {
			return diagError("sock_diag", err)
		}
		if last || !isDump {
			return nil
		}
	}
}

// dump queries all sockets that match f.
func (d *diag) dump(f Filter, each func(payload []byte) bool) error {
	if f.Protocol == ProtocolTCP {
		var request diagRequest
		return noModule(d.query(request.forAll(f), each))
	}
	more := true
	for _, family := range [...]uint8{unix.AF_INET, unix.AF_INET6} {
		var request diagRequest
		err := d.query(request.forFamily(family, f), func(payload []byte) bool {
			more = each(payload)
			return more
		})
		if err != nil || !more {
			return noModule(err)
		}
	}
	return nil
}

// noModule returns errors.ErrUnsupported for the errors of a dump if the kernel lacks
// the module for its protocol, and otherwise err.
func noModule(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EOPNOTSUPP) { // no module such as tcp_diag, or no module inet_diag
		return errors.ErrUnsupported
	}
	return err
}

// diagError adds the name of the call to err, or returns errors.ErrUnsupported.
func diagError(call string, err error) error {
	if errors.Is(err, unix.EPROTONOSUPPORT) || errors.Is(err, unix.ENOSYS) { // no netlink, or no sock_diag, in this kernel
		return errors.ErrUnsupported
	}
	return os.NewSyscallError(call, err)
}

// eachMessage calls each with the payloads of the netlink messages in b that have
// the sequence number seq. last is true after the last message of an answer, and if
// each returned false. The error is an errno or errMalformed.
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
			case unix.NLMSG_OVERRUN: // earlier messages are lost
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

// answerError returns the error at the beginning of NLMSG_ERROR and NLMSG_DONE,
// which is a negative errno, or nil. NLMSG_DONE may lack it.
func answerError(payload []byte) error {
	if len(payload) < 4 {
		return nil
	}
	if code := int32(binary.NativeEndian.Uint32(payload)); code < 0 {
		return syscall.Errno(-int64(code))
	}
	return nil
}

// attribute returns the first attribute of b, see netlink(7), and the rest of b.
// kind is 0 if b is empty or malformed.
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
