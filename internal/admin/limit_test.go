package admin

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// crowd is a listener to which somebody always comes.
type crowd struct{ net.Listener }

func (crowd) Accept() (net.Conn, error) {
	c, peer := net.Pipe()
	return c, peer.Close()
}

func (crowd) Close() error { return nil }

func TestLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ln := Limit(crowd{})
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

// refusing is a listener of which each second Accept fails.
type refusing struct {
	crowd
	calls *int
}

func (r refusing) Accept() (net.Conn, error) {
	if *r.calls++; *r.calls%2 == 1 {
		return nil, errors.New("no descriptor")
	}
	return r.crowd.Accept()
}

func TestLimitCountsNoFailures(t *testing.T) {
	ln := Limit(refusing{calls: new(int)})
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
