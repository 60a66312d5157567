package nettest_test

import (
	"errors"
	"io"
	"os"
	"testing"
	"time"

	"sluice/internal/nettest"
)

func TestPairIsConnected(t *testing.T) {
	server, client := nettest.Pair(t)
	for range 2 {
		got := nettest.Sum(t, client)
		if _, err := server.Write([]byte("abc")); err != nil {
			t.Fatal(err)
		}
		if err := server.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if g := <-got; g.N != 3 || g.Err != nil {
			t.Errorf("got %d bytes and error %v, want 3 and none", g.N, g.Err)
		}
		server, client = client, server // in the other direction
	}
}

func TestPairIsNotMultipath(t *testing.T) {
	server, client := nettest.Pair(t)
	if on, err := server.MultipathTCP(); on || err != nil {
		t.Errorf("server: multipath = %v, %v, want false", on, err)
	}
	if on, err := client.MultipathTCP(); on || err != nil {
		t.Errorf("client: multipath = %v, %v, want false", on, err)
	}
}

func TestPairIsClosedWhenTheTestEnds(t *testing.T) {
	var ends [2]io.Writer
	t.Run("owner", func(t *testing.T) {
		ends[0], ends[1] = nettest.Pair(t)
	})
	for _, c := range ends {
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("write after the test of the pair: no error")
		}
	}
}

func TestSmallBuffersStallSoon(t *testing.T) {
	server, client := nettest.Pair(t)
	nettest.SmallBuffers(t, server, 8<<10)
	nettest.SmallBuffers(t, client, 8<<10)
	if err := server.SetWriteDeadline(time.Now().Add(200 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(server, nettest.Pattern(64<<20))
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("err = %v, want a stall", err)
	}
	if n > 1<<20 {
		t.Errorf("%d bytes went before the stall, want fewer than 1 MiB", n)
	}
}

func TestResetIsNotAnEndOfFile(t *testing.T) {
	if nettest.OnWine() {
		t.Skip("wine 8 reads the end of the stream from a connection that was reset")
	}
	server, client := nettest.Pair(t)
	nettest.Reset(t, client)
	n, err := server.Read(make([]byte, 1))
	if err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read = %d, %v, want the error of a reset", n, err)
	}
}
