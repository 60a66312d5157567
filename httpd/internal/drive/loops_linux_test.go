package drive

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/residence"
	"sluice/internal/vfs"
)

// A rig is Loops that serve a directory.
type rig struct {
	*Loops
	addr     string
	dir      string
	registry *live.Registry
	closing  atomic.Bool
	handed   chan *netconn.Conn
	panics   chan any
	released chan struct{}
}

// newRig starts a number of loops that share one socket; change may change their
// configuration before.
func newRig(t testing.TB, loops int, change func(*Config)) *rig {
	t.Helper()
	nettest.CheckLeaks(t)
	r := &rig{dir: nettest.TempDir(t), registry: new(live.Registry), handed: make(chan *netconn.Conn, 10), panics: make(chan any, 10), released: make(chan struct{})}
	for name, size := range map[string]int64{"small": 1000, "large": 64 << 20} {
		f, err := os.Create(filepath.Join(r.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	root, err := vfs.Open(r.dir)
	if err != nil {
		t.Fatal(err)
	}
	cache := &filecache.Cache{Tree: root, Valid: time.Hour}
	handler := &h1conn.Handler{Planner: plan.New(plan.Config{Files: cache, Tree: root})}
	config := Config{
		Server: &h1conn.Server{
			Handler: func() *h1conn.Handler { return handler }, Base: context.Background(), Closing: &r.closing,
			ClientOf: func(remote netip.AddrPort, _, _ []string) netip.AddrPort { return remote },
			Refused:  func(*netconn.Conn, string, []byte) {},
		},
		Sockets: []int{listeningSocket(t, &r.addr)}, Loops: loops,
		Released: func() { close(r.released) },
		IsProxy:  func(netip.AddrPort) bool { return false },
		Enter: func(c *netconn.Conn, now time.Time) error {
			return c.Enter(r.registry, live.HTTP, false, now)
		},
		Refuse:   func(c *netconn.Conn) { _, _ = io.WriteString(c, "no room") },
		HandOver: func(c *netconn.Conn, _ []byte) { r.handed <- c },
		DropIdle: func() bool { return false },
		Panicked: func(_ *netconn.Conn, value any) { r.panics <- value },
	}
	if change != nil {
		change(&config)
	}
	if r.Loops, err = Start(config); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		r.closing.Store(true)
		r.Cut()
		<-r.released
		_ = unix.Close(config.Sockets[0])
		_ = cache.Close()
		_ = root.Close()
	})
	return r
}

// needsWarmFiles skips the test where the system does not say what is in the page cache: emulators of Linux do not, nor does
// overlayfs. There workers send files.
func (r *rig) needsWarmFiles(t *testing.T) {
	t.Helper()
	f, err := os.Open(filepath.Join(r.dir, "small"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.ReadAt(make([]byte, 1), 0); err != nil {
		t.Fatal(err)
	}
	if where := residence.Of(f); where.IsLocal() && !where.IsWarm(f, 0, 1) {
		t.Skip("a byte that was just read is not known to be in the page cache")
	}
}

// listeningSocket returns a socket on loopback that does not block.
func listeningSocket(t testing.TB, addr *string) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		err = unix.Listen(fd, 128)
	}
	if err != nil {
		t.Fatal(err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	*addr = (&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*unix.SockaddrInet4).Port}).String()
	return fd
}

// A client is a connection to a rig.
type client struct {
	net.Conn
	in *bufio.Reader
}

func (r *rig) dial(t testing.TB) *client {
	t.Helper()
	c, err := net.Dial("tcp", r.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return &client{c, bufio.NewReader(c)}
}

// request sends a request for a file.
func (c *client) request(t *testing.T, name string) {
	t.Helper()
	if _, err := io.WriteString(c, "GET /"+name+" HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
}

// response reads a response and returns the length of its body.
func (c *client) response(t *testing.T) int64 {
	t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %d bytes, error %v", resp.StatusCode, n, err)
	}
	return n
}

// get makes a whole exchange.
func (c *client) get(t *testing.T, name string) int64 {
	t.Helper()
	c.request(t, name)
	return c.response(t)
}

// await polls until something is so that nothing announces.
func await(t *testing.T, isSo func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	end := time.After(10 * time.Second)
	for !isSo() {
		select {
		case <-ticker.C:
		case <-end:
			t.Fatal("it did not become so within ten seconds")
		}
	}
}

// total returns the sum of the Stats of all loops.
func (r *rig) total() (all LoopStats) {
	for _, one := range r.Stats() {
		all.Connections += one.Connections
		all.Sending += one.Sending
		all.Accepted += one.Accepted
		all.Silent += one.Silent
		all.Turns += one.Turns
		all.Worked += one.Worked
		all.Replaced += one.Replaced
	}
	return all
}

func TestStats(t *testing.T) {
	r := newRig(t, 2, nil)
	r.needsWarmFiles(t)
	if got := r.Stats(); len(got) != 2 {
		t.Fatalf("%d loops, want 2", len(got))
	}
	want := func(when string, want LoopStats) {
		t.Helper()
		var got LoopStats
		defer func() {
			if got != want {
				t.Errorf("%s: %+v, want %+v", when, got, want)
			}
		}()
		await(t, func() bool { // a response comes before the loop has counted it
			got = r.total()
			got.Turns = 0
			got.Replaced = 0 // a busy machine can make a loop look stuck, see TestAStuckLoopIsReplaced
			return got == want
		})
	}
	c := r.dial(t)
	c.get(t, "small")
	want("a file that was not cached needs a worker", LoopStats{Connections: 1, Accepted: 1, Worked: 1})
	c.get(t, "small")
	want("a cached one needs none", LoopStats{Connections: 1, Accepted: 1, Worked: 1})
	reader := r.dial(t)
	reader.get(t, "large")
	want("a client that has its response", LoopStats{Connections: 2, Accepted: 2, Worked: 2})
	reader.request(t, "large")
	want("a client that does not read its response", LoopStats{Connections: 2, Sending: 1, Accepted: 2, Worked: 2})
	_, _ = reader.response(t), c.Close()
	want("after the responses", LoopStats{Connections: 1, Accepted: 2, Worked: 2})
	r.dial(t) // for a second the system holds it back
	want("a client that sends nothing", LoopStats{Connections: 2, Accepted: 3, Silent: 1, Worked: 2})
	if r.total().Turns == 0 {
		t.Error("no turns are counted")
	}
}

func TestOnlyConnectionsWithoutARequestAreSilent(t *testing.T) {
	r := newRig(t, 1, nil)
	r.dial(t).get(t, "small") // a file that is cached from now on
	for range 3 {
		r.dial(t).get(t, "small")
	}
	await(t, func() bool { return r.total().Connections == 4 })
	r.closing.Store(true)
	r.Cut() // the loop has counted everything
	if got := r.total(); got.Accepted != 4 || got.Silent != 0 {
		t.Errorf("%d of %d connections count as silent, want none of 4", got.Silent, got.Accepted)
	}
}

func TestAStuckLoopIsReplaced(t *testing.T) {
	release := make(chan struct{})
	var hang atomic.Bool
	r := newRig(t, 1, func(c *Config) {
		c.Server.Admits = func(netip.Addr) bool { // a loop calls it
			if hang.Swap(false) {
				<-release
			}
			return true
		}
	})
	stuck, other := r.dial(t), r.dial(t)
	stuck.get(t, "small")
	other.get(t, "small")
	hang.Store(true)
	stuck.request(t, "small")
	for range 3 {
		if n := other.get(t, "small"); n != 1000 {
			t.Errorf("the other client gets %d bytes", n)
		}
	}
	if n := r.total().Replaced; n != 1 {
		t.Errorf("the loop was replaced %d times", n)
	}
	close(release)
	if n := stuck.response(t); n != 1000 {
		t.Errorf("the client that was stuck gets %d bytes", n)
	}
	stuck.get(t, "small") // by the thread that runs the loop now
}

func TestAHookThatHangsDelaysNoLoop(t *testing.T) {
	release := make(chan struct{})
	var calls atomic.Int32
	r := newRig(t, 1, func(c *Config) {
		c.Server.OnTransfer = func(live.Record) {
			if calls.Add(1) == 2 {
				<-release
			}
		}
	})
	c := r.dial(t)
	c.get(t, "small") // it is cached from now on
	const requests = 3 * maxBatch
	for range requests { // until there is no room for records, and workers call the hook
		c.get(t, "small")
	}
	close(release)
	r.closing.Store(true)
	r.Cut()
	if n := calls.Load(); n != 1+requests {
		t.Errorf("the hook was called %d times for %d requests", n, 1+requests)
	}
	if n := r.total().Replaced; n != 0 {
		t.Errorf("the loop was replaced %d times", n)
	}
}

func TestAHookThatPanicsEndsTheConnection(t *testing.T) {
	r := newRig(t, 1, func(c *Config) {
		c.Server.OnTransfer = func(live.Record) { panic("hook") }
	})
	c := r.dial(t)
	c.get(t, "small")
	if got := <-r.panics; got != "hook" {
		t.Errorf("got %v", got)
	}
	if _, err := c.in.ReadByte(); err != io.EOF {
		t.Errorf("the connection ends with %v", err)
	}
	r.dial(t).get(t, "small")
}

func TestLargeResponsesSpreadOverTheLoops(t *testing.T) {
	r := newRig(t, 2, nil)
	r.needsWarmFiles(t)
	var all []*client
	for range 6 {
		c := r.dial(t)
		c.get(t, "small")
		all = append(all, c)
	}
	c := r.dial(t)
	c.get(t, "large") // it is cached from now on
	for _, c := range all {
		c.request(t, "large") // and read nothing
	}
	await(t, func() bool {
		return r.all[0].busy.Load() == 3 && r.all[1].busy.Load() == 3
	})
	var reading sync.WaitGroup
	for _, c := range all {
		reading.Go(func() {
			if n := c.response(t); n != 64<<20 {
				t.Errorf("got %d bytes", n)
			}
		})
	}
	reading.Wait()
}

func TestAConnectionIsHandedOverWithAConnectionOfPackageNet(t *testing.T) {
	r := newRig(t, 1, nil)
	c := r.dial(t)
	c.get(t, "small")
	c.request(t, "") // a listing is streamed
	handed := <-r.handed
	defer handed.Close()
	if sessions, _ := r.registry.Len(); sessions != 1 {
		t.Errorf("%d sessions, want the one that was handed over", sessions)
	}
	go func() { _, _ = io.WriteString(handed, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok") }()
	if n := c.response(t); n != 2 {
		t.Errorf("got %d bytes", n)
	}
	if !r.registry.Kill(1) {
		t.Error("the session cannot be killed")
	}
	if _, err := c.in.ReadByte(); err == nil {
		t.Error("the connection goes on after Kill")
	}
}

func TestKillCutsAConnectionOfALoop(t *testing.T) {
	r := newRig(t, 1, nil)
	for _, tt := range []struct {
		name  string
		begin func(c *client)
	}{
		{"idle", func(*client) {}},
		{"with a part of a head", func(c *client) { _, _ = io.WriteString(c, "GET /") }},
		{"with a response that waits for the client", func(c *client) {
			c.request(t, "large")
			_, _ = c.in.Peek(1)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := r.dial(t)
			c.get(t, "small")
			tt.begin(c)
			sessions := live.Snapshot(r.registry).Sessions
			if len(sessions) != 1 || !r.registry.Kill(sessions[0].ID) {
				t.Fatalf("%d sessions", len(sessions))
			}
			_, _ = io.Copy(io.Discard, c.in) // returns
			await(t, func() bool { n, _ := r.registry.Len(); return n == 0 })
		})
	}
}
