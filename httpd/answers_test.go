package httpd_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/afero"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/internal/vfs"
)

func TestRulesHoldForTheFileThatIsSent(t *testing.T) {
	rules := []httpd.Rule{
		{Pattern: "/assets/**", Name: "Cache-Control", Value: "max-age=31536000, immutable"},
		{Pattern: "/assets/**", Name: "X-Frame-Options", Value: "DENY"},
		{Pattern: "*.html", Name: "Cache-Control", Value: "no-cache"},
		{Pattern: "/lists/", Name: "Cache-Control", Value: "max-age=60"},
	}
	s := open(t, &httpd.Handler{Rules: rules, Fallback: "/index.html", Archives: true, Index: []string{"index.html", "start.js"}}, map[string]string{
		"index.html": "the page", "assets/app.js": "x", "assets/list/a": "a", "docs/index.html": "docs", "assets/code/start.js": "start", "lists/a": "a",
	})
	const immutable = "max-age=31536000, immutable"
	check(t, s.request(t, "GET", "/assets/app.js"), 200, "x", "Cache-Control", immutable, "X-Frame-Options", "DENY")
	check(t, s.request(t, "GET", "/assets/missing.js", "Accept", "text/html"), 200, "the page", "Cache-Control", "no-cache", "X-Frame-Options", "")
	check(t, s.request(t, "GET", "/assets/missing.js", "Accept", "text/html", "If-None-Match", "*"), 304, "", "Cache-Control", "no-cache")
	check(t, s.request(t, "GET", "/assets/missing.js"), 404, "", "Cache-Control", "")
	check(t, s.request(t, "GET", "/docs/"), 200, "docs", "Cache-Control", "no-cache")
	check(t, s.request(t, "GET", "/"), 200, "the page", "Cache-Control", "no-cache")
	check(t, s.request(t, "GET", "/assets/code/"), 200, "start", "Cache-Control", immutable)
	check(t, s.request(t, "GET", "/assets/list/"), 200, "", "Cache-Control", "no-cache", "X-Frame-Options", "DENY") // a listing changes
	check(t, s.request(t, "GET", "/assets/list/?zip"), 200, "", "Cache-Control", "", "X-Frame-Options", "DENY")
	check(t, s.request(t, "GET", "/assets/list"), 301, "", "Cache-Control", "", "X-Frame-Options", "DENY")
	check(t, s.request(t, "GET", "/lists/"), 200, "", "Cache-Control", "max-age=60")
}

func TestASiteWithoutAnIconSaysSo(t *testing.T) {
	s := open(t, &httpd.Handler{NotFoundPage: "/404.html"}, map[string]string{"404.html": "gone", "d/a": "a"})
	check(t, s.request(t, "GET", "/favicon.ico"), 204, "", "Content-Type", "", "Cache-Control", "max-age=86400")
	check(t, s.request(t, "HEAD", "/favicon.ico"), 204, "")
	check(t, s.request(t, "GET", "/apple-touch-icon-120x120.png"), 204, "")
	check(t, s.request(t, "GET", "/d/favicon.ico"), 404, "gone")
	check(t, s.request(t, "GET", "/icon.png"), 404, "gone")
	s.write(t, "favicon.ico", "icon")
	check(t, s.request(t, "GET", "/favicon.ico"), 200, "icon", "Content-Type", "image/vnd.microsoft.icon")
	check(t, (&fixture{Handler: &httpd.Handler{}}).request(t, "GET", "/favicon.ico"), 404, "")
}

func TestTheCharsetIsThatOfTheText(t *testing.T) {
	long := strings.Repeat("a line of ASCII\n", 3000)
	files := map[string]string{
		"utf8.html": "<title>Grüße</title>", "ascii.html": "<p>hello",
		"latin1.html":   "<head><meta charset=\"iso-8859-1\"><title>Gr\xfc\xdfe</title>",
		"equiv.html":    "<META http-equiv=Content-Type content='text/html; CHARSET=windows-1251'><p>\xcf\xf0",
		"declared.html": "<meta charset=utf-8><title>Grüße</title>", "other.html": "<meta name=viewport content=x><p>charset",
		"bare.html": "<title>Gr\xfc\xdfe</title>",
		"sjis.csv":  "\x93\xfa\x96{,1\n", "utf8.csv": "日本,1\n", "jis.txt": "\x1b$BF|K\\\x1b(B", "end.txt": "caf\xe9",
		"long.txt": long, "late.txt": long[:10_000] + "\xfc" + long, "cut.txt": long[:16<<10-1] + "ü" + long,
		"utf16.txt": "\xff\xfea\x00", "empty.txt": "", "a.json": "{}", "a.xml": "<a/>", "README": "Gr\xfc\xdfe",
		"colour.log": "\x1b[31mred\x1b[0m\n",
	}
	for path, change := range map[string]func(*httpd.Server){"fast path": cached, "net/http": func(srv *httpd.Server) { srv.NoFastPath = true }} {
		s := serve(t, change)
		for name, content := range files {
			s.write(t, name, content)
		}
		for name, want := range map[string]string{
			"utf8.html": "text/html; charset=utf-8", "ascii.html": "text/html; charset=utf-8", "latin1.html": "text/html", "equiv.html": "text/html",
			"declared.html": "text/html", "other.html": "text/html; charset=utf-8", "bare.html": "text/html",
			"sjis.csv": "text/csv", "utf8.csv": "text/csv; charset=utf-8", "jis.txt": "text/plain", "end.txt": "text/plain",
			"long.txt": "text/plain; charset=utf-8", "late.txt": "text/plain", "cut.txt": "text/plain; charset=utf-8",
			"utf16.txt": "text/plain", "empty.txt": "text/plain; charset=utf-8", "a.json": "application/json", "a.xml": "application/xml", "README": "text/plain",
			"colour.log": "text/plain; charset=utf-8",
		} {
			for range 2 { // the second time it is known
				if resp, body := s.do(t, "GET", "/"+name, nil); resp.Header.Get("Content-Type") != want || body != files[name] {
					t.Errorf("%s, %s: %s with %d bytes, want %s", path, name, resp.Header.Get("Content-Type"), len(body), want)
				}
			}
		}
	}
}

func TestTheLogSaysWhyAFileIsNotSent(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege, and there are no permission bits")
	}
	for path, change := range map[string]func(*httpd.Server){"fast path": cached, "net/http": func(srv *httpd.Server) { srv.NoFastPath = true }} {
		t.Run(path, func(t *testing.T) {
			s := serve(t, change)
			if err := os.Symlink(nettest.TempDir(t), filepath.Join(s.dir, "out")); err != nil {
				t.Fatal(err)
			}
			s.write(t, "f", "x")
			for target, want := range map[string]struct {
				status int
				reason string
			}{"/out/f": {403, "leads outside the tree"}, "/f": {200, ""}, "/none": {404, ""}} {
				for range 2 {
					if resp, _ := s.do(t, "GET", target, nil); resp.StatusCode != want.status {
						t.Errorf("%s: %s, want %d", target, resp.Status, want.status)
					}
					if rec := s.report(t); rec.Reason != want.reason {
						t.Errorf("%s: the reason is %q, want %q", target, rec.Reason, want.reason)
					}
				}
			}
		})
	}
}

func TestTheLogNamesEachFailureOfTheFileSystem(t *testing.T) {
	memory := afero.NewMemMapFs()
	for name, want := range map[string]struct {
		err    error
		status int
		reason string
	}{
		"/private": {syscall.EACCES, 403, syscall.EACCES.Error()},
		"/link":    {vfs.ErrOutside, 403, "leads outside the tree"},
		"/pipe":    {vfs.ErrSpecial, 403, "not a regular file or directory"},
		"/broken":  {syscall.EIO, 500, syscall.EIO.Error()},
		"/leased":  {syscall.EAGAIN, 500, syscall.EAGAIN.Error()},
		"/hung":    {vfs.ErrNotResponding, 503, vfs.ErrNotResponding.Error()},
		"/none":    {fs.ErrNotExist, 404, ""},
	} {
		if err := afero.WriteFile(memory, name, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		url, reported := serveFS(t, &httpd.Handler{FS: &failing{memory, map[string]error{name: want.err}}}, nil)
		resp, body := get(t, http.DefaultClient, url+name)
		if rec := <-reported; resp.StatusCode != want.status || rec.Reason != want.reason || strings.Contains(rec.Reason, name) {
			t.Errorf("%s: %s, the reason is %q, want %d and %q", name, resp.Status, rec.Reason, want.status, want.reason)
		}
		if want.reason != "" && strings.Contains(body, want.reason) {
			t.Errorf("%s: the client learns the reason: %s", name, body)
		}
	}
}

func TestTheLogSaysWhyARequestIsRefused(t *testing.T) {
	url, reported := serveFS(t, &httpd.Handler{FS: afero.NewMemMapFs(), Write: httpd.Create}, nil)
	resp, _ := send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader("x"), "Sec-Fetch-Site", "cross-site")
	if rec := <-reported; resp.StatusCode != 403 || !strings.Contains(rec.Reason, "another origin") {
		t.Errorf("a page of another origin: %s, %q", resp.Status, rec.Reason)
	}
	resp, _ = send(t, http.DefaultClient, "PUT", url+"/.hidden", strings.NewReader("x"))
	if rec := <-reported; resp.StatusCode != 403 || rec.Reason == "" {
		t.Errorf("a hidden name: %s, %q", resp.Status, rec.Reason)
	}
}

// Users have other files at the same addresses, which may have the same size and time.
func TestTagsKeepTheTreesOfUsersApart(t *testing.T) {
	s := serveUsers(t, nil, nil)
	then := anHourAgo()
	tags := make(map[string]string)
	for user, dir := range map[string]string{"": "pub", "alice": "alice", "bob": "bob"} {
		s.write(t, dir+"/same.txt", "of "+dir[:3])
		if err := os.Chtimes(filepath.Join(s.dir, dir, "same.txt"), then, then); err != nil {
			t.Fatal(err)
		}
		header := http.Header{}
		if user != "" {
			header = basic(user, "secret of "+user)
		}
		first, _ := s.do(t, "GET", "/same.txt", header)
		again, _ := s.do(t, "GET", "/same.txt", header)
		tag := first.Header.Get("Etag")
		if tag == "" || tag != again.Header.Get("Etag") {
			t.Errorf("%q: the tags are %s and %s", user, tag, again.Header.Get("Etag"))
		}
		if other, taken := tags[tag]; taken {
			t.Errorf("%q and %q have the tag %s", user, other, tag)
		}
		tags[tag] = user
	}
}
