//go:build e2e

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// startDownload requests a file on a connection with small buffers, and reads the head of
// the answer.
func startDownload(t *testing.T, host, name string) *download {
	t.Helper()
	c, err := newRequester(t, host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.conn.Close() })
	conn := c.conn.(*net.TCPConn)
	nettest.SmallBuffers(t, conn, 64<<10)
	if _, err := io.WriteString(conn, get(name)); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	return &download{content: resp.Body, conns: []*net.TCPConn{conn}, ending: func() error { return nil }}
}

// atRate reads as fast as bytes per second.
type atRate struct {
	r     io.Reader
	bytes float64
	begin time.Time
	read  int64
}

func (a *atRate) Read(p []byte) (n int, err error) {
	if a.begin.IsZero() {
		a.begin = time.Now()
	}
	time.Sleep(time.Until(a.begin.Add(time.Duration(float64(a.read) / a.bytes * float64(time.Second)))))
	n, err = a.r.Read(p)
	a.read += int64(n)
	return n, err
}

// SIGTERM closes idle connections at once, and lets a download end.
func TestATermSignalDrainsConnections(t *testing.T) {
	const idle, size = 20, 50 << 20
	parallelDrivers(t, func(t *testing.T, d driver) {
		s := d.serve(t, t.TempDir())
		s.file("small", 1000)
		s.file("large", size)
		var kept []*requester
		for range idle {
			c, err := newRequester(t, s.http.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.conn.Close()
			if err := c.get("small", 1000); err != nil {
				t.Fatal(err)
			}
			kept = append(kept, c)
		}
		active := startDownload(t, s.http.Host, "large")
		active.content = &atRate{r: active.content, bytes: size / 2}
		finished := make(chan error, 1)
		go func() { finished <- active.finish(t, size) }()
		s.signalAndWait(syscall.SIGTERM)
		begin := time.Now()
		for _, c := range kept {
			wantEnd(t, c.in)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("the idle connections were closed after %v", took)
		}
		select {
		case err := <-finished:
			t.Errorf("the download has ended before the idle connections: %v", err)
		default:
			if err := <-finished; err != nil {
				t.Error(err)
			}
		}
		s.wantExit(exitTime)
	})
}

// Clients whose connections the server has not yet accepted at SIGTERM get an answer from
// event loops. Package net resets these connections when it closes a listener.
func TestWaitingConnectionsAreAnsweredAtTheEnd(t *testing.T) {
	t.Parallel()
	const clients = 50
	s := allDrivers[0].serve(t, t.TempDir())
	s.file("small", 1000)
	s.signal(syscall.SIGSTOP)
	eventually(t, "the server has stopped", func() bool { return s.state() == "T" })
	var waiting []*requester
	for range clients {
		waiting = append(waiting, request(t, s, get("small")))
	}
	s.signal(syscall.SIGTERM)
	s.signal(syscall.SIGCONT)
	failed := 0
	for _, c := range waiting {
		a, err := readAnswer(c.in, http.MethodGet)
		if err != nil || a.Status != http.StatusOK && a.Status != http.StatusServiceUnavailable {
			if failed++; failed == 1 {
				t.Errorf("a client got %d, %v", a.Status, err)
			}
		}
		_ = c.conn.Close()
	}
	if failed > 0 {
		t.Errorf("%d of %d clients got no answer", failed, clients)
	}
	s.wantExit(exitTime)
}

// state returns the state of the process, such as T if it is stopped.
func (s *server) state() string {
	s.t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	return after[:1]
}

// Clients that reset their connections in the middle of a download leave nothing, and
// delay no others.
func TestResetsInTheMiddleOfDownloads(t *testing.T) {
	const clients, rounds = 50, 4
	parallelDrivers(t, func(t *testing.T, d driver) {
		s := d.serveUnder(t, nil, t.TempDir())
		s.file("large", large)
		one := startDownload(t, s.http.Host, "large")
		if err := one.finish(t, large); err != nil {
			t.Fatal(err)
		}
		one.close()
		before := s.held()
		for round := range rounds {
			var all []*download
			for range clients {
				d := startDownload(t, s.http.Host, "large")
				if err := d.skip(int64(1000 + round*1_000_000)); err != nil {
					t.Fatal(err)
				}
				all = append(all, d)
			}
			other := startDownload(t, s.http.Host, "large")
			for _, d := range all {
				d.reset(t)
			}
			if err := other.finish(t, large); err != nil {
				t.Error(err)
			}
			other.close()
		}
		s.wantHeld(t, before)
		found := s.log.await(clients*rounds, logDelay, func(line string) bool {
			return strings.Contains(line, " msg=http ") && strings.Contains(line, " err=")
		})
		if len(found) != clients*rounds {
			t.Errorf("%d lines of cut transfers, want %d", len(found), clients*rounds)
		}
	})
}

// The server without free descriptors closes the files of its cache first, then answers
// 503, and recovers.
func TestCachedFilesMakeRoomForConnections(t *testing.T) {
	const most, files = 128, 30 // the cache takes a quarter of the descriptors
	parallelDrivers(t, func(t *testing.T, d driver) {
		s := d.serveUnder(t, []string{"sh", "-c", "ulimit -n " + strconv.Itoa(most) + `; exec "$0" "$@"`}, t.TempDir())
		for i := range files {
			s.file(fmt.Sprint("f", i), 100_000)
		}
		s.file("small", 1000)
		first := request(t, s, "")
		for i := range files {
			if err := first.get(fmt.Sprint("f", i), 100_000); err != nil {
				t.Fatal(err)
			}
		}
		cached := s.openFiles()
		if cached < files*9/10 {
			t.Fatalf("the cache has %d files open, want %d", cached, files)
		}
		var kept []*requester
		refused := 0
		for range 2 * most {
			c, err := newRequester(t, s.http.Host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.conn.Close()
			_, _ = io.WriteString(c.conn, get("small")) // fails if it was refused
			switch a, err := readAnswer(c.in, http.MethodGet); {
			case err == nil && a.Status == http.StatusOK:
				kept = append(kept, c)
			case err == nil && a.Status == http.StatusServiceUnavailable:
				refused++
				_ = c.conn.Close() // the server keeps it for a moment, and has few descriptors for that
			default:
				t.Fatalf("status %d, %v", a.Status, err)
			}
		}
		if now := s.openFiles(); now > cached/4 {
			t.Errorf("the cache has %d of %d files open, with %d connections", now, cached, len(kept))
		}
		if len(kept) < most-files-16 || refused < most/2 {
			t.Errorf("%d clients were served and %d refused, of %d", len(kept), refused, 2*most)
		}
		for _, c := range append(kept, first) {
			if err := c.get("small", 1000); err != nil {
				t.Errorf("an old connection: %v", err)
			}
			_ = c.conn.Close()
		}
		eventually(t, "new clients are served", func() bool {
			c := request(t, s, "")
			defer c.conn.Close()
			return c.get("f0", 100_000) == nil
		})
	})
}

// openFiles counts the descriptors of served files.
func (s *server) openFiles() (n int) {
	s.t.Helper()
	names, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", s.process.Pid))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, name := range names {
		if target, err := os.Readlink(name); err == nil && strings.HasPrefix(target, s.dir+"/") {
			n++
		}
	}
	return n
}

// startShortTimes runs testdata/shorttimes for a directory, until the end of the test, and
// returns its address.
func startShortTimes(t *testing.T, dir string, flags ...string) (host string) {
	t.Helper()
	program, err := shortTimes()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, append(flags, dir)...)
	cmd.Stderr = os.Stderr
	in, out := startWithPipes(t, cmd)
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("testdata/shorttimes: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(strings.TrimPrefix(line, "http://"), "/\n")
}

var shortTimes = sync.OnceValues(func() (string, error) {
	name := filepath.Join(filepath.Dir(program), "shorttimes")
	out, err := exec.Command("go", "build", "-o", name, "sluice/cmd/sluice/e2e/testdata/shorttimes").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return name, nil
})

// shortFlags returns the flags of testdata/shorttimes for a driver.
func (d driver) shortFlags() (flags []string) {
	for _, f := range d.flags {
		flags = append(flags, strings.TrimPrefix(f, "-"))
	}
	return flags
}

// closedAfter returns when the server has closed its end of a connection: how long after
// begin. The client need not read. (A read of /proc/net/tcp misses lines if there are many.)
func closedAfter(t *testing.T, c net.Conn, begin time.Time) time.Duration {
	t.Helper()
	needs(t, "ss")
	_, local, _ := net.SplitHostPort(c.RemoteAddr().String())
	_, remote, _ := net.SplitHostPort(c.LocalAddr().String())
	var took time.Duration
	eventually(t, "the server closes the connection", func() bool {
		row, err := exec.Command("ss", "-Htnae", "sport = :"+local+" and dport = :"+remote).Output()
		if err != nil {
			t.Fatal(err)
		}
		took = time.Since(begin)
		state, rest, _ := strings.Cut(strings.TrimSpace(string(row)), " ")
		switch state {
		case "ESTAB", "SYN-RECV": // it may not be accepted yet
			return false
		}
		return !strings.Contains(rest, " ino:") || strings.Contains(rest, " ino:0 ")
	})
	return took
}

// slack is for a busy machine.
const slack = 150 * time.Millisecond

// wantClosedAfter checks that the server closes the connection after limit, and at most
// late after it.
func wantClosedAfter(t *testing.T, c net.Conn, begin time.Time, limit, late time.Duration) {
	t.Helper()
	if took := closedAfter(t, c, begin); took < limit-slack || took > limit+late+slack {
		t.Errorf("closed after %v, want %v to %v", took, limit, limit+late)
	}
}

// Each time limit ends its connections, and those alone.
func TestTimeLimits(t *testing.T) {
	t.Parallel()
	const (
		idle   = 2 * time.Second
		header = time.Second
		stall  = 3 * time.Second
		rate   = 4 << 20
		size   = 32 << 20
	)
	dir := t.TempDir()
	writePattern(t, filepath.Join(dir, "small"), 1000)
	writePattern(t, filepath.Join(dir, "large"), size)
	for _, tt := range []struct {
		name  string
		flags []string
		test  func(t *testing.T, host string, d driver)
	}{
		{"idle from the beginning", []string{"-idle", idle.String()}, func(t *testing.T, host string, d driver) {
			begin := time.Now()
			c, err := dial(t.Context(), host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			// A server that accepts a connection at its first byte, or a second later, may
			// count from then.
			wantClosedAfter(t, c, begin, idle, idle/5+time.Second)
		}},
		{"idle after an answer", []string{"-idle", idle.String()}, func(t *testing.T, host string, d driver) {
			c, err := newRequester(t, host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.conn.Close()
			for range 3 { // each answer begins the time anew
				time.Sleep(idle / 2)
				if err := c.get("small", 1000); err != nil {
					t.Fatal(err)
				}
			}
			wantClosedAfter(t, c.conn, time.Now(), idle, idle/5)
		}},
		{"in a head", []string{"-header", header.String()}, func(t *testing.T, host string, d driver) {
			c, err := newRequester(t, host)
			if err != nil {
				t.Fatal(err)
			}
			defer c.conn.Close()
			for range 2 { // also after an answer
				if err := c.get("small", 1000); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := io.WriteString(c.conn, "GET /small HT"); err != nil {
				t.Fatal(err)
			}
			wantClosedAfter(t, c.conn, time.Now(), header, header/5)
		}},
		{"a client that stops reading", []string{"-stall", stall.String()}, func(t *testing.T, host string, d driver) {
			c := startDownload(t, host, "large").conns[0]
			wantClosedAfter(t, c, time.Now(), stall, stall/10)
		}},
		{"a client that pauses", []string{"-stall", stall.String()}, func(t *testing.T, host string, d driver) {
			down := startDownload(t, host, "large")
			for range 2 {
				if err := down.skip(5 << 20); err != nil {
					t.Fatal(err)
				}
				time.Sleep(stall * 2 / 3)
			}
			if err := down.finish(t, size); err != nil {
				t.Error(err)
			}
		}},
		{"below the minimum rate", []string{"-stall", stall.String(), "-min-rate", fmt.Sprint(rate)}, func(t *testing.T, host string, d driver) {
			down := startDownload(t, host, "large")
			begin := time.Now()
			n, err := io.Copy(io.Discard, &atRate{r: down.content, bytes: rate / 2})
			if took := time.Since(begin); err == nil || took < stall-slack || took > 3*stall {
				t.Errorf("cut after %v and %d bytes, %v", took, n, err)
			}
		}},
		{"above the minimum rate", []string{"-stall", stall.String(), "-min-rate", fmt.Sprint(rate)}, func(t *testing.T, host string, d driver) {
			down := startDownload(t, host, "large")
			down.content = &atRate{r: down.content, bytes: 2 * rate}
			if err := down.finish(t, size); err != nil {
				t.Error(err)
			}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			parallelDrivers(t, func(t *testing.T, d driver) {
				tt.test(t, startShortTimes(t, dir, append(tt.flags, d.shortFlags()...)...), d)
			})
		})
	}
}
