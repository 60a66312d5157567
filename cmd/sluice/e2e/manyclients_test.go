//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// A part is the request of one client: a file of this size, from an offset on.
type part struct{ off, size int64 }

func (p part) name() string { return fmt.Sprintf("f%d", p.size) }

func TestManyMixedDownloads(t *testing.T) {
	const clients, limit = 200, 20 * time.Second
	s := start(t)
	var parts []part
	want := make(map[part]nettest.Got)
	for _, size := range []int64{1 << 10, 100_000, 1 << 20, 8 << 20} {
		s.file(part{0, size}.name(), size)
		for _, off := range []int64{0, size/3 + 1} {
			p := part{off, size}
			parts = append(parts, p)
			want[p] = nettest.Got{N: size - off, SHA256: nettest.PatternSum(off, size-off)}
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	ready := make(chan struct{})
	large := 0 // downloads by HTTP
	var running sync.WaitGroup
	for i := range clients {
		get, p := getHTTP, parts[i/2%len(parts)]
		switch {
		case i%2 == 1:
			get = getFTP
		case p.size > 32<<10:
			large++
		}
		running.Go(func() {
			<-ready
			if got, err := get(ctx, t, s, p); err != nil || got != want[p] {
				t.Errorf("client %d, %s from %d: got %d bytes, errors %v and %v, not the file",
					i, p.name(), p.off, got.N, err, got.Err)
			}
		})
	}
	close(ready)
	running.Wait()
	s.wantLoggedTimes(clients/2, "msg=http")
	s.wantLoggedTimes(large, "msg=http", "method=sendfile") // small ones come from memory
	s.wantLoggedTimes(clients/2, "msg=ftp", "method=sendfile")
}

// getHTTP downloads a part on a connection of its own.
func getHTTP(ctx context.Context, t *testing.T, s *server, p part) (got nettest.Got, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.urlOf("http", p.name()), nil)
	if err != nil {
		return got, err
	}
	wantStatus := http.StatusOK
	if p.off > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", p.off))
		wantStatus = http.StatusPartialContent
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return got, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != wantStatus {
		return got, errors.New(resp.Status)
	}
	return <-nettest.Sum(t, resp.Body), nil
}

// getFTP downloads a part in a session of its own.
func getFTP(ctx context.Context, t *testing.T, s *server, p part) (got nettest.Got, err error) {
	c, err := dialFTP(ctx, s.ftp.Host, "", "")
	if err != nil {
		return got, err
	}
	defer c.conn.Close()
	defer context.AfterFunc(ctx, func() { _ = c.conn.Close() })()
	if p.off > 0 {
		if _, err := c.do(350, fmt.Sprintf("REST %d", p.off)); err != nil {
			return got, err
		}
	}
	data, err := c.transfer(ctx, "RETR "+p.name())
	if err != nil {
		return got, err
	}
	defer data.Close()
	defer context.AfterFunc(ctx, func() { _ = data.Close() })()
	got = <-nettest.Sum(t, data)
	_, err = c.expect(226)
	return got, err
}

// For two seconds one client reads slowly and others do not read at all. The server
// must serve all of them.
func TestASlowReaderIsServedWhileOthersStall(t *testing.T) {
	const size, rate = 3 << 20, 2 << 20
	s := start(t)
	s.file("f", size)
	s.file("big", 8*size)
	stalled := s.downloadAll("big")

	var readers sync.WaitGroup
	for i, d := range s.downloadAll("f") {
		// With large buffers the kernel would read fast in place of the slow client.
		nettest.SmallBuffers(t, d.conns[len(d.conns)-1], 32<<10)
		d.content = nettest.Trickle(d.content, rate/100, time.Second/100)
		readers.Go(func() {
			if err := d.finish(t, size); err != nil {
				t.Errorf("%s: the slow reader %v", protocols[i].name, err)
			}
		})
	}
	readers.Wait()
	for i, d := range stalled {
		if err := d.finish(t, 8*size); err != nil {
			t.Errorf("%s: the stalled reader %v", protocols[i].name, err)
		}
	}
}
