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

// timed returns how long a request takes.
func timed(t *testing.T, request func() error) time.Duration {
	t.Helper()
	begun := time.Now()
	if err := request(); err != nil {
		t.Error(err)
	}
	return time.Since(begun)
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
	quiet := start(t, "--content-etags")                                        // no strangers ask it, so it shows how busy the machine is
	for _, s := range []*server{s, quiet} {
		for _, dir := range []string{"large", "docs"} {
			if err := os.Mkdir(s.path(dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 3 {
			s.file(fmt.Sprint("docs/", i), size)
		}
	}
	sparseFile{size: 100 << 30}.create(t, s.path("large/zeros"))
	client := clientAt(t, "127.0.0.3")
	get := func(s *server, target, want string) error {
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
	ftp := make(map[*server]*ftpClient)
	for _, s := range []*server{s, quiet} {
		c, err := dialFTPFrom(t.Context(), s.ftp.Host, net.ParseIP("127.0.0.3"), "", "")
		if err != nil {
			t.Fatal(err)
		}
		defer c.conn.Close()
		ftp[s] = c
	}
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

	for name, request := range map[string]func(s *server, i int) error{
		"a checksum": func(s *server, i int) error {
			return get(s, fmt.Sprint("docs/", i%3, "?sha256"), fmt.Sprintf("%x", sum))
		},
		"a file":            func(s *server, i int) error { return get(s, fmt.Sprint("docs/", i%3), "") },
		"an archive":        func(s *server, _ int) error { return get(s, "docs/?zip", "PK") },
		"a compressed one":  func(s *server, _ int) error { return get(s, "docs/?tar.gz", "\x1f\x8b") },
		"a checksum by FTP": func(s *server, i int) error { _, err := ftp[s].do(250, fmt.Sprint("XSHA512 docs/", i%3)); return err },
	} {
		var took, quietly []time.Duration
		for i := range 40 { // in turns, so that both meet the same load of the machine
			quietly = append(quietly, timed(t, func() error { return request(quiet, i) }))
			took = append(took, timed(t, func() error { return request(s, i) }))
		}
		slices.Sort(took)
		slices.Sort(quietly)
		at := len(took) * 95 / 100
		most := max(time.Second, 4*quietly[at])
		if took[at] >= most {
			t.Errorf("%s takes %v in 95 of 100 cases, want less than %v", name, took[at], most)
		}
		t.Logf("%s: half within %v, 95 %% within %v of at most %v, all within %v", name, took[len(took)/2], took[at], most, took[len(took)-1])
	}
}
