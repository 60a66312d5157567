package daemon

import (
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"sluice/internal/nettest"
)

// timeout bounds the wait for something that must happen.
const timeout = 30 * time.Second

func TestOperatorDisconnectsSlowClients(t *testing.T) {
	nettest.CheckLeaks(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}, 1) // each request
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.URL.Path == "/endless" {
			if _, err := w.Write(make([]byte, 1<<20)); err != nil {
				break
			}
		}
		ended <- struct{}{}
	})}
	setTimeouts(s, 50*time.Millisecond)
	go s.Serve(ln)
	defer s.Close()
	for name, request := range map[string]string{
		"a missing body":              "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
		"an idle connection":          "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"a response that is not read": "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n",
		"an incomplete header":        "GET / HTTP/1.1\r\nHost: h\r\n",
		"no request":                  "",
	} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if name == "a response that is not read" {
			<-ended
		}
		_ = c.SetReadDeadline(time.Now().Add(timeout))
		if _, err := io.Copy(io.Discard, c); os.IsTimeout(err) {
			t.Errorf("%s: the connection is still open", name)
		}
		_ = c.Close()
		select {
		case <-ended:
		default:
		}
	}
}
