package methods

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

const testSize = 300_000

// A testServer is Serve in this process, with a file called "a" and an empty
// one in each of its folders.
type testServer struct {
	child
	store *store
	ended chan error
	leave context.CancelFunc
}

func startServer(t *testing.T) *testServer {
	t.Helper()
	s := &testServer{store: &store{hot: nettest.TempDir(t), cold: nettest.TempDir(t)}, ended: make(chan error, 1)}
	for _, dir := range []string{s.store.hot, s.store.cold} {
		if _, err := makeFile(t.Context(), filepath.Join(dir, "empty"), 0); err != nil {
			t.Fatal(err)
		}
		sum, err := makeFile(t.Context(), filepath.Join(dir, "a"), testSize)
		if err != nil {
			t.Fatal(err)
		}
		s.store.sums = map[string][32]byte{"a": sum}
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.child = child{in: in, out: out, requests: json.NewEncoder(in), replies: json.NewDecoder(out)}
	s.leave = cancel
	go func() {
		err := Serve(ctx, theirIn, theirOut)
		_ = theirOut.Close()
		s.ended <- err
	}()
	t.Cleanup(func() {
		cancel()
		s.closePipes()
		_ = theirIn.Close()
	})
	if err := s.call(setup{Hot: s.store.hot, Cold: s.store.cold}, &s.addresses); err != nil {
		t.Fatal(err)
	}
	return s
}

// base returns the URL of the listener of a method.
func (s *testServer) base(m method) string {
	if m.over == overTLS {
		return "https://" + s.addresses.Secure
	}
	return "http://" + s.addresses.Plain
}

func (s *testServer) mustEnd(t *testing.T) {
	t.Helper()
	select {
	case err := <-s.ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(serverTimeout):
		t.Fatal("the server does not end")
	}
}

func TestEachMethodSendsTheFile(t *testing.T) {
	nettest.CheckLeaks(t)
	s := startServer(t)
	fetcher := newFetcher(3)
	eachMethod(t, func(t *testing.T, m method) {
		base := s.base(m)
		if n, err := fetcher.fetch(t.Context(), base+"/"+m.name+"/a", 2, checkSum(s.store.sums["a"])); err != nil || n != 6*testSize {
			t.Errorf("%d bytes, %v, want %d", n, err, 6*testSize)
		}
		if n, err := fetcher.fetch(t.Context(), base+"/"+m.name+"/empty", 2, discard); err != nil || n != 0 {
			t.Errorf("an empty file gave %d bytes, %v", n, err)
		}
		if err := canDrop(s.store.cold); err != nil {
			t.Skip("not cold:", err)
		}
		if _, err := fetcher[:1].fetch(t.Context(), base+"/cold/"+m.name+"/a", 2, checkSum(s.store.sums["a"])); err != nil {
			t.Error(err)
		}
	})
	fetcher.close()
	_ = s.in.Close()
	s.mustEnd(t)
}

func TestTheServerRefusesUnknownPaths(t *testing.T) {
	nettest.CheckLeaks(t)
	s := startServer(t)
	fetcher := newFetcher(1)
	for path, want := range map[string]string{
		"/teleport/a":      "sendfile",
		"/sluice/b":        `no file "b"`,
		"/tls/a":           "other port",
		"/cold/teleport/a": "sendfile",
		"/":                "no file",
	} {
		_, err := fetcher.fetch(t.Context(), "http://"+s.addresses.Plain+path, 1, discard)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "404") {
			t.Errorf("%s: error = %v, want a 404 that says %s", path, err, want)
		}
	}
	fetcher.close()
	s.leave()
	s.mustEnd(t)
}

func TestTheServerEndsWhileClientsStall(t *testing.T) {
	eachMethod(t, func(t *testing.T, m method) {
		nettest.CheckLeaks(t)
		s := startServer(t)
		if m.over == overTLS {
			t.Skip("the client would have to speak TLS")
		}
		conn, err := net.Dial("tcp", s.addresses.Plain)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		// The responses are more than any socket buffer holds, and are not read.
		if _, err := io.WriteString(conn, strings.Repeat("GET /"+m.name+"/a HTTP/1.1\r\n\r\n", 100)); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		_ = s.in.Close()
		s.mustEnd(t)
	})
}

func TestTheServerRefusesWhatItCannotServe(t *testing.T) {
	for name, in := range map[string]string{
		"no setup":      "",
		"another story": "Once upon a time\n",
		"no folder":     `{"hot": "/nowhere/at/all"}` + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			if err := Serve(t.Context(), strings.NewReader(in), io.Discard); err == nil {
				t.Error("no error")
			}
		})
	}
}

func TestUsageGrows(t *testing.T) {
	if !processUsage().Known {
		t.Skip("this system has no getrusage")
	}
	nettest.CheckLeaks(t)
	s := startServer(t)
	before, err := s.usage()
	if err != nil {
		t.Fatal(err)
	}
	fetcher := newFetcher(1)
	if _, err := fetcher.fetch(t.Context(), "http://"+s.addresses.Plain+"/rw-8k/a", 200, discard); err != nil {
		t.Fatal(err)
	}
	fetcher.close()
	after, err := s.usage()
	if err != nil {
		t.Fatal(err)
	}
	d := after.sub(before)
	if d.At <= 0 || d.User+d.System <= 0 || d.Switches <= 0 {
		t.Errorf("60 MB took %+v", d)
	}
	_ = s.in.Close()
	s.mustEnd(t)
}
