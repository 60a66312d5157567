package load

import (
	"errors"
	"strings"
	"testing"
)

func TestParseHead(t *testing.T) {
	none := head{length: -1, first: -1, total: -1}
	with := func(change func(*head)) head {
		h := none
		h.status = 200
		change(&h)
		return h
	}
	for _, tt := range []struct {
		name string
		in   string // its lines; the CRLFs are added
		want head
		bad  bool
	}{
		{"a body with a length", "HTTP/1.1 200 OK|Content-Length: 12", with(func(h *head) { h.length = 12 }), false},
		{"names in any case and spaces around", "HTTP/1.1 200 OK|CONTENT-length:\t12 ", with(func(h *head) { h.length = 12 }), false},
		{"no reason", "HTTP/1.1 200", with(func(*head) {}), false},
		{"an empty reason", "HTTP/1.1 200 ", with(func(*head) {}), false},
		{"chunks", "HTTP/1.1 200 OK|Transfer-Encoding: Chunked", with(func(h *head) { h.chunked = true }), false},
		{"a last response", "HTTP/1.1 200 OK|Connection: foo, Close", with(func(h *head) { h.close = true }), false},
		{"HTTP/1.0 closes", "HTTP/1.0 200 OK", with(func(h *head) { h.close = true }), false},
		{"HTTP/1.0 can be kept", "HTTP/1.0 200 OK|Connection: keep-alive", with(func(*head) {}), false},
		{"a range", "HTTP/1.1 206 P|Content-Range: bytes 5-9/100", with(func(h *head) { h.status, h.first, h.last, h.total = 206, 5, 9, 100 }), false},
		{"a range of who knows what", "HTTP/1.1 206 P|Content-Range: bytes 5-9/*", with(func(h *head) { h.status, h.first, h.last = 206, 5, 9 }), false},
		{"no range that fits", "HTTP/1.1 416 R|Content-Range: bytes */100", with(func(h *head) { h.status = 416 }), false},
		{"the same length twice", "HTTP/1.1 200 OK|Content-Length: 1|Content-Length: 1", with(func(h *head) { h.length = 1 }), false},

		{"two lengths", "HTTP/1.1 200 OK|Content-Length: 1|Content-Length: 2", head{}, true},
		{"a length and chunks", "HTTP/1.1 200 OK|Content-Length: 1|Transfer-Encoding: chunked", head{}, true},
		{"a coding it does not know", "HTTP/1.1 200 OK|Transfer-Encoding: gzip", head{}, true},
		{"a negative length", "HTTP/1.1 200 OK|Content-Length: -1", head{}, true},
		{"a length that overflows", "HTTP/1.1 200 OK|Content-Length: 99999999999999999999", head{}, true},
		{"no length at all", "HTTP/1.1 200 OK|Content-Length:", head{}, true},
		{"a range backwards", "HTTP/1.1 206 P|Content-Range: bytes 9-5/100", head{}, true},
		{"a range past the end", "HTTP/1.1 206 P|Content-Range: bytes 5-100/100", head{}, true},
		{"a range in other units", "HTTP/1.1 206 P|Content-Range: lines 5-9/100", head{}, true},
		{"HTTP/2", "HTTP/2 200 OK", head{}, true},
		{"another protocol", "220 ready", head{}, true},
		{"a status of letters", "HTTP/1.1 abc OK", head{}, true},
		{"a long status", "HTTP/1.1 2000 OK", head{}, true},
		{"a line without a colon", "HTTP/1.1 200 OK|nothing", head{}, true},
		{"a folded line", "HTTP/1.1 200 OK|A: b| c: d", head{}, true},
		{"a bare line feed", "HTTP/1.1 200 OK|A: b\nContent-Length: 1", head{}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := strings.ReplaceAll(tt.in, "|", "\r\n") + "\r\n\r\n"
			h, n, err := parseHead([]byte(in + "body"))
			if tt.bad {
				if !errors.Is(err, errHead) {
					t.Errorf("got %+v, %v, want an error", h, err)
				}
				return
			}
			if h != tt.want || n != len(in) || err != nil {
				t.Errorf("got %+v, %d, %v, want %+v, %d", h, n, err, tt.want, len(in))
			}
			for i := range in {
				if _, n, err := parseHead([]byte(in[:i])); n != 0 || err != nil {
					t.Fatalf("the first %d bytes: got %d, %v, want 0 and no error", i, n, err)
				}
			}
		})
	}
}

func TestParseHeadIsBounded(t *testing.T) {
	endless := []byte("HTTP/1.1 200 OK\r\n" + strings.Repeat("A: b\r\n", maxHead/6))
	if _, _, err := parseHead(endless); !errors.Is(err, errHead) {
		t.Errorf("a head of %d bytes without an end: got %v, want an error", len(endless), err)
	}
}

func TestParseHeadAllocatesNothing(t *testing.T) {
	p := []byte("HTTP/1.1 206 P\r\nServer: x\r\nContent-Length: 5\r\nContent-Range: bytes 5-9/100\r\nConnection: keep-alive\r\n\r\n")
	if n := testing.AllocsPerRun(100, func() { _, _, _ = parseHead(p) }); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

func TestParseChunkSize(t *testing.T) {
	for in, want := range map[string]int64{"0": 0, "1a": 26, "FF;x=y": 255, "5 \t": 5, "": -1, "g": -1, "-1": -1, "+1": -1, "8000000000000000": -1} {
		got, err := parseChunkSize([]byte(in))
		if want < 0 && err == nil || want >= 0 && (got != want || err != nil) {
			t.Errorf("parseChunkSize(%q) = %d, %v, want %d", in, got, err, want)
		}
	}
}

func FuzzParseHead(f *testing.F) {
	f.Add([]byte("HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"))
	f.Add([]byte("HTTP/1.0 206 P\r\nContent-Range: bytes 5-9/100\r\nConnection: close\r\n\r\n"))
	f.Fuzz(func(t *testing.T, p []byte) {
		h, n, err := parseHead(p)
		switch {
		case n < 0 || n > len(p):
			t.Fatalf("a head of %d bytes in %d", n, len(p))
		case err != nil && n != 0:
			t.Fatalf("an error and a head of %d bytes", n)
		case n > 0 && (h.status < 100 || h.status > 999 || h.length < -1 || h.chunked && h.length >= 0):
			t.Fatalf("%q is %+v", p[:n], h)
		case n > 0 && h.first >= 0 && (h.last < h.first || h.total >= 0 && h.last >= h.total):
			t.Fatalf("%q is %+v", p[:n], h)
		}
	})
}
