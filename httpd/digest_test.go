package httpd_test

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/httpd"
)

func TestChecksumsOnRequest(t *testing.T) {
	s := open(t, &httpd.Handler{Precompressed: true}, map[string]string{
		"a.txt": "abc", "dir/b c.txt": "abc", "empty": "", "a.txt.gz": "other", "site/index.html": "abc", "b\\s": "abc", "n\nl": "abc",
	})
	const sha256abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	for _, tt := range []struct{ target, want string }{
		{"/a.txt?sha256", sha256abc + "  a.txt\n"},
		{"/a.txt?sha512", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f  a.txt\n"},
		{"/a.txt?sha1", "a9993e364706816aba3e25717850c26c9cd0d89d  a.txt\n"},
		{"/a.txt?md5", "900150983cd24fb0d6963f7d28e17f72  a.txt\n"},
		{"/a.txt?crc32", "352441c2  a.txt\n"},
		{"/a.txt?sha256=", sha256abc + "  a.txt\n"},
		{"/a.txt?x=1&sha256", sha256abc + "  a.txt\n"},
		{"/dir/b%20c.txt?sha256", sha256abc + "  b c.txt\n"},
		{"/site/?sha256", sha256abc + "  index.html\n"},
		{"/b%5Cs?sha256", `\` + sha256abc + `  b\\s` + "\n"},
		{"/n%0Al?sha256", `\` + sha256abc + `  n\nl` + "\n"},
		{"/empty?md5", "d41d8cd98f00b204e9800998ecf8427e  empty\n"},
	} {
		if strings.HasPrefix(tt.want, `\`) && unnameable(`\`) {
			continue
		}
		w := s.request(t, "GET", tt.target, "Accept-Encoding", "gzip")
		check(t, w, 200, tt.want, "Content-Type", "text/plain; charset=utf-8", "Content-Length", fmt.Sprint(len(tt.want)), "Content-Encoding", "")
	}
	etag := s.request(t, "HEAD", "/a.txt?sha256").Header().Get("Etag")
	for _, other := range []string{"/a.txt", "/a.txt?md5"} {
		if got := s.request(t, "HEAD", other).Header().Get("Etag"); got == etag {
			t.Errorf("%s has the tag of ?sha256", other)
		}
	}
	check(t, s.request(t, "GET", "/a.txt?sha256", "If-None-Match", etag), 304, "", "Etag", etag)
	check(t, s.request(t, "GET", "/a.txt?sha256", "Range", "bytes=0-3"), 206, sha256abc[:4])
	check(t, s.request(t, "GET", "/missing?sha256"), 404, "")
}

func TestReprDigest(t *testing.T) {
	content := strings.Repeat("content ", 10_000)
	s := open(t, &httpd.Handler{Precompressed: true}, map[string]string{"f.txt": content, "f.txt.gz": "coded"})
	s.age(t, "f.txt", time.Minute)
	sha256Of := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "sha-256=:" + base64.StdEncoding.EncodeToString(sum[:]) + ":"
	}
	sum512 := sha512.Sum512([]byte(content))
	sha512Of := "sha-512=:" + base64.StdEncoding.EncodeToString(sum512[:]) + ":"
	for _, tt := range []struct{ name, want, digest string }{
		{"absent", "", ""},
		{"wanted", "sha-256=1", sha256Of(content)},
		{"the preferred one", "sha-256=3, sha-512=10", sha512Of},
		{"the same preference", "sha-512=5,sha-256=5", sha256Of(content)},
		{"not wanted", "sha-256=0", ""},
		{"one not wanted", "sha-256=0, sha-512=1", sha512Of},
		{"the last of a name counts", "sha-256=9, sha-256=0, sha-512=1", sha512Of},
		{"insecure ones are not offered", "md5=10, sha=9, sha-256=1", sha256Of(content)},
		{"parameters do not count", "sha-256=1;x=y", sha256Of(content)},
		{"more than 10 is invalid", "sha-256=11", ""},
		{"not a number", "sha-256=high, sha-512", ""},
		{"names are in small letters", "SHA-256=1", ""},
		{"nonsense", ",,=;=,", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			check(t, s.request(t, "GET", "/f.txt", "Want-Repr-Digest", tt.want), 200, content, "Repr-Digest", tt.digest)
		})
	}
	const want = "Want-Repr-Digest"
	check(t, s.request(t, "GET", "/f.txt", want, "sha-256=1", "Range", "bytes=0-6"), 206, "content", "Repr-Digest", sha256Of(content))
	check(t, s.request(t, "GET", "/f.txt", want, "sha-256=1", "Accept-Encoding", "gzip"), 200, "coded", "Repr-Digest", sha256Of("coded"))
	check(t, s.request(t, "GET", "/f.txt", want, "sha-256=1", "If-None-Match", "*"), 304, "", "Repr-Digest", "")
	check(t, s.request(t, "GET", "/f.txt", want, "sha-256=1", "Range", "bytes=-0"), 416, "", "Repr-Digest", "")
}

func TestContentTags(t *testing.T) {
	s := open(t, &httpd.Handler{ContentETags: true}, map[string]string{"a": "same", "b": "same", "c": "other"})
	tag := func(target string) string { return s.request(t, "GET", target).Header().Get("Etag") }
	a, b, c := tag("/a"), tag("/b"), tag("/c")
	if a != b || a == c || !strings.HasPrefix(a, `"`) {
		t.Errorf("tags of the same content %s and %s, of another %s", a, b, c)
	}
	s.age(t, "a", time.Hour)
	if again := tag("/a"); again != a {
		t.Errorf("a new date made the tag %s of %s", again, a)
	}
	s.write(t, "a", "more")
	if again := tag("/a"); again == a {
		t.Errorf("a new content has the old tag %s", a)
	}
	check(t, s.request(t, "GET", "/b", "If-None-Match", a), 304, "", "Etag", a)
}
