package drive

import (
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
)

// interrupt sends signals to all threads of the process, until stop is called. Go's runtime
// uses SIGURG, too.
func interrupt(t *testing.T) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var running sync.WaitGroup
	running.Go(func() {
		for {
			threads, err := os.ReadDir("/proc/self/task")
			if err != nil {
				t.Error(err)
				return
			}
			for range 100 {
				for _, thread := range threads {
					id, _ := strconv.Atoi(thread.Name())
					_ = unix.Tgkill(unix.Getpid(), id, unix.SIGURG) // a thread may have ended
				}
				select {
				case <-done:
					return
				default:
				}
			}
		}
	})
	return func() {
		close(done)
		running.Wait()
	}
}

// After a part of a file the socket need not be full, so that no event comes.
func TestAFileThatASignalInterruptsIsSentToTheEnd(t *testing.T) {
	const size = 16 << 20
	r := newRig(t, 1, nil)
	content := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content)
	if err := os.WriteFile(filepath.Join(r.dir, "random"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256(content)
	c := r.dial(t)
	c.get(t, "random") // it is cached from now on
	stop := interrupt(t)
	defer stop()
	for range 10 {
		c.request(t, "random")
		resp, err := http.ReadResponse(c.in, nil)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		if n, err := io.Copy(h, resp.Body); err != nil || n != size || [32]byte(h.Sum(nil)) != want {
			t.Fatalf("got %d bytes with %v, want %d, or others than were sent", n, err, size)
		}
	}
}

func TestEventsOfAnEarlierConnectionAreIgnored(t *testing.T) {
	l := &loop{}
	th := &thread{loop: l}
	before, now := &conn{}, &conn{place: queued}
	l.add(before)
	late := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: before.slot, Pad: int32(before.generation)}
	l.forget(before)
	if !th.handle(&late) { // nobody has the slot
		t.Error("the thread was replaced")
	}
	l.add(now)
	if now.slot != before.slot {
		t.Fatal("the slot is not used again")
	}
	th.handle(&late)
	if now.isReadable || now.isEnding {
		t.Error("an event of the earlier connection was taken for one of the present one")
	}
	late.Pad = int32(now.generation)
	th.handle(&late)
	if !now.isReadable || !now.isEnding {
		t.Error("an event of the present connection was ignored")
	}
}

func TestClientsThatTakeTooLittleAreCut(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*Config)
		reads  bool // a little all the time
		want   error
	}{
		{"a client that takes nothing", func(c *Config) { c.Server.StallTimeout = 50 * time.Millisecond }, false, os.ErrDeadlineExceeded},
		{"a client below the minimum rate", func(c *Config) {
			c.Server.StallTimeout = time.Second
			c.MinRate, c.Window = 128<<20, 100*time.Millisecond
		}, true, netconn.ErrTooSlow},
		{"without a stall timeout", func(c *Config) { c.MinRate, c.Window = 128<<20, 100*time.Millisecond }, false, netconn.ErrTooSlow},
	} {
		t.Run(tt.name, func(t *testing.T) {
			records := make(chan live.Record, 10)
			r := newRig(t, 1, func(c *Config) {
				tt.change(c)
				c.Server.OnTransfer = func(rec live.Record) { records <- rec }
			})
			warm := r.dial(t)
			warm.request(t, "large")
			_, _ = io.Copy(io.Discard, io.LimitReader(warm.in, 64<<20))
			<-records
			c := r.dial(t)
			c.request(t, "large")
			done := make(chan struct{})
			go func() {
				defer close(done)
				for tt.reads {
					if _, err := c.in.ReadByte(); err != nil {
						return
					}
					_, _ = c.in.Discard(c.in.Buffered())
					<-time.After(time.Millisecond)
				}
			}()
			if rec := <-records; !errors.Is(rec.Err, tt.want) || rec.Sent >= 64<<20 {
				t.Errorf("recorded %d bytes and %v, want %v", rec.Sent, rec.Err, tt.want)
			}
			await(t, func() bool { return r.all[0].busy.Load() == 0 })
			_ = c.Close()
			<-done
		})
	}
}

func TestAHandedOverConnectionKeepsItsCounts(t *testing.T) {
	r := newRig(t, 1, nil)
	c := r.dial(t)
	for range 3 {
		c.get(t, "small")
	}
	before := live.Snapshot(r.registry).Sessions
	c.request(t, "") // a listing is streamed
	handed := <-r.handed
	defer handed.Close()
	after := live.Snapshot(r.registry).Sessions
	if len(before) != 1 || len(after) != 1 {
		t.Fatalf("%d sessions before and %d after, want one", len(before), len(after))
	}
	b, a := before[0], after[0]
	if b.ID != a.ID || b.Requests != 3 || a.Requests != 3 || b.Sent < 3000 || a.Sent != b.Sent || !a.Since.Equal(b.Since) {
		t.Errorf("got %+v after %+v", a, b)
	}
	if n := handed.Sent(); n < 3*1000 {
		t.Errorf("%d bytes were sent before", n)
	}
}

func TestConnectionsThatMoveAreServed(t *testing.T) {
	const size = 4 << 20
	r := newRig(t, 3, nil)
	if err := os.WriteFile(filepath.Join(r.dir, "middle"), make([]byte, size), 0o644); err != nil {
		t.Fatal(err)
	}
	r.dial(t).get(t, "middle")
	var running sync.WaitGroup
	for i := range 12 {
		running.Go(func() {
			for range 5 {
				c := r.dial(t)
				for range 3 {
					c.request(t, "middle")
					if n := c.response(t); n != size {
						t.Errorf("got %d bytes", n)
					}
				}
				if i%2 == 0 { // leave in the middle of a response
					c.request(t, "middle")
					_, _ = c.in.Discard(size / 2)
				}
				_ = c.Close()
			}
		})
	}
	running.Wait()
	r.closing.Store(true)
	r.Cut()
	for id, l := range r.all {
		if load, busy := l.load.Load(), l.busy.Load(); load != 0 || busy != 0 {
			t.Errorf("loop %d has %d connections and %d responses, want none", id, load, busy)
		}
	}
}

// A loop may have cut all connections before another one gives it one more.
func TestAConnectionThatComesAfterTheCutIsCut(t *testing.T) {
	l := &loop{isCut: true}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	defer unix.Close(pair[1])
	c := new(conn)
	c.sock.fd = int32(pair[0])
	c.net.Init(&c.sock, live.AddrPortOf(nil))
	l.mail.post(message{kind: adopted, conn: c})
	(&thread{loop: l}).readMail()
	if !c.sock.wasCut() || l.load.Load() != 1 {
		t.Error("it goes on")
	}
}
