//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Many requests for a mount that hangs take a bounded number of threads, and delay neither other files, listings and
// archives by HTTP, nor sessions of FTP. When the mount answers again, all is as before.
func TestAHungMountCostsOnlyThoseWhoAskForIt(t *testing.T) {
	const (
		clients = 200 // of each protocol
		threads = 64  // that a mount may have, see package mounts
		other   = 30  // threads for everything else
		slowest = time.Second
	)
	for _, kind := range []string{"lookup", "open", "read"} {
		t.Run(kind, func(t *testing.T) {
			dir := t.TempDir()
			s := startUnder(t, nil, dir)
			for _, name := range []string{"slow", "docs"} {
				if err := os.Mkdir(s.path(name), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for i := range 10 {
				s.file(fmt.Sprintf("docs/f%d", i), 10_000)
			}
			disk := mountDisk(t, s.path("slow"))
			s.askElsewhere(t) // so that its threads are there
			before := s.threads(t)
			disk.Hang()
			var asking sync.WaitGroup
			for i := range clients {
				name := fmt.Sprintf("slow/%s-%d", kind, i)
				web := request(t, s, get(name))
				asking.Go(func() {
					if r := readStuck(web); r.err != nil {
						t.Errorf("HTTP: %v", r.err)
					}
					_ = web.conn.Close()
				})
				c, err := dialFTP(t.Context(), s.ftp.Host, "", "")
				if err != nil {
					t.Fatal(err)
				}
				asking.Go(func() {
					defer c.conn.Close()
					if answer, err := c.exchange(t.Context(), "RETR /"+name); err != nil {
						t.Errorf("FTP: %.100q, %v", answer, err)
					}
				})
			}
			eventually(t, "calls hang", func() bool { return disk.Hung() > 0 })
			var took []time.Duration
			for range 10 {
				took = append(took, s.askElsewhere(t)...)
			}
			if n := s.threads(t); n > before+threads+other {
				t.Errorf("%d threads, %d before", n, before)
			}
			if n := disk.Hung(); n == 0 || n > threads {
				t.Errorf("%d calls hang, want at most %d", n, threads)
			}
			disk.Answer()
			asking.Wait()
			slices.Sort(took)
			if p95 := took[len(took)*95/100]; p95 > slowest {
				t.Errorf("of %d requests for something else 95%% took up to %v, want %v; the slowest took %v", len(took), p95, slowest, took[len(took)-1])
			}
			c := request(t, s, get("slow/"+kind+"-after"))
			if r := readStuck(c); r.err != nil || !r.whole {
				t.Errorf("after the mount answers again: %+v", r)
			}
		})
	}
}

// threads returns the number of threads of the server.
func (s *server) threads(t *testing.T) int {
	t.Helper()
	all, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", s.process.Pid))
	if err != nil || len(all) == 0 {
		t.Fatal(all, err)
	}
	return len(all)
}

// askElsewhere asks for a file, a listing and an archive by HTTP, and for a listing and a file by FTP, and returns how
// long each took.
func (s *server) askElsewhere(t *testing.T) (took []time.Duration) {
	t.Helper()
	measure := func(what string, f func() error) {
		t.Helper()
		begin := time.Now()
		if err := f(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		took = append(took, time.Since(begin))
	}
	for _, target := range []string{"docs/f1", "docs/", "docs/?zip", ""} {
		measure("/"+target, func() error {
			resp, err := getWithin(t.Context(), s.http.String()+target)
			if err == nil && resp != 200 {
				err = fmt.Errorf("status %d", resp)
			}
			return err
		})
	}
	c, err := dialFTP(t.Context(), s.ftp.Host, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.conn.Close()
	for _, line := range []string{"LIST /docs", "LIST /", "RETR /docs/f2", "SIZE /docs/f3"} {
		measure(line, func() error {
			answer, err := c.exchange(t.Context(), line)
			if err == nil && !strings.HasPrefix(answer, "1") && !strings.HasPrefix(answer, "2") {
				err = fmt.Errorf("answered %.100q", answer)
			}
			return err
		})
	}
	return took
}

// getWithin requests url, reads the body, and returns the status.
func getWithin(ctx context.Context, url string) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, err
}
