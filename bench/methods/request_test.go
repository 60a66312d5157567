package methods

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRequestsAreRead(t *testing.T) {
	tests := []struct {
		name, sent string
		want       []request
		err        error // after them; nil: any but io.EOF
	}{
		{"one", "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", []request{{path: "/a"}}, io.EOF},
		{"two at once", "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", []request{{path: "/a"}, {path: "/b"}}, io.EOF},
		{"one that is the last", "GET /a HTTP/1.1\r\nconnection:  CLOSE \r\n\r\n", []request{{path: "/a", last: true}}, io.EOF},
		{"none", "", nil, io.EOF},
		{"a part of one", "GET /a HTTP/1.1\r\nHo", nil, io.ErrUnexpectedEOF},
		{"another method", "HEAD /a HTTP/1.1\r\n\r\n", nil, nil},
		{"another version", "GET /a HTTP/1.0\r\n\r\n", nil, nil},
		{"no path", "GET HTTP/1.1\r\n\r\n", nil, nil},
		{"a body", "GET /a HTTP/1.1\r\nContent-Length: 1\r\n\r\nx", nil, nil},
		{"a chunked body", "GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", nil, nil},
		{"a head that never ends", "GET /a HTTP/1.1\r\n" + strings.Repeat("x", 2*maxHead), nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			whole := requestReader{from: strings.NewReader(tt.sent)}
			bytewise := requestReader{from: iotest.OneByteReader(strings.NewReader(tt.sent))}
			for _, r := range []*requestReader{&whole, &bytewise} {
				for _, want := range tt.want {
					if got, err := r.next(); got != want || err != nil {
						t.Fatalf("got %+v, %v, want %+v", got, err, want)
					}
				}
				_, err := r.next()
				if tt.err != nil && err != tt.err || tt.err == nil && (err == nil || err == io.EOF) {
					t.Errorf("error = %v, want %v", err, tt.err)
				}
			}
		})
	}
}

func FuzzRequests(f *testing.F) {
	f.Add("GET /a HTTP/1.1\r\nConnection: close\r\n\r\nGET /b HTTP/1.1\r\n\r\n")
	f.Add("GET / HTTP/1.1\r\n\r\n\r\n\r\n")
	f.Fuzz(func(t *testing.T, sent string) {
		r := requestReader{from: strings.NewReader(sent)}
		heads := 0
		for {
			req, err := r.next()
			if err != nil {
				break
			}
			heads++
			if !strings.HasPrefix(req.path, "/") {
				t.Errorf("path %q", req.path)
			}
		}
		if most := strings.Count(sent, "\r\n\r\n"); heads > most {
			t.Errorf("%d requests in %d heads", heads, most)
		}
	})
}
