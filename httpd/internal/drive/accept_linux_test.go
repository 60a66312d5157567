package drive

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
)

const getSmall = "GET /small HTTP/1.1\r\nHost: a\r\n\r\n"

// exhaust leaves the process no descriptor; the first of the returned files can be closed
// to give it one. The limit of before comes back when the test ends.
func exhaust(t *testing.T) (files []*os.File) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		t.Fatal(err)
	}
	low := before
	low.Cur = 128
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, f := range files {
			_ = f.Close()
		}
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
			t.Error(err)
		}
	})
	for {
		f, err := os.Open(os.DevNull)
		if errors.Is(err, unix.EMFILE) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
}

// rawClients returns sockets that are not connected yet, so that connect needs no
// descriptor.
func rawClients(t *testing.T, n int) (fds []int) {
	t.Helper()
	for range n {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}); err != nil {
			t.Fatal(err)
		}
		fds = append(fds, fd)
	}
	return fds
}

// sendRaw connects a socket and sends a request.
func (r *rig) sendRaw(t *testing.T, fd int) {
	t.Helper()
	addr := netip.MustParseAddrPort(r.addr)
	err := unix.Connect(fd, &unix.SockaddrInet4{Addr: addr.Addr().As4(), Port: int(addr.Port())})
	if err == nil {
		_, err = unix.Write(fd, []byte(getSmall))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// readRaw returns what comes first.
func readRaw(t *testing.T, fd int) string {
	t.Helper()
	p := make([]byte, 4096)
	n, err := ignoringEINTR(func() (int, error) { return unix.Read(fd, p) }) // the kernel does not restart a read with a time limit
	if err != nil {
		t.Fatal(err)
	}
	return string(p[:n])
}

func TestAcceptWithoutDescriptors(t *testing.T) {
	const spares = 8
	var drops, refused atomic.Int32
	var dropped atomic.Pointer[os.File] // an idle file
	mayRefuse := make(chan struct{}, spares+10)
	r := newRig(t, 1, func(c *Config) {
		c.DropIdle = func() bool {
			drops.Add(1)
			f := dropped.Swap(nil)
			return f != nil && f.Close() == nil
		}
		c.Refuse = func(c *netconn.Conn) {
			refused.Add(1)
			<-mayRefuse
			_, _ = io.WriteString(c, "no room")
		}
	})
	r.dial(t).get(t, "small") // so that it is cached
	clients := rawClients(t, 1+1+spares+1)
	files := exhaust(t)

	dropped.Store(files[0])
	r.sendRaw(t, clients[0])
	if got := readRaw(t, clients[0]); !strings.HasPrefix(got, "HTTP/1.1 200 ") {
		t.Errorf("after an idle file was closed the client gets %q", got)
	}

	mayRefuse <- struct{}{}
	r.sendRaw(t, clients[1])
	if got := readRaw(t, clients[1]); got != "no room" {
		t.Errorf("with a spare descriptor the client gets %q", got)
	}

	for _, fd := range clients[2:] {
		r.sendRaw(t, fd)
	}
	await(t, func() bool { return refused.Load() == 1+spares })
	before := drops.Load()
	await(t, func() bool { return drops.Load() >= before+2 }) // it pauses, and tries again
	if n := refused.Load(); n != 1+spares {
		t.Errorf("%d clients are refused at once with %d spare descriptors", n-1, spares)
	}
	for range spares + 1 {
		mayRefuse <- struct{}{}
	}
	for _, fd := range clients[2:] {
		if got := readRaw(t, fd); got != "no room" {
			t.Errorf("after the pause the client gets %q", got)
		}
	}
	for _, f := range files {
		_ = f.Close()
	}
	await(t, r.spare.Take)
	r.dial(t).get(t, "small")
}

// readLine is a Prepare that reads a line, and says when it has something.
func readLine(began func()) func(c *netconn.Conn) ([]byte, error) {
	return func(c *netconn.Conn) ([]byte, error) {
		var in []byte
		for {
			p := make([]byte, 4096)
			n, err := c.Read(p)
			if err != nil {
				return nil, err
			}
			began()
			in = append(in, p[:n]...)
			if line, rest, ok := bytes.Cut(in, []byte("\n")); ok {
				if string(line) != "PROXY" {
					return nil, errors.New("not a header")
				}
				return rest, nil
			}
		}
	}
}

func TestHeadersOfProxies(t *testing.T) {
	var hasRoom atomic.Bool
	began := make(chan struct{}, 10)
	r := newRig(t, 1, func(c *Config) {
		c.IsProxy = func(netip.AddrPort) bool { return true }
		c.Prepare = readLine(func() { began <- struct{}{} })
		enter := c.Enter
		c.Enter = func(c *netconn.Conn, now time.Time) error {
			if !hasRoom.Load() {
				return live.ErrTooMany
			}
			return enter(c, now)
		}
	})
	for _, tt := range []struct {
		name    string
		sends   []string // one by one
		hasRoom bool
		want    string // what the response begins with; "": an end
	}{
		{"a request that comes after the header", []string{"PROXY\n", getSmall}, true, "HTTP/1.1 200 "},
		{"a request that comes with the header", []string{"PROXY\n" + getSmall}, true, "HTTP/1.1 200 "},
		{"a part of a request that comes with the header", []string{"PROXY\n" + getSmall[:7], getSmall[7:]}, true, "HTTP/1.1 200 "},
		{"a header in pieces", []string{"PRO", "XY\n" + getSmall}, true, "HTTP/1.1 200 "},
		{"no room", []string{"PROXY\n" + getSmall}, false, "no room"},
		{"another header", []string{"NONE\n" + getSmall}, true, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			hasRoom.Store(tt.hasRoom)
			c := r.dial(t)
			for i, s := range tt.sends {
				if _, err := io.WriteString(c, s); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					<-began
				}
			}
			got, err := c.in.Peek(max(len(tt.want), 1))
			if string(got) != tt.want || (err == nil) != (tt.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

// A holder makes a loop wait in IsProxy, where no other thread replaces it.
type holder struct {
	armed            atomic.Bool
	arrived, release chan struct{}
}

func newHolder() *holder { return &holder{arrived: make(chan struct{}), release: make(chan struct{})} }

// hold waits if the holder is armed, once.
func (h *holder) hold() {
	if h.armed.Swap(false) {
		h.arrived <- struct{}{}
		<-h.release
	}
}

func TestDrainAnswersWhatHasCome(t *testing.T) {
	for _, tt := range []struct {
		name    string
		isProxy bool
		header  string
	}{
		{"from clients", false, ""},
		{"from proxies", true, "PROXY\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHolder()
			r := newRig(t, 1, func(c *Config) {
				c.IsProxy = func(netip.AddrPort) bool { h.hold(); return tt.isProxy }
				c.Prepare = readLine(func() {})
			})
			early, idle := r.dial(t), r.dial(t)
			for _, c := range []*client{early, idle} {
				_, _ = io.WriteString(c, tt.header)
				c.get(t, "small")
			}
			h.armed.Store(true)
			var waiting []*client // more than the loop accepts in one turn
			send := func() {
				c := r.dial(t)
				if _, err := io.WriteString(c, tt.header+getSmall); err != nil {
					t.Fatal(err)
				}
				waiting = append(waiting, c)
			}
			send()
			<-h.arrived
			for range maxAccept + 6 {
				send()
			}
			early.request(t, "small")
			r.closing.Store(true)
			r.BeginDrain()
			close(h.release)
			for i, c := range append(waiting, early) {
				if n := c.response(t); n != 1000 {
					t.Errorf("client %d gets %d bytes", i, n)
				}
			}
			if _, err := idle.in.ReadByte(); err != io.EOF {
				t.Errorf("the idle connection ends with %v", err)
			}
			if err := r.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
}

// The connections that wait at the end find room as all others do.
func TestDrainWithoutDescriptorsAnswersWhatHasCome(t *testing.T) {
	h := newHolder()
	idle := make(chan *os.File, 100) // files that nobody uses
	r := newRig(t, 1, func(c *Config) {
		c.IsProxy = func(netip.AddrPort) bool { h.hold(); return false }
		c.DropIdle = func() bool {
			select {
			case f := <-idle:
				return f.Close() == nil
			default:
				return false
			}
		}
	})
	r.dial(t).get(t, "small") // which opens the file
	clients := rawClients(t, maxAccept+6)
	h.armed.Store(true)
	r.sendRaw(t, clients[0])
	<-h.arrived
	for _, fd := range clients[1:] {
		r.sendRaw(t, fd)
	}
	files := exhaust(t)
	for _, f := range files {
		idle <- f
	}
	r.closing.Store(true)
	r.BeginDrain()
	close(h.release)
	for i, fd := range clients {
		if got := readRaw(t, fd); !strings.HasPrefix(got, "HTTP/1.1 200 ") && !strings.HasPrefix(got, "HTTP/1.1 503 ") {
			t.Errorf("client %d got %q", i, got)
		}
	}
	if err := r.Wait(t.Context()); err != nil {
		t.Error(err)
	}
}
