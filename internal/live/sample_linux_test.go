package live_test

import (
	"context"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"sluice/internal/live"
	"sluice/internal/nettest"
	"sluice/internal/status"
	"sluice/sendfile"
)

// download is a session that sends a file.
type download struct {
	registry live.Registry
	transfer *live.Transfer
	ended    chan live.Record
}

// start sends f over server until the end of the file or of the connection.
func start(t *testing.T, server *net.TCPConn, f *os.File, opt sendfile.Options) *download {
	t.Helper()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	d := &download{ended: make(chan live.Record, 1)}
	s := enter(t, &d.registry, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
	d.transfer = s.Begin(live.Job{Op: "GET", Path: "/f", Size: info.Size()})
	opt.Progress, opt.Wait = d.transfer.Hook(), d.transfer.Limited(opt.Wait)
	go func() {
		res, err := sendfile.Send(context.Background(), server, f, 0, -1, &opt)
		d.transfer.Add(res)
		d.ended <- d.transfer.End(res, err)
		s.Leave()
	}()
	t.Cleanup(func() {
		if server.Close() == nil {
			<-d.ended
		}
	})
	return d
}

func drain(c net.Conn)  { _, _ = io.Copy(io.Discard, c) }
func ignore(_ net.Conn) {}

func TestCausesOfDownloads(t *testing.T) {
	for _, tt := range []struct {
		name   string
		path   func(testing.TB) (server, client *net.TCPConn)
		sndbuf int
		wait   func(context.Context, int) (int, error)
		reader func(net.Conn)
		want   string
	}{
		{"a client that does not read", nettest.Pair, 0, nil, ignore, "receiver"},
		{"a rate limit", nettest.Pair, 0, slowly(100), drain, "rate limit"},
		{"a path of 20 Mbit/s", nettest.ShapedPath, 0, nil, drain, "path"},
		{"a send buffer of 4 KiB on a path of 40 ms", nettest.LongPath, 4096, nil, drain, "send buffer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			server, client := tt.path(t)
			if tt.sndbuf > 0 {
				if err := server.SetWriteBuffer(tt.sndbuf); err != nil {
					t.Fatal(err)
				}
			}
			d := start(t, server, nettest.PatternFile(t, 32<<20), sendfile.Options{Wait: tt.wait})
			read := make(chan struct{})
			go func() { tt.reader(client); close(read) }()
			// Buffers fill at first, so the last cause differs from that of the whole transfer.
			await(t, &d.registry, func(st status.Transfer) bool { return st.Cause == tt.want })
			_ = client.SetLinger(0)
			_ = client.Close()
			<-read
		})
	}
}

// If the server's disk is slow, the cause is the application.
func TestASlowServerIsTheCauseItself(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	go drain(client)
	var r live.Registry
	s := enter(t, &r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
	transfer := s.Begin(live.Job{Op: "GET", Size: -1})
	var sent sendfile.Result
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond): // the disk
			}
			n, _ := server.Write(make([]byte, 100))
			sent.Sent += int64(n)
			transfer.Add(sendfile.Result{Sent: int64(n), Method: sendfile.Copy})
		}
	}()
	await(t, &r, func(st status.Transfer) bool { return st.Cause == "application" })
	close(stop)
	<-done
	rec := transfer.End(sent, nil)
	if rec.Cause != live.Application || rec.RTT == 0 || rec.Retransmits != 0 {
		t.Errorf("got %+v", rec)
	}
}

// A chunk that does not end reports no progress: the timer takes the samples.
func TestATransferStuckInAChunkIsSampled(t *testing.T) {
	nettest.CheckLeaks(t)
	const size = 64 << 20
	server, client := nettest.Pair(t)
	d := start(t, server, nettest.PatternFile(t, size), sendfile.Options{Chunk: size})
	const taken = 10_000
	if _, err := io.ReadFull(client, make([]byte, taken)); err != nil {
		t.Fatal(err)
	}
	st := await(t, &d.registry, func(st status.Transfer) bool { return st.Cause == "receiver" && st.Rate != nil })
	if st.Confirmed == nil || *st.Confirmed < taken || *st.Confirmed == size || st.Moved < *st.Confirmed {
		t.Errorf("%d moved, confirmed %v", st.Moved, st.Confirmed)
	}
	if st.TCP == nil || st.TCP.RTT == nil || st.TCP.NotSent == nil || *st.TCP.NotSent == 0 {
		t.Errorf("got %+v, want the round trip time, and unsent bytes", st.TCP)
	}
	d.registry.Kill(1)
	rec := <-d.ended
	if rec.Outcome != live.Cut || rec.Cause != live.Receiver || rec.Sent == 0 {
		t.Errorf("got %+v", rec)
	}
}

func TestAShortTransferHasASample(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	go drain(client)
	const size = 40_000
	d := start(t, server, nettest.PatternFile(t, size), sendfile.Options{})
	rec := <-d.ended
	if rec.RTT == 0 || rec.Retransmits != 0 || rec.Sent != size || rec.Outcome != live.Complete {
		t.Errorf("got %+v", rec)
	}
	d.ended <- rec
}

// With one sample, retransmissions may be from before the transfer: absent is not
// zero.
func TestOneSampleHasNoRetransmissions(t *testing.T) {
	for name, tt := range map[string]struct{ before, want int64 }{
		"on a new connection":              {0, 0},
		"on a used connection":             {1000, -1},
		"on a connection with unknown use": {-1, -1},
	} {
		server, _ := nettest.Pair(t)
		var r live.Registry
		s := enter(t, &r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
		rec := s.Begin(live.Job{Op: "GET", Size: 1000, Before: tt.before}).End(sendfile.Result{Sent: 1000}, nil)
		if rec.Retransmits != tt.want || rec.RTT == 0 {
			t.Errorf("%s: got %d, want %d; %+v", name, rec.Retransmits, tt.want, rec)
		}
	}
}

// Bytes sent before on the same connection do not count as confirmed.
func TestConfirmedCountsOnlyTheTransfer(t *testing.T) {
	nettest.CheckLeaks(t)
	server, client := nettest.Pair(t)
	var r live.Registry
	s := enter(t, &r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
	write := func(n int) {
		if _, err := server.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(client, make([]byte, n)); err != nil {
			t.Fatal(err)
		}
	}
	write(50_000)
	transfer := s.Begin(live.Job{Op: "GET", Size: -1, Before: 50_000})
	write(30_000)
	for range 2 {
		transfer.Add(sendfile.Result{Sent: 15_000, Method: sendfile.Copy})
	}
	await(t, &r, func(st status.Transfer) bool { return st.Confirmed != nil && *st.Confirmed == 30_000 })
	transfer.End(sendfile.Result{Sent: 30_000}, nil)

	hidden := s.Begin(live.Job{Op: "GET", Size: -1, Before: -1})
	st := await(t, &r, func(st status.Transfer) bool { return st.TCP != nil })
	if st.Confirmed != nil {
		t.Errorf("%d bytes are confirmed, want that to be unknown", *st.Confirmed)
	}
	hidden.End(sendfile.Result{}, nil)
}

// The first connection cannot be sampled, so each sample is of the second.
func TestSamplesAreOfTheConnectionThatSetConnHasSet(t *testing.T) {
	for name, isRunning := range map[string]bool{"during a transfer": true, "between transfers": false} {
		t.Run(name, func(t *testing.T) {
			first, _ := net.Pipe()
			defer first.Close()
			second, _ := nettest.Pair(t)
			var r live.Registry
			s := enter(t, &r, live.Client{Conn: first})
			transfer := s.Begin(live.Job{Size: -1})
			if !isRunning {
				if rec := transfer.End(sendfile.Result{}, nil); rec.RTT != 0 {
					t.Fatalf("a pipe has a round trip time of %v", rec.RTT)
				}
			}
			s.SetConn(second)
			if !isRunning {
				transfer = s.Begin(live.Job{Size: -1})
			}
			if rec := transfer.End(sendfile.Result{}, nil); rec.RTT == 0 {
				t.Error("the round trip time is unknown")
			}
		})
	}
}

func TestAPeerOnThisHostIsFound(t *testing.T) {
	nettest.CheckLeaks(t)
	server, _ := nettest.Pair(t)
	var r live.Registry
	enter(t, &r, live.Client{Remote: live.AddrPortOf(server.RemoteAddr()), Conn: server})
	enter(t, &r, at("192.0.2.1"))
	st := live.Snapshot(&r)
	st.AddPeers()
	if p := st.Sessions[0].Peer; p == nil || p.PID == nil || *p.PID != os.Getpid() || p.UID == nil || int(*p.UID) != os.Getuid() {
		t.Errorf("got %+v, want this process", p)
	}
	if p := st.Sessions[1].Peer; p != nil {
		t.Errorf("got %+v for a client on another host", p)
	}
}
