package listen

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"sluice/internal/nettest"
)

// fakeLoops are Loops that mark their listeners.
type fakeLoops struct{ listenErr, takeErr error }

type marked struct {
	net.Listener
	sockets int
}

func (f fakeLoops) Listen(_ context.Context, addr string, sockets int) (net.Listener, error) {
	if f.listenErr != nil {
		return nil, f.listenErr
	}
	ln, err := net.Listen("tcp", addr)
	return marked{ln, sockets}, err
}

func (f fakeLoops) TakeOver(ln net.Listener) (net.Listener, error) {
	if _, ok := ln.(marked); ok || f.takeErr != nil {
		return ln, f.takeErr
	}
	return marked{ln, 0}, nil
}

func TestLoopsGetTheListenersOfHTTP(t *testing.T) {
	nettest.CheckLeaks(t)
	activated, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	inUse := &net.OpError{Op: "listen", Net: "tcp", Err: syscall.EADDRINUSE}
	for _, tt := range []struct {
		name, scheme, addr string
		loops              fakeLoops
		want               bool
		wantErr            string
	}{
		{"an address", "http", "127.0.0.1:0", fakeLoops{}, true, ""},
		{"a unix socket", "http", "unix:" + filepath.Join(nettest.TempDir(t), "s"), fakeLoops{}, true, ""},
		{"a socket from systemd", "http", "systemd", fakeLoops{}, true, ""},
		{"not those of HTTPS", "https", "127.0.0.1:0", fakeLoops{}, false, ""},
		{"not those of FTP", "ftp", "127.0.0.1:0", fakeLoops{}, false, ""},
		{"not that of the operator", Admin, "127.0.0.1:0", fakeLoops{}, false, ""},
		{"an address in use is explained", "http", "127.0.0.1:1", fakeLoops{listenErr: inUse}, true, "choose another address with --http"},
		{"a listener that they cannot take", "http", "unix:" + filepath.Join(nettest.TempDir(t), "s"), fakeLoops{takeErr: syscall.EMFILE}, true, "cannot listen on"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := Opener{loops: tt.loops, activated: map[string][]net.Listener{"http": {activated}}}
			if tt.addr != "systemd" {
				o.activated = nil
			}
			defer o.Close()
			all, err := o.Open(t.Context(), tt.scheme, tt.addr)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Errorf("error %v, want %q", err, tt.wantErr)
				}
				return
			}
			if err != nil || len(all) != 1 {
				t.Fatalf("%d listeners, %v", len(all), err)
			}
			if _, got := all[0].(marked); got != tt.want {
				t.Errorf("got a %T", all[0])
			}
		})
	}
}

func TestLoopsShareAnAddress(t *testing.T) {
	nettest.CheckLeaks(t)
	o := Opener{reusePort: 3, loops: fakeLoops{}}
	defer o.Close()
	all, err := o.Open(t.Context(), "http", "127.0.0.1:0")
	if err != nil || len(all) != 1 || all[0].(marked).sockets != 3 {
		t.Errorf("got %v, %v, want one listener with 3 sockets", all, err)
	}
	if runtime.GOOS != "linux" {
		return
	}
	without := Opener{reusePort: 3, loops: fakeLoops{listenErr: errors.ErrUnsupported}}
	defer without.Close()
	if all, err := without.Open(t.Context(), "http", "127.0.0.1:0"); err != nil || len(all) != 3 {
		t.Errorf("a system without loops: %d listeners, %v, want 3", len(all), err)
	}
}
