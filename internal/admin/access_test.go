package admin

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"sluice/internal/live"
)

func TestAccess(t *testing.T) {
	outside := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 9180}
	socket := &net.UnixAddr{Name: "/run/s", Net: "unix"}
	for _, tt := range []struct {
		name   string
		token  string // of the server
		local  net.Addr
		host   string
		header string // Authorization
		want   int
	}{
		{"loopback by its address", "", loopback, "127.0.0.1:9180", "", 200},
		{"loopback by another of its addresses", "", loopback, "127.8.9.10:9180", "", 200},
		{"loopback by its name", "", loopback, "LocalHost:9180", "", 200},
		{"loopback without a port", "", loopback, "localhost", "", 200},
		{"IPv6 loopback", "", loopback, "[::1]:9180", "", 200},
		{"IPv6 loopback without a port", "", loopback, "[::1]", "", 200},
		{"IPv4-mapped loopback", "", loopback, "[::ffff:127.0.0.1]:9180", "", 200},
		{"loopback by a name that DNS can rebind", "", loopback, "rebind.example:9180", "", 421},
		{"a name with the prefix localhost", "", loopback, "localhost.example:9180", "", 421},
		{"a name with the prefix 127.0.0.1", "", loopback, "127.0.0.1.example:9180", "", 421},
		{"the address of another host", "", loopback, "192.0.2.1:9180", "", 421},
		{"no Host", "", loopback, "", "", 421},
		{"outside without a token", "", outside, "192.0.2.1:9180", "", 421},
		{"a unix socket with any Host", "", socket, "whatever", "", 200},
		{"the token", token, outside, "sluice.example:9180", "Bearer " + token, 200},
		{"the scheme in lower case", token, outside, "sluice.example", "bearer  " + token, 200},
		{"no token", token, outside, "sluice.example", "", 401},
		{"no token on loopback", token, loopback, "127.0.0.1:9180", "", 401},
		{"no token on a unix socket", token, socket, "x", "", 401},
		{"another token", token, outside, "sluice.example", "Bearer " + strings.ToUpper(token), 401},
		{"a part of the token", token, outside, "sluice.example", "Bearer " + token[:10], 401},
		{"the token with another scheme", token, outside, "sluice.example", "Basic " + token, 401},
		{"the token without a scheme", token, outside, "sluice.example", token, 401},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := &Handler{Live: new(live.Registry), Token: tt.token}
			defer h.Close()
			for _, path := range []string{"/", "/metrics", "/status.json", "/debug/pprof/", "/sessions/7"} {
				want := tt.want
				method := http.MethodGet
				switch {
				case path == "/sessions/7":
					method = http.MethodDelete
					fallthrough
				case path == "/debug/pprof/":
					if want == 200 {
						want = 404 // pprof is off, and there is no session 7
					}
				}
				r := request(method, path)
				r.Host = tt.host
				if tt.header != "" {
					r.Header.Set("Authorization", tt.header)
				}
				resp := do(h, tt.local, r)
				if resp.StatusCode != want {
					t.Errorf("%s %s: got %d, want %d", method, path, resp.StatusCode, want)
				}
				if challenge := resp.Header.Get("WWW-Authenticate"); (challenge != "") != (want == 401) {
					t.Errorf("%s: got the challenge %q with %d", path, challenge, resp.StatusCode)
				}
				if closes := resp.Header.Get("Connection") == "close"; closes != (tt.want != 200) {
					t.Errorf("%s: the connection is closed: %v with %d", path, closes, resp.StatusCode)
				}
				body, _ := io.ReadAll(resp.Body)
				if strings.Contains(string(body), token) {
					t.Errorf("%s: the response contains the token", path)
				}
			}
			r := request(http.MethodGet, "/healthz")
			r.Host = tt.host
			if resp := do(h, tt.local, r); resp.StatusCode != 200 {
				t.Errorf("/healthz: got %d, want 200", resp.StatusCode)
			}
		})
	}
}

func TestOtherOriginsAreRefused(t *testing.T) {
	h := &Handler{Live: new(live.Registry)}
	defer h.Close()
	s := enter(t, h.Live, live.HTTP, nil)
	for _, method := range []string{http.MethodOptions, http.MethodPost, http.MethodGet} {
		r := request(method, "/sessions/1")
		r.Header.Set("Origin", "https://evil.example")
		r.Header.Set("Access-Control-Request-Method", http.MethodDelete)
		resp := do(h, loopback, r)
		if resp.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s: got %d, want 405", method, resp.StatusCode)
		}
		for name := range resp.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: got the field %s", method, name)
			}
		}
	}
	if sessions, _ := h.Live.Len(); sessions != 1 {
		t.Errorf("session %d was cut", s.ID())
	}
}

func FuzzNamesLoopback(f *testing.F) {
	for _, host := range []string{"localhost:80", "[::1]:80", "[::1%lo]:80", "127.0.0.1", "[", "]:", ":", "a:b:c", "localhost.", "[localhost]"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !namesLoopback(host) {
			return
		}
		name := strings.Trim(host, "[]")
		if n, _, err := net.SplitHostPort(host); err == nil {
			name = n
		}
		if ip, err := netip.ParseAddr(name); err == nil && ip.Unmap().IsLoopback() {
			return
		}
		if !strings.EqualFold(name, "localhost") {
			t.Errorf("%q is accepted as a loopback name", host)
		}
	})
}

func TestCheckToken(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"a long token", token, ""},
		{"base64", "a+b/c=d.e_f~g-hij", ""},
		{"too short", "fifteen-letters", "shorter than 16"},
		{"empty", "", "shorter than 16"},
		{"a space", "a token with spaces in it", "other bytes"},
		{"two lines", token + "\n" + token, "other bytes"},
		{"letters beyond ASCII", "äöüäöüäöüäöü", "other bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := CheckToken(tt.in)
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
			if tt.in != "" && strings.Contains(err.Error(), tt.in) {
				t.Error("the error repeats the token")
			}
		})
	}
}
