package metrics

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// Constants of linux/inet_diag.h. A request for one socket is a struct
// inet_diag_req_v2. A request for all is a struct inet_diag_req and an optional
// filter: this older kind, which ss(8) uses too, covers both versions of IP in one
// walk of the kernel's table. An answer is a struct inet_diag_msg and attributes.
const (
	diagOneLen = 56
	diagAllLen = 60
	diagMsgLen = 72

	diagAll = 18 // TCPDIAG_GETSOCK, the type of a request for all and of the answers

	diagInfo     = 2  // INET_DIAG_INFO, an attribute: a tcpInfo
	diagCong     = 4  // INET_DIAG_CONG, an attribute: the name of the congestion control algorithm
	diagMemory   = 7  // INET_DIAG_SKMEMINFO, an attribute: SK_MEMINFO_VARS times uint32
	diagCgroupID = 21 // INET_DIAG_CGROUP_ID, an attribute: uint64 (Linux 5.8)

	withInfo   = 1 << (diagInfo - 1) // in a request: the attributes that answers must have
	withCong   = 1 << (diagCong - 1)
	withMemory = 1 << (diagMemory - 1)

	diagReqBytecode = 1 // INET_DIAG_REQ_BYTECODE, an attribute of a request
	sourcePortGE    = 2 // INET_DIAG_BC_S_GE
	sourcePortLE    = 3 // INET_DIAG_BC_S_LE

	newSynRecv = 12 // TCP_NEW_SYN_RECV: reported as SYN_RECV, but requested by its own bit
	allStates  = 1<<(newSynRecv+1) - 1
)

// A diagRequest is a request for one or all sockets, with room for a filter.
type diagRequest [unix.NLMSG_HDRLEN + diagAllLen + 4 + 16]byte

// forAll fills r with a request for the TCP sockets that match f, and returns its
// bytes.
func (r *diagRequest) forAll(f Filter) []byte {
	req := r[unix.NLMSG_HDRLEN:] // idiag_ext is at 3, idiag_states at 52
	req[3] = wantedOf(f)
	binary.NativeEndian.PutUint32(req[52:], statesOf(f))
	const filter = unix.NLMSG_HDRLEN + diagAllLen
	return r.complete(filter+r.addFilter(filter, f), diagAll, unix.NLM_F_DUMP)
}

// forFamily fills r with a request for the UDP sockets of a version of IP that match
// f, and returns its bytes.
func (r *diagRequest) forFamily(family uint8, f Filter) []byte {
	req := r[unix.NLMSG_HDRLEN:] // struct inet_diag_req_v2
	req[0], req[1], req[2] = family, unix.IPPROTO_UDP, wantedOf(f)
	binary.NativeEndian.PutUint32(req[4:], statesOf(f))
	const filter = unix.NLMSG_HDRLEN + diagOneLen
	return r.complete(filter+r.addFilter(filter, f), unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP)
}

// wantedOf returns the attributes that answers must have.
func wantedOf(f Filter) (wanted uint8) {
	if f.TCP && f.Protocol == ProtocolTCP {
		wanted |= withInfo | withCong
	}
	if f.Drops {
		wanted |= withMemory
	}
	return wanted
}

// statesOf returns the states in the bits of the kernel.
func statesOf(f Filter) uint32 {
	states := uint32(f.States)
	switch {
	case states == 0:
		states = allStates
	case f.States.Has(SynRecv):
		states |= 1 << newSynRecv
	}
	return states
}

// addFilter puts a filter for the local port at an offset in r, and returns its
// length; 0 if f has no port.
func (r *diagRequest) addFilter(at int, f Filter) int {
	if f.LocalPort == 0 {
		return 0
	}
	const length = 4 + 16
	code := r[at : at+length]
	binary.NativeEndian.PutUint16(code, length)
	binary.NativeEndian.PutUint16(code[2:], diagReqBytecode)
	// The filter is two tests: the source port is at least LocalPort, and at most.
	// Each is a struct inet_diag_bc_op and another one that holds the port. If a test
	// is true, the kernel continues "yes" bytes (8) further on, otherwise "no" bytes.
	// A socket matches if it arrives at the end of the code, and not if it goes past.
	test := func(at int, op uint8, no uint16) {
		const yes = 8
		code[at], code[at+1] = op, yes
		binary.NativeEndian.PutUint16(code[at+2:], no)
		binary.NativeEndian.PutUint16(code[at+6:], f.LocalPort)
	}
	test(4, sourcePortGE, 20)
	test(12, sourcePortLE, 12)
	return length
}

// forOne fills r with a request for the socket with these addresses, and returns
// its bytes.
func (r *diagRequest) forOne(local, remote netip.AddrPort) []byte {
	family := uint8(unix.AF_INET)
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	req := r[unix.NLMSG_HDRLEN:] // struct inet_diag_req_v2; its sockid is at 8
	req[0], req[1], req[2] = family, unix.IPPROTO_TCP, withInfo
	id := req[8:]
	binary.BigEndian.PutUint16(id, local.Port())
	binary.BigEndian.PutUint16(id[2:], remote.Port())
	copy(id[4:20], local.Addr().AsSlice())
	copy(id[20:36], remote.Addr().AsSlice())
	if zone := local.Addr().Zone(); zone != "" { // a link-local address belongs to one interface
		if i, err := net.InterfaceByName(zone); err == nil {
			binary.NativeEndian.PutUint32(id[36:], uint32(i.Index))
		}
	}
	binary.NativeEndian.PutUint64(id[40:], ^uint64(0)) // INET_DIAG_NOCOOKIE: any socket with these addresses
	return r.complete(unix.NLMSG_HDRLEN+diagOneLen, unix.SOCK_DIAG_BY_FAMILY, 0)
}

// complete fills in the struct nlmsghdr, except the sequence number, and returns
// the first n bytes of r.
func (r *diagRequest) complete(n int, kind, flags uint16) []byte {
	binary.NativeEndian.PutUint32(r[:], uint32(n))
	binary.NativeEndian.PutUint16(r[4:], kind)
	binary.NativeEndian.PutUint16(r[6:], flags|unix.NLM_F_REQUEST)
	return r[:n]
}

// A diagBuffer is for parseDiag, so that it allocates nothing for each socket.
type diagBuffer struct {
	info  tcpInfo
	names []string // of congestion control algorithms: a host uses few, one of them for nearly all sockets
}

// congestion returns an algorithm as a string.
func (buf *diagBuffer) congestion(name []byte) string {
	for _, known := range buf.names {
		if string(name) == known { // this comparison does not allocate
			return known
		}
	}
	buf.names = append(buf.names, string(name))
	return buf.names[len(buf.names)-1]
}

// parseDiag fills c, except PID, from the payload of an answer, and returns the ID of
// the socket's cgroup, or 0. ok is false if the payload is malformed.
func parseDiag(b []byte, protocol Protocol, c *Connection, buf *diagBuffer) (cgroup uint64, ok bool) {
	if len(b) < diagMsgLen {
		return 0, false
	}
	addr := func(at int) (a netip.Addr) {
		switch b[0] {
		case unix.AF_INET:
			return netip.AddrFrom4([4]byte(b[at:]))
		case unix.AF_INET6:
			return netip.AddrFrom16([16]byte(b[at:]))
		}
		return netip.Addr{}
	}
	*c = Connection{
		Protocol:  protocol,
		Local:     netip.AddrPortFrom(addr(8), binary.BigEndian.Uint16(b[4:])),
		Remote:    netip.AddrPortFrom(addr(24), binary.BigEndian.Uint16(b[6:])),
		State:     TCPState(b[1]),
		Have:      ConnectionCookie | ConnectionQueues,
		Cookie:    uint64(binary.NativeEndian.Uint32(b[44:])) | uint64(binary.NativeEndian.Uint32(b[48:]))<<32,
		RecvQueue: binary.NativeEndian.Uint32(b[56:]),
		SendQueue: binary.NativeEndian.Uint32(b[60:]),
		Inode:     uint64(binary.NativeEndian.Uint32(b[68:])),
	}
	if !c.Local.IsValid() {
		return 0, false
	}
	if c.Inode != 0 { // without an inode the socket has no owner, and the kernel reports user 0
		c.Have |= ConnectionInode | ConnectionUID
		c.UID = binary.NativeEndian.Uint32(b[64:])
	}
	for kind, value, rest := attribute(b[diagMsgLen:]); kind != 0; kind, value, rest = attribute(rest) {
		switch {
		case kind == diagInfo && c.State != Listen:
			n := buf.info.fill(value)
			buf.info.decode(&c.TCP, tcpFieldsIn(n))
			c.Have |= ConnectionTCP
		case kind == diagCong && c.State != Listen:
			name, _, _ := bytes.Cut(value, []byte{0})
			c.TCP.Congestion = buf.congestion(name)
		case kind == diagMemory && (c.State == Listen || protocol == ProtocolUDP) && len(value) >= 4*unix.SK_MEMINFO_VARS: // shorter before Linux 4.12, without drops
			c.Drops = uint64(binary.NativeEndian.Uint32(value[4*unix.SK_MEMINFO_DROPS:]))
			c.Have |= ConnectionDrops
		case kind == diagCgroupID && len(value) == 8:
			cgroup = binary.NativeEndian.Uint64(value)
		}
	}
	return cgroup, true
}
