package admin

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// endlessListener is a listener on which a client always waits.
type endlessListener struct{ net.Listener }

func (endlessListener) Accept() (net.Conn, error) {
	c, peer := net.Pipe()
	return c, peer.Close()
}

func (endlessListener) Close() error { return nil }

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := Limit(endlessListener{})
		accepted := make(chan net.Conn, 2*MaxConns)
		ended := make(chan error, 1)
		go func() {
			for {
				c, err := ln.Accept()
				if err != nil {
					ended <- err
					return
				}
				accepted <- c
			}
		}()
		want := func(what string, n int) {
			t.Helper()
			synctest.Wait()
			if got := len(accepted); got != n {
				t.Errorf("%s: got %d connections, want %d", what, got, n)
			}
		}
		want("at first", MaxConns)
		first := <-accepted
		_ = first.Close()
		want("after one was closed", MaxConns)
		_ = first.Close()
		want("after it was closed again", MaxConns)
		_ = ln.Close()
		_ = ln.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: got %v, want net.ErrClosed", err)
		}
	})
}

// failingListener is a listener whose every second Accept fails, the first too.
type failingListener struct {
	endlessListener
	calls *int
}

func (r failingListener) Accept() (net.Conn, error) {
	if *r.calls++; *r.calls%2 == 1 {
		return nil, errors.New("no descriptor")
	}
	return r.endlessListener.Accept()
}

func TestLimitCountsNoFailures(t *testing.T) {
	ln := Limit(failingListener{calls: new(int)})
	for range 3 * MaxConns {
		if _, err := ln.Accept(); err == nil {
			t.Error("the first Accept has not failed")
		}
		c, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = c.Close()
	}
}
