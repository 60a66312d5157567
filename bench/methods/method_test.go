package methods

import (
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// eachMethod runs a test for each method that this machine has.
func eachMethod(t *testing.T, test func(t *testing.T, m method)) {
	for _, m := range allMethods {
		t.Run(m.name, func(t *testing.T) {
			if err := m.usable(); err != nil {
				t.Skip(err)
			}
			test(t, m)
		})
	}
}

// open returns a sender of m on conn until the end of the test. It must be called
// on the goroutine of the test, whose thread a ring needs.
func open(t *testing.T, m method, conn net.Conn) sender {
	t.Helper()
	l, err := m.open(conn)
	if err != nil {
		t.Fatal(err)
	}
	if l.close != nil {
		t.Cleanup(l.close)
	}
	return l
}

func TestAMethodSendsExactlyThePart(t *testing.T) {
	const size = 9<<20 + 12345 // more than a pipe holds and mmap maps at once
	f := nettest.PatternFile(t, size)
	parts := []struct{ off, n int64 }{
		{0, size},
		{0, 0},
		{size, 0},
		{0, 1},
		{size - 1, 1},
		{4095, 4098},
		{8<<10 - 1, 64<<10 + 2},
		{4097, size - 4097},
		{0, 256 << 10},
	}
	eachMethod(t, func(t *testing.T, m method) {
		nettest.CheckLeaks(t)
		server, client := nettest.Pair(t)
		l := open(t, m, server)
		for _, p := range parts { // with the same sender
			got := nettest.Sum(t, io.LimitReader(client, p.n))
			if err := l.send(f, p.off, p.n); err != nil {
				t.Fatalf("send %d at %d: %v", p.n, p.off, err)
			}
			if g := <-got; g.SHA256 != nettest.PatternSum(p.off, p.n) {
				t.Errorf("send %d at %d: got %d other bytes", p.n, p.off, g.N)
			}
		}
		if err := server.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if more, err := io.ReadAll(client); err != nil || len(more) > 0 {
			t.Errorf("%d bytes more than asked for, %v", len(more), err)
		}
	})
}

func TestAMethodWaitsForASlowPeer(t *testing.T) {
	const size = 1<<20 + 1
	f := nettest.PatternFile(t, size)
	eachMethod(t, func(t *testing.T, m method) {
		nettest.CheckLeaks(t)
		server, client := nettest.Pair(t)
		nettest.SmallBuffers(t, server, 64<<10)
		nettest.SmallBuffers(t, client, 64<<10)
		l := open(t, m, server)
		got := nettest.Sum(t, nettest.Trickle(io.LimitReader(client, size), 16<<10, 100*time.Microsecond))
		if err := l.send(f, 0, size); err != nil {
			t.Fatal(err)
		}
		if g := <-got; g.SHA256 != nettest.PatternSum(0, size) {
			t.Errorf("got %d other bytes", g.N)
		}
	})
}

func TestAMethodFailsIfTheFileEndsEarly(t *testing.T) {
	const size = 300_000
	f := nettest.PatternFile(t, size)
	eachMethod(t, func(t *testing.T, m method) {
		nettest.CheckLeaks(t)
		server, client := nettest.Pair(t)
		l := open(t, m, server)
		got := nettest.Sum(t, client)
		if err := l.send(f, 1000, size); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("error = %v, want %v", err, io.ErrUnexpectedEOF)
		}
		_ = server.Close()
		if g := <-got; g.N > size-1000 {
			t.Errorf("%d bytes were sent, and the file has %d", g.N, size-1000)
		}
	})
}

func TestAMethodFailsIfThePeerIsGone(t *testing.T) {
	const size = 32 << 20
	f := nettest.PatternFile(t, size)
	eachMethod(t, func(t *testing.T, m method) {
		nettest.CheckLeaks(t)
		before := mappings(t, f.Name())
		server, client := nettest.Pair(t)
		l, err := m.open(server)
		if err != nil {
			t.Fatal(err)
		}
		reset := make(chan error, 1)
		go func() {
			_, err := io.CopyN(io.Discard, client, size/8)
			reset <- errors.Join(err, client.SetLinger(0), client.Close())
		}()
		if err := l.send(f, 0, size); err == nil {
			t.Error("no error")
		}
		if err := <-reset; err != nil {
			t.Error(err)
		}
		if l.close != nil {
			l.close()
		}
		if after := mappings(t, f.Name()); after > before {
			t.Errorf("%d mappings are left, want %d", after, before)
		}
	})
}

// mappings returns the number of mappings of a file and of rings, or 0 if the
// system does not list them.
func mappings(t *testing.T, name string) int {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(maps), name) + strings.Count(string(maps), "io_uring")
}

func TestAllNamesAllMethods(t *testing.T) {
	var got []string
	for _, m := range All() {
		got = append(got, m.Name)
		if m.About == "" {
			t.Errorf("%s has no description", m.Name)
		}
	}
	if !slices.Equal(got, names()) {
		t.Errorf("got %q, want %q", got, names())
	}
}

func TestAnUnknownMethodIsRefusedWithTheNames(t *testing.T) {
	_, err := find("teleport")
	if err == nil || !strings.Contains(err.Error(), "sluice") {
		t.Errorf("error = %v, want one that lists the methods", err)
	}
}
