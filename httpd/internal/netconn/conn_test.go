package netconn_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"sluice/httpd/internal/netconn"
	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// isClosed reports whether the peer of c has closed the connection.
func isClosed(t *testing.T, c net.Conn) bool {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, os.ErrDeadlineExceeded)
}

func TestOnlyAnIdleConnectionIsEnded(t *testing.T) {
	var closing atomic.Bool
	accepted, client := nettest.Pair(t)
	c := netconn.New(accepted)
	if !c.SetBusy() {
		t.Fatal("a new connection was ended")
	}
	c.EndIdle()
	if _, err := c.Write([]byte("x")); err != nil {
		t.Errorf("a busy connection was ended: %v", err)
	}
	_, _ = io.ReadFull(client, make([]byte, 1))
	if !c.SetIdle(&closing) || !c.SetBusy() || !c.SetIdle(&closing) {
		t.Error("a connection cannot wait, though nobody has ended it")
	}
	c.EndIdle()
	if c.SetBusy() || !isClosed(t, client) {
		t.Error("an idle connection was not ended")
	}
	closing.Store(true)
	if other := netconn.New(accepted); other.SetIdle(&closing) {
		t.Error("a connection of a closing server may wait")
	}
}

func TestASetWaitsForItsConnections(t *testing.T) {
	var set netconn.Set
	accepted, _ := nettest.Pair(t)
	c := netconn.New(accepted)
	if !set.Add(c) {
		t.Fatal("not added")
	}
	ended := make(chan *netconn.Conn, 2)
	set.Close(func(c *netconn.Conn) { ended <- c })
	if got := <-ended; got != c || len(ended) != 0 {
		t.Errorf("%d others were ended", len(ended))
	}
	if set.Add(netconn.New(accepted)) {
		t.Error("a connection was added after Close")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := set.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Wait = %v, want the error of the context", err)
	}
	done := make(chan error)
	go func() { done <- set.Wait(t.Context()) }()
	set.Remove(c)
	if err := <-done; err != nil {
		t.Errorf("Wait = %v", err)
	}
}

// net/http gives a FilePart to a writer that only copies, to one with a ReadFrom, or
// to a connection.
func TestAFilePartFindsItsWay(t *testing.T) {
	content := strings.Repeat("0123456789", 20_000)
	for name, write := range map[string]func(t *testing.T, p *netconn.FilePart) (string, error){
		"a writer": func(_ *testing.T, p *netconn.FilePart) (string, error) {
			var b bytes.Buffer
			_, err := p.WriteTo(struct{ io.Writer }{&b})
			return b.String(), err
		},
		"a ReaderFrom": func(_ *testing.T, p *netconn.FilePart) (string, error) {
			var b bytes.Buffer
			_, err := p.WriteTo(&b)
			return b.String(), err
		},
		"a connection": func(t *testing.T, p *netconn.FilePart) (string, error) {
			server, client := nettest.Pair(t)
			got := make(chan []byte)
			go func() {
				all, _ := io.ReadAll(client)
				got <- all
			}()
			_, err := p.WriteTo(server)
			_ = server.CloseWrite()
			return string(<-got), err
		},
		"an HTTPConn": func(t *testing.T, p *netconn.FilePart) (string, error) {
			server, client := nettest.Pair(t)
			got := make(chan []byte)
			go func() {
				all, _ := io.ReadAll(client)
				got <- all
			}()
			c := netconn.NewHTTPConn(netconn.New(server), nil, 0, nil)
			_, err := c.ReadFrom(p)
			_ = c.CloseWrite()
			return string(<-got), err
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := &netconn.FilePart{File: strings.NewReader(content), Off: 7, N: 150_000}
			got, err := write(t, p)
			if err != nil || got != content[7:150_007] || p.Result().Sent != 150_000 || p.Result().Method != sendfile.Copy {
				t.Errorf("%d bytes, %v, result %+v", len(got), err, p.Result())
			}
			shrunk := &netconn.FilePart{File: strings.NewReader("short"), N: 10}
			var e *sendfile.Error
			if _, err := write(t, shrunk); !errors.As(err, &e) || e.Side != sendfile.File || shrunk.Result().Sent != 5 {
				t.Errorf("a file that has shrunk: %v after %d bytes", err, shrunk.Result().Sent)
			}
		})
	}
}

func TestAnHTTPConnReadsAgain(t *testing.T) {
	server, client := nettest.Pair(t)
	c := netconn.NewHTTPConn(netconn.New(server), []byte("GET /"), 0, nil)
	_, _ = io.WriteString(client, " HTTP/1.1")
	_ = client.CloseWrite()
	got := make([]byte, 3)
	if n, err := c.Read(got); n != 3 || err != nil || string(got) != "GET" {
		t.Errorf("got %q, %v", got[:n], err)
	}
	if rest, err := io.ReadAll(c); string(rest) != " / HTTP/1.1" || err != nil {
		t.Errorf("then %q, %v", rest, err)
	}
}

func TestTheErrorSnifferFindsResponsesWithoutAHandler(t *testing.T) {
	server, client := nettest.Pair(t)
	go func() { _, _ = io.Copy(io.Discard, client) }()
	var found []string
	conn := netconn.New(server)
	sniffer := netconn.NewErrorSniffer(conn, "GET / HTTP/3.0", func(c *netconn.Conn, line string, response []byte) {
		if c != conn {
			t.Error("another connection")
		}
		found = append(found, line+": "+string(response))
	})
	c := netconn.NewHTTPConn(conn, nil, 0, sniffer)
	write := func(s string) { _, _ = io.WriteString(c, s) }
	write("HTTP/1.1 505")
	write("body")
	sniffer.RequestEnded()
	sniffer.HandlerCalled()
	write("HTTP/1.1 200")
	sniffer.RequestEnded()
	write("HTTP/1.1 400")
	if got, want := strings.Join(found, ", "), "GET / HTTP/3.0: HTTP/1.1 505, : HTTP/1.1 400"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
}

func TestLimitsWaitBeforeBytesAreSent(t *testing.T) {
	none := new(netconn.LimitConfig).Begin(t.Context(), 10, nil)
	if n, err := none.Take(10); none != nil || n != 10 || err != nil || none.Hook() != nil {
		t.Errorf("without limits: %v, %d, %v", none, n, err)
	}
	none.Close(10)

	limiter := new(ledger)
	limits := (&netconn.LimitConfig{Limiter: limiter}).Begin(t.Context(), 10, nil)
	called := 0
	limits = limits.Before(func() { called++ })
	if n, err := limits.Take(10); n != 10 || err != nil || called != 1 {
		t.Errorf("Take = %d, %v, after %d calls", n, err, called)
	}
	limits.Close(4)
	if limiter.granted != 10 || limiter.returned != 6 {
		t.Errorf("%d bytes were granted and %d returned, want 10 and 6", limiter.granted, limiter.returned)
	}
}

// ledger is a Limiter that counts.
type ledger struct{ granted, returned int }

func (l *ledger) Wait(_ context.Context, n int) (int, error) {
	l.granted += n
	return n, nil
}

func (l *ledger) Return(n int) { l.returned += n }

func TestAConnectionLeavesTheRegistry(t *testing.T) {
	registry := new(live.Registry)
	server, client := nettest.Pair(t)
	c := netconn.New(server)
	if err := c.Enter(registry, live.HTTP, false, time.Time{}); err != nil {
		t.Fatal(err)
	}
	if sessions, _ := registry.Len(); sessions != 1 {
		t.Errorf("%d sessions, want 1", sessions)
	}
	for range 2 { // closing twice is harmless
		_ = c.Close()
	}
	if sessions, _ := registry.Len(); sessions != 0 || !isClosed(t, client) {
		t.Errorf("%d sessions, want 0 and a closed connection", sessions)
	}
}
