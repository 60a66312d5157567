//go:build e2e

package e2e

import (
	"os"
	"strings"
	"testing"
)

// write makes a file with this content in the served directory.
func (s *server) write(name, content string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func TestFlagsChangeHTTPResponses(t *testing.T) {
	for _, tt := range []struct {
		name      string
		flags     []string
		path      string
		curl      []string
		with      string // a part of the response with the flags
		without   string // a part of the response without them
		secondary string // another part of the response with the flags
	}{
		{name: "a name for the index", flags: []string{"--index", "start.txt"}, path: "/",
			with: "\r\n\r\nthe start", without: "\r\n\r\nthe index"},
		{name: "no index", flags: []string{"--index", ""}, path: "/", with: "start.txt</a>", without: "\r\n\r\nthe index"},
		{name: "no listing", flags: []string{"--no-listing"}, path: "/dir/", with: "HTTP/1.1 404 ", without: "page.txt</a>"},
		{name: "hidden names", flags: []string{"--hidden"}, path: "/.secret", with: "\r\n\r\nhidden", without: "HTTP/1.1 404 "},
		{name: "no archives", flags: []string{"--archives=false"}, path: "/dir/?tar", with: "text/html", without: "application/x-tar"},
		{name: "a page for missing files", flags: []string{"--not-found", "/lost.html"}, path: "/none",
			with: "\r\n\r\nlost", without: "HTTP/1.1 404 ", secondary: "HTTP/1.1 404 "},
		{name: "a fallback page", flags: []string{"--fallback", "/app.html"}, path: "/none", curl: []string{"-H", "Accept: text/html"},
			with: "\r\n\r\napplication", without: "HTTP/1.1 404 ", secondary: "HTTP/1.1 200 "},
		{name: "a compressed form", flags: []string{"--precompressed"}, path: "/index.html", curl: []string{"-H", "Accept-Encoding: gzip"},
			with: "\r\nContent-Encoding: gzip\r\n", without: "\r\n\r\nthe index"},
		{name: "a line of header", flags: []string{"--header", "*.txt X-Test: one two"}, path: "/start.txt",
			with: "\r\nX-Test: one two\r\n", without: "\r\n\r\nthe start"},
		{name: "an origin", flags: []string{"--cors", "https://example.com"}, path: "/start.txt", curl: []string{"-H", "Origin: https://example.com"},
			with: "\r\nAccess-Control-Allow-Origin: https://example.com\r\n", without: "\r\n\r\nthe start"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, served := range []struct {
				flags []string
				want  []string
			}{{tt.flags, []string{tt.with, tt.secondary}}, {nil, []string{tt.without}}} {
				s := start(t, served.flags...)
				for name, content := range map[string]string{
					"index.html": "the index", "start.txt": "the start", ".secret": "hidden", "lost.html": "lost",
					"app.html": "application", "index.html.gz": "anything",
				} {
					s.write(name, content)
				}
				s.file("dir/page.txt", 10)
				got := run(t, t.TempDir(), "curl", append(tt.curl, "-sS", "-i", s.http.JoinPath("/").String()+strings.TrimPrefix(tt.path, "/"))...)
				for _, want := range served.want {
					if !strings.Contains(got, want) {
						t.Errorf("with %v: %q lacks %q", served.flags, got, want)
					}
				}
			}
		})
	}
}

func TestAContentETagSurvivesATouch(t *testing.T) {
	for _, tt := range []struct {
		flags []string
		same  bool
	}{{[]string{"--content-etags"}, true}, {nil, false}} {
		s := start(t, append(tt.flags, "--cache-valid", "0")...)
		tag := func() string {
			t.Helper()
			s.file("f", 1000) // the same content with a new time
			head := curl(t, t.TempDir(), "-I", s.urlOf("http", "f"))
			_, rest, _ := strings.Cut(head, "\r\nEtag: ")
			tag, _, _ := strings.Cut(rest, "\r\n")
			return tag
		}
		first, second := tag(), tag()
		if first == "" || (first == second) != tt.same {
			t.Errorf("%v: %q and then %q, want the same: %v", tt.flags, first, second, tt.same)
		}
	}
}

func TestTooManyConnectionsGet503(t *testing.T) {
	const most = 3
	s := start(t, "--max-conns", "3")
	s.file("f", large)
	var held []*download
	for range most {
		d, err := requestFile(t.Context(), s, "f")
		if err != nil {
			t.Fatal(err)
		}
		defer d.close()
		held = append(held, d)
	}
	status := func() string {
		t.Helper()
		return run(t, t.TempDir(), "curl", "-sS", "-I", "-o", "head", "-w", "%{http_code}", s.urlOf("http", "f"))
	}
	if got := status(); got != "503" {
		t.Errorf("a connection beyond the limit: %s, want 503", got)
	}
	held[0].close()
	eventually(t, "another connection is accepted", func() bool { return status() == "200" })
}
