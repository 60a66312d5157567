package metrics

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// parseStatSimply does the same as stat.parse in a slower and simpler way.
func parseStatSimply(in string) (name string, start uint64, ok bool) {
	open, end := strings.Index(in, "("), strings.LastIndex(in, ")")
	if open < 1 || end < open || len(in) < end+4 {
		return "", 0, false
	}
	if _, err := strconv.ParseUint(in[:open-1], 10, 31); err != nil {
		return "", 0, false
	}
	f := strings.Split(in[end+3:], " ")
	if len(f) < 20 || f[0] != "" {
		return "", 0, false
	}
	f[19], _, _ = strings.Cut(f[19], "\n")
	var values [20]uint64
	for i, word := range f[1:20] {
		n, err := strconv.ParseUint(word, 10, 64)
		if digits, negative := strings.CutPrefix(word, "-"); negative {
			n, err = strconv.ParseUint(digits, 10, 64)
			if n > 1<<63 {
				return "", 0, false
			}
			n = -n
		}
		if err != nil {
			return "", 0, false
		}
		values[i+1] = n
	}
	for _, ticks := range values[11:15] {
		if ticks > 922337203685 { // 292 years
			return "", 0, false
		}
	}
	return in[open+1 : end], values[19], true
}

func FuzzStat(f *testing.F) {
	for _, name := range []string{"sluice", "a) R 1 (b", "\n", "\xff", ""} {
		f.Add([]byte("42 (" + name + ")" + statTail))
	}
	f.Add([]byte("1 () S"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var got stat
		ok := got.parse(in)
		name, start, simpleOK := parseStatSimply(string(in))
		if ok != simpleOK {
			t.Fatalf("%q: got %v, the simple parser %v", in, ok, simpleOK)
		}
		if ok && (string(got.name) != name || got.start != start) {
			t.Errorf("%q: got %q and %d, the simple parser %q and %d", in, got.name, got.start, name, start)
		}
	})
}

// FuzzText gives arbitrary input to all other parsers of text. Values that they
// accept must be plausible.
func FuzzText(f *testing.F) {
	for _, seed := range []string{
		statTail, "1 2 3 4 5 6 7\n", "rchar: 1\nwchar: 2\n", "Uid:\t1\t2\t3\t4\nGid:\t1\t2\t3\t4\n", "0-3,8\n",
		"voluntary_ctxt_switches:\t1\nnonvoluntary_ctxt_switches:\t2\n", "Max open files            1024                 4096                 files\n",
		"pos:\t1\nflags:\t02\n", "socket:[1]", "MemTotal: 10 kB\nMemFree: 5 kB\nMemAvailable: 7 kB\n", "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n",
		"  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", "0::/a/b\n4:memory,cpu:/c\n", "cpu0 1\ncpu1 2\n", "Node 0, zone DMA\n        low      12\n",
		"cpu  1 2 3 4 5 6 7 8 9 10\ncpu0 1 2 3 4\n", "TcpExt: ListenOverflows ListenDrops\nTcpExt: 1 2\n",
		"7000-8000 rw-s 00000000 00:00 0 /a\nRss: 1 kB\n", string(utmpLayouts[0].record(utmpUserType, loggedIn[0])),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		(&Memory{}).parse(in)
		(&IO{}).parse(in)
		(&Owner{}).parse(in)
		(&Switches{}).add(in)
		(&Footprint{}).parse(in)
		(&OpenFile{}).parseInfo(in)
		parseLimits(in)
		parseNetIO(in)
		parseDisks(in)
		socketInode(in)
		lowWatermark(in)
		countCPULines(in)
		spacedNumberOf(in, "pswpin")
		(&HostTCP{}).parse(in)
		if c, err := parseCPU(in); err == nil && c.Total.Number != -1 {
			t.Errorf("%q: got %+v", in, c)
		}
		if maps, ok := parseMaps(in); ok {
			for _, m := range maps {
				if m.End < m.Start || len(m.Access) != 4 {
					t.Errorf("%q: got %+v", in, m)
				}
			}
		}
		if users, ok := parseUsers(in); ok && len(users) > len(in)/utmpLayouts[0].size {
			t.Errorf("%q: got %d users", in, len(users))
		}
		if n := countList(in); n < 0 {
			t.Errorf("%q: %d processors", in, n)
		}
		if got := bytes.Join(bytesOfStrings(splitStrings(in)), []byte{0}); !bytes.Equal(got, bytes.TrimSuffix(in, []byte{0})) {
			t.Errorf("%q: came back as %q", in, got)
		}
		if group, ok := parseCgroup(in, "memory"); ok && (group[0] != '/' || strings.Contains(group, "/../")) {
			t.Errorf("%q: got the path %q, which leads out of the tree", in, group)
		}
		if m, ok := parseMemory(in); ok && (m.Available > m.Total || m.Used > m.Total) {
			t.Errorf("%q: got %+v", in, m)
		}
	})
}

func bytesOfStrings(all []string) (b [][]byte) {
	for _, s := range all {
		b = append(b, []byte(s))
	}
	return b
}

// message returns a netlink message.
func message(kind uint16, seq uint32, payload []byte) []byte {
	b := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(payload))
	binary.NativeEndian.PutUint32(b, uint32(unix.NLMSG_HDRLEN+len(payload)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	binary.NativeEndian.PutUint32(b[8:], seq)
	return append(b, payload...)
}

// row returns the payload of an answer with a connection and its TCP_INFO.
func row() []byte {
	b := make([]byte, diagMsgLen, 512)
	b[0], b[1] = unix.AF_INET, uint8(Established)
	copy(b[4:], []byte{0, 80, 0x30, 0x39})
	copy(b[8:], []byte{192, 0, 2, 1})
	copy(b[24:], []byte{192, 0, 2, 2})
	binary.NativeEndian.PutUint32(b[44:], 7) // cookie
	binary.NativeEndian.PutUint32(b[48:], 1)
	binary.NativeEndian.PutUint32(b[56:], 11) // queues
	binary.NativeEndian.PutUint32(b[60:], 12)
	binary.NativeEndian.PutUint32(b[64:], 1000) // user
	binary.NativeEndian.PutUint32(b[68:], 4711) // inode
	info := filled()
	b = binary.NativeEndian.AppendUint16(b, uint16(4+tcpInfoSize))
	b = binary.NativeEndian.AppendUint16(b, diagInfo)
	b = append(b, bytesOf(&info)...)
	b = binary.NativeEndian.AppendUint16(b, 12)
	b = binary.NativeEndian.AppendUint16(b, diagCgroupID)
	return binary.NativeEndian.AppendUint64(b, 99)
}

func TestParseDiag(t *testing.T) {
	var got Connection
	var info diagBuffer
	cgroup, ok := parseDiag(row(), ProtocolTCP, &got, &info)
	want := Connection{
		Local: netip.MustParseAddrPort("192.0.2.1:80"), Remote: netip.MustParseAddrPort("192.0.2.2:12345"),
		State: Established, Have: ConnectionUID | ConnectionInode | ConnectionCookie | ConnectionQueues | ConnectionTCP,
		UID: 1000, Inode: 4711, Cookie: 1<<32 | 7, RecvQueue: 11, SendQueue: 12, TCP: got.TCP,
	}
	if !ok || cgroup != 99 || got != want || got.TCP.Have != allTCPInfoFields {
		t.Errorf("got %v, cgroup %d and\n%+v, want\n%+v", ok, cgroup, got, want)
	}
	for n := range row() { // cut off anywhere
		_, ok := parseDiag(row()[:n], ProtocolTCP, &got, &info)
		if want := n >= diagMsgLen; ok != want {
			t.Errorf("%d bytes: got %v, want %v", n, ok, want)
		}
		if whole := diagMsgLen + 4 + tcpInfoSize; ok && n < whole && got.Have.Has(ConnectionTCP) {
			t.Errorf("%d bytes: TCP_INFO is present, but ends at %d", n, whole)
		}
	}
	orphan := row()
	clear(orphan[68:72])
	if parseDiag(orphan, ProtocolTCP, &got, &info); got.Have.Has(ConnectionUID) || got.Have.Has(ConnectionInode) {
		t.Errorf("without an inode: got %+v, want no user and no inode", got)
	}
	other := row()
	other[0] = unix.AF_UNIX
	if _, ok := parseDiag(other, ProtocolTCP, &got, &info); ok {
		t.Errorf("of another family: got %+v, want false", got)
	}
}

func TestMessages(t *testing.T) {
	const seq = 5
	code := func(n int32) []byte { return binary.NativeEndian.AppendUint32(nil, uint32(n)) }
	odd := append(message(unix.SOCK_DIAG_BY_FAMILY, seq, []byte("abc")), 0) // padded to 4
	join := func(all ...[]byte) []byte { return bytes.Join(all, nil) }
	for _, tt := range []struct {
		name string
		in   []byte
		want []string
		last bool
		err  error
	}{
		{"two and no end", join(odd, message(unix.SOCK_DIAG_BY_FAMILY, seq, []byte("defg"))), []string{"abc", "defg"}, false, nil},
		{"of the older kind", message(diagAll, seq, []byte("abcd")), []string{"abcd"}, false, nil},
		{"an overrun", message(unix.NLMSG_OVERRUN, seq, nil), nil, false, unix.ENOBUFS},
		{"an error without a number", message(unix.NLMSG_ERROR, seq, []byte{1}), nil, false, errMalformed},
		{"one and the end", join(odd, message(unix.NLMSG_DONE, seq, code(0))), []string{"abc"}, true, nil},
		{"the end without a number", message(unix.NLMSG_DONE, seq, nil), nil, true, nil},
		{"the end with an error", message(unix.NLMSG_DONE, seq, code(-int32(unix.EINVAL))), nil, true, unix.EINVAL},
		{"an error", message(unix.NLMSG_ERROR, seq, code(-int32(unix.ENOENT))), nil, false, unix.ENOENT},
		{"the smallest number", message(unix.NLMSG_ERROR, seq, code(-1<<31)), nil, false, syscall.Errno(1 << 31)},
		{"an acknowledgement", message(unix.NLMSG_ERROR, seq, code(0)), nil, false, nil},
		{"an answer to another request", message(unix.SOCK_DIAG_BY_FAMILY, seq+1, []byte("abcd")), nil, false, nil},
		{"of another kind", message(unix.NLMSG_NOOP, seq, []byte("abcd")), nil, false, nil},
		{"cut off in the header", odd[:10], nil, false, errMalformed},
		{"cut off in the payload", odd[:17], nil, false, errMalformed},
		{"shorter than its header", func() []byte { b := bytes.Clone(odd); b[0] = 15; return b }(), nil, false, errMalformed},
		{"nothing", nil, nil, false, nil},
	} {
		var got []string
		last, err := eachMessage(tt.in, seq, func(p []byte) bool { got = append(got, string(p)); return true })
		if last != tt.last || !errors.Is(err, tt.err) || strings.Join(got, " ") != strings.Join(tt.want, " ") {
			t.Errorf("%s: got %q, %v and %v, want %q, %v and %v", tt.name, got, last, err, tt.want, tt.last, tt.err)
		}
	}
	calls := 0
	last, err := eachMessage(join(odd, odd), seq, func([]byte) bool { calls++; return false })
	if !last || err != nil || calls != 1 {
		t.Errorf("after false: got %d calls, %v and %v, want 1", calls, last, err)
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(message(unix.SOCK_DIAG_BY_FAMILY, 1, row()))
	f.Add(append(message(unix.SOCK_DIAG_BY_FAMILY, 1, row()[:100]), message(unix.NLMSG_DONE, 1, nil)...))
	f.Add(message(unix.NLMSG_ERROR, 1, []byte{0, 0, 0, 0x80}))
	f.Fuzz(func(t *testing.T, in []byte) {
		(&UnixSocket{}).parse(in)
		messages := 0
		_, err := eachMessage(in, 1, func(payload []byte) bool {
			messages++
			var c Connection
			var info diagBuffer
			if _, ok := parseDiag(payload, ProtocolTCP, &c, &info); ok && (!c.Local.IsValid() || c.TCP.InFlight > 1<<63) {
				t.Errorf("%x: got %+v", payload, c)
			}
			return true
		})
		if messages > len(in)/unix.NLMSG_HDRLEN {
			t.Errorf("%d messages in %d bytes", messages, len(in))
		}
		var errno syscall.Errno
		if err != nil && !errors.Is(err, errMalformed) && !errors.As(err, &errno) {
			t.Errorf("got %v, want an errno", err)
		}
	})
}

func FuzzDirectoryEntries(f *testing.F) {
	entry := make([]byte, 24)
	binary.NativeEndian.PutUint16(entry[16:], 24)
	copy(entry[19:], "1234")
	f.Add(entry)
	f.Add(append(bytes.Clone(entry), entry...))
	f.Fuzz(func(t *testing.T, in []byte) {
		eachName(in, func(name []byte) bool {
			if len(name) == 0 || name[0] == '.' || bytes.IndexByte(name, 0) >= 0 {
				t.Errorf("got name %q", name)
			}
			return true
		})
	})
}
