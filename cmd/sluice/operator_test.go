package main

import (
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"time"

	"sluice/internal/nettest"
)

func TestNoClientOfTheOperatorStaysForGood(t *testing.T) {
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
	boundTimes(s, 50*time.Millisecond)
	go s.Serve(ln)
	defer s.Close()
	for name, request := range map[string]string{
		"a body that does not come":     "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n",
		"nothing after an answer":       "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
		"an answer that is not taken":   "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n",
		"a header that does not come":   "GET / HTTP/1.1\r\nHost: h\r\n",
		"a request that does not begin": "",
	} {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		if name == "an answer that is not taken" {
			<-ended
		}
		_ = c.SetReadDeadline(time.Now().Add(patience))
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
