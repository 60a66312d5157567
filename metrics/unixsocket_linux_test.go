package metrics

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/internal/nettest"
)

// unixRows returns the unix sockets that match f.
func unixRows(t *testing.T, f UnixFilter) (all []UnixSocket) {
	t.Helper()
	for s, err := range (Host{}).UnixSockets(f) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, *s)
	}
	return all
}

func TestUnixSocketsOfAConnection(t *testing.T) {
	nettest.CheckLeaks(t)
	name := filepath.Join(nettest.TempDir(t), "s")
	ln, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	ours := func() (all []UnixSocket) { // the listener, and the ends of the connection
		for _, s := range unixRows(t, UnixFilter{PID: os.Getpid()}) {
			if s.Path == name || s.Have.Has(UnixPeer) {
				all = append(all, s)
			}
		}
		slices.SortFunc(all, func(a, b UnixSocket) int { return int(b.State) - int(a.State) })
		return all
	}
	before := len(ours())
	client, err := net.Dial("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	all := ours()
	if l := all[0]; len(all) != before+1 || l.State != Listen || l.Path != name || l.Type != UnixStream || l.RecvQueue != 1 || l.SendQueue == 0 ||
		!l.Have.Has(UnixQueues|UnixPID|UnixUID) || l.UID != uint32(os.Getuid()) || l.PID != os.Getpid() || l.Inode == 0 {
		t.Errorf("the listener: got %+v, want one connection that waits", l)
	}
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	if _, err := client.Write([]byte("12345")); err != nil {
		t.Fatal(err)
	}
	byInode := make(map[uint64]UnixSocket)
	for _, s := range ours() {
		byInode[s.Inode] = s
	}
	found := false
	for _, s := range byInode {
		if s.Path == name && s.State == Established {
			found = true
			if peer := byInode[s.Peer]; s.RecvQueue != 5 || peer.Peer != s.Inode || peer.Path != "" || peer.State != Established {
				t.Errorf("the server's end: got %+v, want 5 bytes, and the client as peer: %+v", s, peer)
			}
		}
	}
	if !found {
		t.Errorf("the server's end is missing in %+v", byInode)
	}
	if got := unixRows(t, UnixFilter{States: States(Listen), PID: os.Getpid()}); len(got) != 1 || got[0].Path != name {
		t.Errorf("listeners: got %+v, want %s", got, name)
	}
	if got := unixRows(t, UnixFilter{}); slices.ContainsFunc(got, func(s UnixSocket) bool { return s.Have.Has(UnixPID) }) {
		t.Error("without Owner: got a PID")
	}
	if got := unixRows(t, UnixFilter{Owner: true}); !slices.ContainsFunc(got, func(s UnixSocket) bool { return s.PID == os.Getpid() && s.Path == name }) {
		t.Error("with Owner: got no socket of this process")
	}
}

func TestParseUnixSocket(t *testing.T) {
	message := func(attributes ...any) []byte { // kind and value in turn
		b := make([]byte, unixMessageLen)
		b[0], b[1], b[2] = unix.AF_UNIX, byte(UnixSeqpacket), byte(Established)
		binary.NativeEndian.PutUint32(b[4:], 4711)
		binary.NativeEndian.PutUint32(b[8:], 7)
		binary.NativeEndian.PutUint32(b[12:], 1)
		for i := 0; i < len(attributes); i += 2 {
			value := []byte(attributes[i+1].(string))
			b = binary.NativeEndian.AppendUint16(b, uint16(4+len(value)))
			b = binary.NativeEndian.AppendUint16(b, uint16(attributes[i].(int)))
			b = append(b, value...)
			b = append(b, make([]byte, align4(len(value))-len(value))...)
		}
		return b
	}
	four := func(n uint32) string { return string(binary.NativeEndian.AppendUint32(nil, n)) }
	bare := UnixSocket{Type: UnixSeqpacket, State: Established, Inode: 4711, Cookie: 1<<32 | 7}
	with := func(change func(*UnixSocket)) UnixSocket { s := bare; change(&s); return s }
	for _, tt := range []struct {
		name string
		in   []byte
		want UnixSocket
	}{
		{"nothing more", message(), bare},
		{"a path", message(unixName, "/run/s"), with(func(s *UnixSocket) { s.Path = "/run/s" })},
		{"a path that ends in zero", message(unixName, "/run/s\x00"), with(func(s *UnixSocket) { s.Path = "/run/s" })},
		{"an abstract name", message(unixName, "\x00a\x00b"), with(func(s *UnixSocket) { s.Path = "@a@b" })},
		{"an empty name, and more", message(unixName, "", unixPeer, four(9)), with(func(s *UnixSocket) { s.Peer, s.Have = 9, UnixPeer })},
		{"queues and user", message(unixQueues, four(1)+four(2), unixUID, four(1000)), with(func(s *UnixSocket) {
			s.RecvQueue, s.SendQueue, s.UID, s.Have = 1, 2, 1000, UnixQueues|UnixUID
		})},
		{"an attribute of another length", message(unixQueues, four(1)), bare},
		{"an unknown attribute", message(99, "x"), bare},
	} {
		got := UnixSocket{Path: "old", Have: UnixPID}
		if !got.parse(tt.in) || got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
	for n := range unixMessageLen {
		if s := (UnixSocket{}); s.parse(message()[:n]) {
			t.Errorf("%d bytes: got %+v, want false", n, s)
		}
	}
	if names := fmt.Sprint(UnixStream, UnixDatagram, UnixSeqpacket, UnixType(9)); names != "stream dgram seqpacket unknown" {
		t.Errorf("got %s", names)
	}
}
