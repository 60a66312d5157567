package metrics

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// Constants of linux/unix_diag.h. A request is a struct unix_diag_req, an answer a
// struct unix_diag_msg and attributes.
const (
	unixRequestLen = 24
	unixMessageLen = 16

	unixName   = 0 // UNIX_DIAG_NAME, an attribute: the address, without its family
	unixPeer   = 2 // UNIX_DIAG_PEER: the inode, uint32
	unixQueues = 4 // UNIX_DIAG_RQLEN: receive and send queue, uint32 each
	unixUID    = 7 // UNIX_DIAG_UID: uint32 (Linux 5.4)

	withUnixName, withUnixPeer, withUnixQueues, withUnixUID = 1 << 0, 1 << 2, 1 << 4, 1 << 6 // UDIAG_SHOW_…
)

func (h Host) unixSockets(f UnixFilter, s *UnixSocket, yield func() bool) error {
	owners, err := h.ownersFor(f.PID, f.Owner)
	if err != nil {
		return err
	}
	d, err := h.openDiagOf(f.PID)
	if err != nil {
		return fmt.Errorf("metrics: unix sockets: %w", err)
	}
	defer d.close()
	malformed := false
	err = noModule(d.query(unixRequest(f), func(payload []byte) bool {
		if malformed = !s.parse(payload); malformed {
			return false
		}
		if pid, ok := owners[s.Inode]; ok {
			s.PID = pid
			s.Have |= UnixPID
		} else if f.PID != 0 {
			return true
		}
		return yield()
	}))
	if malformed {
		err = errMalformed
	}
	if err != nil {
		return fmt.Errorf("metrics: unix sockets: %w", err)
	}
	return nil
}

// unixRequest returns a request for the sockets that match f.
func unixRequest(f UnixFilter) []byte {
	var r diagRequest
	req := r[unix.NLMSG_HDRLEN:]
	req[0] = unix.AF_UNIX
	states := uint32(f.States)
	if states == 0 {
		states = ^uint32(0)
	}
	binary.NativeEndian.PutUint32(req[4:], states)
	binary.NativeEndian.PutUint32(req[12:], withUnixName|withUnixPeer|withUnixQueues|withUnixUID)
	binary.NativeEndian.PutUint64(req[16:], ^uint64(0)) // any cookie
	return r.complete(unix.NLMSG_HDRLEN+unixRequestLen, unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
}

// parse fills s, except PID, from the payload of an answer. It returns false if that
// is malformed.
func (s *UnixSocket) parse(b []byte) bool {
	if len(b) < unixMessageLen || b[0] != unix.AF_UNIX {
		return false
	}
	*s = UnixSocket{
		Type: UnixType(b[1]), State: TCPState(b[2]),
		Inode:  uint64(binary.NativeEndian.Uint32(b[4:])),
		Cookie: uint64(binary.NativeEndian.Uint32(b[8:])) | uint64(binary.NativeEndian.Uint32(b[12:]))<<32,
	}
	// The kind of the name is 0, so the end is where there is no value.
	for kind, value, rest := attribute(b[unixMessageLen:]); value != nil; kind, value, rest = attribute(rest) {
		switch {
		case kind == unixName:
			s.Path = unixPath(value)
		case kind == unixPeer && len(value) == 4:
			s.Peer = uint64(binary.NativeEndian.Uint32(value))
			s.Have |= UnixPeer
		case kind == unixQueues && len(value) == 8:
			s.RecvQueue, s.SendQueue = binary.NativeEndian.Uint32(value), binary.NativeEndian.Uint32(value[4:])
			s.Have |= UnixQueues
		case kind == unixUID && len(value) == 4:
			s.UID = binary.NativeEndian.Uint32(value)
			s.Have |= UnixUID
		}
	}
	return true
}

// unixPath returns an address as text. An abstract one begins with a zero byte, and
// may hold more of them, which /proc/net/unix shows as "@" too.
func unixPath(address []byte) string {
	path := string(address)
	if strings.HasPrefix(path, "\x00") {
		return strings.ReplaceAll(path, "\x00", "@")
	}
	path, _, _ = strings.Cut(path, "\x00")
	return path
}
