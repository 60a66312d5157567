//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/nettest"
	"sluice/internal/status"
)

// clientAt returns a client whose connections come from an address of this host.
func clientAt(t *testing.T, from string) *http.Client {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: patience}
	transport := &http.Transport{DialContext: dialer.DialContext, MaxIdleConnsPerHost: 4, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 10 * patience}
}

// occupy sends what keeps a processor busy for minutes, from some addresses. stop ends it.
func occupy(t *testing.T, s *server, from []string, ftpCommand string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	request := func(i int, target string) {
		client := clientAt(t, from[i%len(from)])
		all.Go(func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.http.String(), "/")+target, nil)
			if err != nil {
				t.Error(err)
				return
			}
			if resp, err := client.Do(r); err == nil { // else it was stopped
				_, _ = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
		})
	}
	for i := range 20 {
		request(i, "/large/zeros?sha256")
	}
	for i := range 4 {
		request(i, "/large/?tar.gz")
	}
	for i := range 3 {
		c, err := dialFTPFrom(ctx, s.ftp.Host, net.ParseIP(from[i%len(from)]), "", "")
		if err != nil {
			t.Fatal(err)
		}
		if err := c.send(ftpCommand); err != nil {
			t.Fatal(err)
		}
		all.Go(func() { <-ctx.Done(); _ = c.conn.Close() })
	}
	return func() { cancel(); all.Wait() }
}

// timed returns how long requests of a client take, the longest last.
func timed(t *testing.T, n int, request func(i int) error) (took []time.Duration) {
	t.Helper()
	for i := range n {
		begun := time.Now()
		if err := request(i); err != nil {
			t.Error(err)
			return nil
		}
		took = append(took, time.Since(begun))
	}
	slices.Sort(took)
	return took
}

func TestStrangersLeaveTheProcessorsToOthers(t *testing.T) {
	var many []string
	for i := range 20 {
		many = append(many, fmt.Sprint("127.0.1.", i+1))
	}
	for name, strangers := range map[string][]string{"from one address": {"127.0.0.2"}, "from twenty": many} {
		t.Run(name, func(t *testing.T) { testStrangers(t, strangers) })
	}
}

func testStrangers(t *testing.T, strangers []string) {
	const size = 1 << 20
	s := start(t, "--content-etags", "--admin", "127.0.0.1:0", "--drain", "2s") // clients that have left may still want checksums
	for _, dir := range []string{"large", "docs"} {
		if err := os.Mkdir(s.path(dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sparseFile{size: 100 << 30}.create(t, s.path("large/zeros"))
	for i := range 3 {
		s.file(fmt.Sprint("docs/", i), size)
	}
	client := clientAt(t, "127.0.0.3")
	get := func(target, want string) error {
		resp, err := client.Get(s.http.String() + target)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		content, err := io.ReadAll(resp.Body)
		if err == nil && (resp.StatusCode != 200 || !strings.HasPrefix(string(content), want)) {
			err = fmt.Errorf("%s: status %d, %.80q", target, resp.StatusCode, content)
		}
		return err
	}
	ftp, err := dialFTPFrom(t.Context(), s.ftp.Host, net.ParseIP("127.0.0.3"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer ftp.conn.Close()
	sum := nettest.PatternSum(0, size)

	stop := occupy(t, s, strangers, "XSHA512 large/zeros")
	defer stop()
	var st status.Status
	eventually(t, "the checksums of the stranger wait for one another", func() bool {
		resp, err := http.Get("http://" + adminOf(s) + "/status.json")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		st = status.Status{}
		if err := json.NewDecoder(resp.Body).Decode(&st); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(st.Server.Budget, func(p status.Pool) bool { return p.Name == "checksums" })
		return i >= 0 && st.Server.Budget[i].Waiting >= 20 && slices.Contains(strangers, st.Server.Budget[i].Queue[0].By)
	})
	defer http.DefaultClient.CloseIdleConnections()

	for name, request := range map[string]func(i int) error{
		"a checksum":        func(i int) error { return get(fmt.Sprint("docs/", i%3, "?sha256"), fmt.Sprintf("%x", sum)) },
		"a file":            func(i int) error { return get(fmt.Sprint("docs/", i%3), "") },
		"an archive":        func(int) error { return get("docs/?zip", "PK") },
		"a compressed one":  func(int) error { return get("docs/?tar.gz", "\x1f\x8b") },
		"a checksum by FTP": func(i int) error { _, err := ftp.do(250, fmt.Sprint("XSHA512 docs/", i%3)); return err },
	} {
		took := timed(t, 40, request)
		if len(took) == 0 {
			continue
		}
		p95 := took[len(took)*95/100]
		if p95 >= time.Second {
			t.Errorf("%s takes %v in 95 of 100 cases, want less than a second", name, p95)
		}
		t.Logf("%s: half within %v, 95 %% within %v, all within %v", name, took[len(took)/2], p95, took[len(took)-1])
	}
}
