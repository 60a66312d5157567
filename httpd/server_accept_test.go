package httpd_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
)

// exhausted is the listener of a process that has no more descriptors for a while.
type exhausted struct {
	net.Listener
	left int
	errs []error
}

func (l *exhausted) Accept() (net.Conn, error) {
	if l.left--; l.left < 0 {
		return nil, net.ErrClosed
	}
	err := l.errs[l.left%len(l.errs)]
	return nil, &net.OpError{Op: "accept", Net: "tcp", Err: os.NewSyscallError("accept4", err)}
}

func (l *exhausted) Close() error   { return nil }
func (l *exhausted) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

func TestAServerWithoutDescriptorsWaitsForSome(t *testing.T) {
	errs := []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM}
	if runtime.GOOS == "windows" {
		errs = []error{syscall.Errno(10024)} // WSAEMFILE
	}
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		server := new(httpd.Server)
		defer server.Close()
		err := server.Serve(&exhausted{left: 60, errs: errs})
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("got %v, want the error that does not pass", err)
		}
		// The pause doubles from 5 ms up to a second; eight descriptors were in reserve.
		if waited := time.Since(begun); waited < 40*time.Second || waited > 60*time.Second {
			t.Errorf("60 failures took %v, want a pause after each, of up to a second", waited)
		}
	})
}

// faults-http.md, H14: in a jail every request was answered 503.
func TestAServerNeedsNoDevNull(t *testing.T) {
	t.Cleanup(httpd.SetDevNull(filepath.Join(nettest.TempDir(t), "missing"))) // after the end of the server
	s := serve(t, nil)
	s.write(t, "f", "content")
	resp, err := http.Get(s.url + "/f")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || string(body) != "content" || err != nil {
		t.Errorf("%d, %q, %v", resp.StatusCode, body, err)
	}
}
