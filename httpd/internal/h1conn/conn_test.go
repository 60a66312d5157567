package h1conn_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/httpd/internal/drive"
	"sluice/httpd/internal/h1conn"
	"sluice/httpd/internal/netconn"
	"sluice/httpd/internal/plan"
	"sluice/internal/filecache"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

// countingFiles counts the calls that look for a file.
type countingFiles struct {
	plan.Files
	hits, gets, loads atomic.Int32
}

func (f *countingFiles) Hit(path string, now time.Time) *filecache.File {
	f.hits.Add(1)
	return f.Files.Hit(path, now)
}

func (f *countingFiles) Get(path string) (*filecache.File, error) {
	f.gets.Add(1)
	return f.Files.Get(path)
}

func (f *countingFiles) Load(path string) (*filecache.File, error) {
	f.loads.Add(1)
	return f.Files.Load(path)
}

// served is a connection that is served by the fast path.
type served struct {
	client net.Conn
	in     *bufio.Reader
	cache  *filecache.Cache
	files  *countingFiles
	ended  chan ending
	closed atomic.Bool // the server is closing
}

// An ending is the result of Serve.
type ending struct {
	isHandedOver bool
	rest         string
}

// serve serves a connection with the files.
func serve(t *testing.T, files map[string]string) *served {
	t.Helper()
	dir := nettest.TempDir(t)
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		nettest.Age(t, filepath.Join(dir, name))
	}
	root, err := vfs.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	accepted, client := nettest.Pair(t)
	s := &served{
		client: client, in: bufio.NewReader(client), ended: make(chan ending, 1),
		cache: &filecache.Cache{Tree: root, Valid: time.Hour},
	}
	s.files = &countingFiles{Files: s.cache}
	h := &h1conn.Handler{Planner: plan.New(plan.Config{Files: s.files, Tree: root})}
	server := &h1conn.Server{
		Handler: func() *h1conn.Handler { return h }, Base: context.Background(), Closing: &s.closed,
		Refused: func(*netconn.Conn, string, []byte) {},
	}
	c := netconn.New(accepted)
	if err := c.Enter(new(live.Registry), live.HTTP, false, time.Now()); err != nil || !c.SetBusy() {
		t.Fatalf("a new connection is not busy, or %v", err)
	}
	go func() {
		isHandedOver, rest := drive.Serve(server, c, nil)
		s.ended <- ending{isHandedOver, string(rest)}
	}()
	t.Cleanup(func() {
		_ = c.Close()
		_ = s.cache.Close()
		_ = root.Close()
	})
	return s
}

// get sends a request and returns the status and the body.
func (s *served) get(t *testing.T, target, fields string) (int, string) {
	t.Helper()
	if _, err := io.WriteString(s.client, "GET "+target+" HTTP/1.1\r\nHost: a\r\n"+fields+"\r\n"); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(s.in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAColdGETLooksUpItsFileOnce(t *testing.T) {
	parses, undo := h1conn.CountParses()
	s := serve(t, map[string]string{"f.txt": "content", "a b.txt": "spaces", "large": strings.Repeat("x", 100_000)})
	for _, step := range []struct {
		name, target, fields string
		hits, gets, loads    int32
	}{
		{"cold", "/f.txt", "", 1, 0, 1},
		{"from the cache", "/f.txt", "", 1, 0, 0},
		{"an escaped name", "/a%20b.txt", "", 1, 0, 1},
		{"the same from the cache", "/a%20b.txt", "", 1, 0, 0},
		{"a large file", "/large", "", 1, 0, 1},
		{"a large file from the cache", "/large", "", 1, 0, 0},
		{"a name that does not exist", "/none", "", 1, 0, 1},
		{"a part", "/large", "Range: bytes=0-9\r\n", 0, 1, 0},
	} {
		status, body := s.get(t, step.target, step.fields)
		type counts struct{ parses, hits, gets, loads int32 }
		got := counts{parses.Swap(0), s.files.hits.Swap(0), s.files.gets.Swap(0), s.files.loads.Swap(0)}
		if want := (counts{1, step.hits, step.gets, step.loads}); got != want {
			t.Errorf("%s: got %+v, want %+v", step.name, got, want)
		}
		if want := step.target != "/none"; (status < 300) != want || body == "" {
			t.Errorf("%s: status %d with %d bytes", step.name, status, len(body))
		}
	}
	if opens := s.cache.Stats().Opens; opens != 4 {
		t.Errorf("%d names were opened, want each of 4 once", opens)
	}
	_ = s.client.Close()
	<-s.ended
	undo()
}

// A response that net/http has to send is not made before.
func TestStreamedAndLengthyResponsesAreHandedOver(t *testing.T) {
	for _, target := range []string{"/", "/?search=x", "/f.txt?sha256"} {
		s := serve(t, map[string]string{"f.txt": "content"})
		s.get(t, "/f.txt", "")
		request := "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"
		if _, err := io.WriteString(s.client, request); err != nil {
			t.Fatal(err)
		}
		if got, want := <-s.ended, (ending{true, request}); got != want {
			t.Errorf("%s: got %+v, want %+v", target, got, want)
		}
	}
}

func TestAClosingServerEndsTheConnectionAfterTheResponse(t *testing.T) {
	s := serve(t, map[string]string{"f.txt": "content"})
	s.get(t, "/f.txt", "")
	s.closed.Store(true)
	// The connection may be idle already: then it ends at the next wait, without a request.
	_, _ = io.WriteString(s.client, "GET /f.txt HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := <-s.ended; got.isHandedOver {
		t.Errorf("got %+v, want an end", got)
	}
}
