package httpd_test

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"sluice/httpd"
)

// eachPath calls test with a way to connect to the site on the fast path, in net/http, and in net/http over TLS.
func eachPath(t *testing.T, test func(t *testing.T, s *site, dial func(t *testing.T) net.Conn)) {
	other := httptest.NewTLSServer(nil) // for its certificate, and a client that trusts it
	defer other.Close()
	config := other.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	config.ServerName = "example.com"
	for name, change := range map[string]func(*httpd.Server){
		"on the fast path": cached,
		"in net/http":      func(srv *httpd.Server) { srv.NoFastPath = true },
		"over TLS":         func(srv *httpd.Server) { srv.TLSConfig = &tls.Config{Certificates: other.TLS.Certificates} },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(srv *httpd.Server) { srv.OnTransfer = nil; change(srv) })
			dial := func(t *testing.T) net.Conn { return s.dial(t) }
			if s.TLSConfig != nil {
				addr, served := s.serveTLS(t)
				t.Cleanup(func() { _ = s.Close(); <-served })
				dial = func(t *testing.T) net.Conn {
					t.Helper()
					c, err := tls.Dial("tcp", addr, config)
					if err != nil {
						t.Fatal(err)
					}
					t.Cleanup(func() { _ = c.Close() })
					return c
				}
			}
			test(t, s, dial)
		})
	}
}

func TestEmptyLinesBeforeARequestAreSkipped(t *testing.T) {
	const get = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n"
	eachPath(t, func(t *testing.T, s *site, dial func(*testing.T) net.Conn) {
		s.write(t, "a", "content of a")
		for name, parts := range map[string][]string{
			"at once":             {"\r\n\r\n" + get},
			"byte by byte":        {"\r", "\n", "\r", "\n", "G", get[1:]},
			"with another method": {"\r\n" + "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n", get},
		} {
			t.Run(name, func(t *testing.T) {
				c := dial(t)
				r := bufio.NewReader(c)
				for i, part := range parts {
					_, _ = io.WriteString(c, part)
					if len(part) < len(get)-1 {
						continue
					}
					if got := read(t, r, "GET"); got.status/100 != 2 || got.close {
						t.Errorf("part %d: got %+v", i, got)
					}
				}
			})
		}
		// A line break at the beginning of a read may be one of a head.
		for i := range get {
			c := dial(t)
			r := bufio.NewReader(c)
			_, _ = io.WriteString(c, "OPTIONS /a HTTP/1.1\r\nHost: a\r\n\r\n"+get[:i])
			if got := read(t, r, "OPTIONS"); got.status/100 != 2 {
				t.Errorf("%d bytes before the rest: got %+v", i, got)
			}
			_, _ = io.WriteString(c, get[i:])
			if got := read(t, r, "GET"); got.status != 200 || got.body != "content of a" {
				t.Errorf("the rest behind %d bytes: got %+v", i, got)
			}
			_ = c.Close()
		}
		c := dial(t)
		_, _ = io.WriteString(c, "\r"+get)
		if got := read(t, bufio.NewReader(c), "GET"); got.status != 400 {
			t.Errorf("CR that is no line: got %+v, want 400", got)
		}
	})
}

func TestRequestsForNobodyAreRefused(t *testing.T) {
	eachPath(t, func(t *testing.T, s *site, dial func(*testing.T) net.Conn) {
		s.write(t, "a", "content of a")
		for _, tt := range []struct {
			name, line, host string
			status           int
		}{
			{"two hosts in one field", "GET /a", "a,b", 400},
			{"two ports", "GET /a", "a:b:c", 400},
			{"an address without its end", "GET /a", "[::1", 400},
			{"a colon alone", "GET /a", ":", 400},
			{"a path in the host", "GET /a", "a/b", 400},
			{"of a HEAD too", "HEAD /a", "a,b", 400},
			{"a host and a port", "GET example.com:80", "a", 400},
			{"a host alone", "GET example.com", "a", 400},
			{"all of the server", "GET *", "a", 400},
			{"another scheme", "GET ftp://a/a", "a", 400},
			{"an absolute form with a malformed host", "GET http://a,b/a", "a", 400},

			{"an IPv6 address", "GET /a", "[::1]:80", 200},
			{"no host, which HTTP/1.1 allows in this form", "GET /a", "", 200},
			{"an absolute form with another host", "GET http://b/a", "a", 200},
			{"an absolute form without a path", "GET http://b", "a", 200},
			{"an absolute form of a proxy for https", "GET https://b:8443/a", "a", 200},
			{"the options of all of the server", "OPTIONS *", "a", 204},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := dial(t)
				_, _ = io.WriteString(c, tt.line+" HTTP/1.1\r\nHost: "+tt.host+"\r\n\r\n")
				method := tt.line[:4]
				if method == "GET " {
					method = "GET"
				}
				got := read(t, bufio.NewReader(c), method)
				if got.status != tt.status || got.close != (tt.status == 400) {
					t.Errorf("got %+v, want %d", got, tt.status)
				}
			})
		}
	})
}

func TestAnEmptyConditionNeverHolds(t *testing.T) {
	eachPath(t, func(t *testing.T, s *site, dial func(*testing.T) net.Conn) {
		s.write(t, "a", "content of a")
		for _, tt := range []struct {
			name, fields string
			want         answer
		}{
			{"If-Range", "Range: bytes=0-1\r\nIf-Range: \r\n", answer{200, "content of a", false}},
			{"If-Range with an empty tag", "Range: bytes=0-1\r\nIf-Range: \"\"\r\n", answer{200, "content of a", false}},
			{"If-Match", "If-Match:\r\n", answer{412, "412 Precondition Failed\n", false}},
			{"If-None-Match", "If-None-Match: \r\n", answer{200, "content of a", false}},
			{"Range, which is no condition", "Range: \r\n", answer{200, "content of a", false}},
		} {
			t.Run(tt.name, func(t *testing.T) {
				c := dial(t)
				_, _ = io.WriteString(c, "GET /a HTTP/1.1\r\nHost: a\r\n"+tt.fields+"\r\n")
				if got := read(t, bufio.NewReader(c), "GET"); got != tt.want {
					t.Errorf("got %+v, want %+v", got, tt.want)
				}
			})
		}
	})
}
