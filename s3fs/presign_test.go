package s3fs_test

import (
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/s3fs"
)

func stat(t *testing.T, files *s3fs.FS, name string) fs.FileInfo {
	t.Helper()
	info, err := files.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestAPresignedURLIsForOneFile(t *testing.T) {
	s := newStore(t, "rel/dir/a b?.txt")
	files := s.open(t, func(c *s3fs.Config) { c.Prefix = "rel" })
	info := stat(t, files, "dir/a b?.txt")
	s.forget()
	link, err := files.Presign("GET", "/dir/a b?.txt", info, 90*time.Second, map[string]string{
		"Content-Type": "text/plain; charset=utf-8", "Content-Disposition": `attachment; filename="a b.txt"`,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r := s.forget(); len(r) > 0 {
		t.Errorf("the store was asked: %q", r)
	}
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for _, secret := range []string{"X-Amz-Signature", "X-Amz-Date", "X-Amz-Credential"} {
		if q.Get(secret) == "" {
			t.Errorf("there is no %s in %s", secret, link)
		}
		q.Del(secret)
	}
	want := url.Values{
		"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Expires": {"90"}, "X-Amz-SignedHeaders": {"host"},
		"response-content-type": {"text/plain; charset=utf-8"}, "response-content-disposition": {`attachment; filename="a b.txt"`},
	}
	if diff := cmp.Diff(want, q); diff != "" || u.Path != "/"+bucketName+"/rel/dir/a b?.txt" || "http://"+u.Host != s.URL {
		t.Errorf("got %s (-want +got)\n%s", link, diff)
	}
	if strings.Contains(link, "secret") {
		t.Errorf("the secret key is in %s", link)
	}
	resp, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "rel/dir/a b?.txt" {
		t.Errorf("got %s %q", resp.Status, body)
	}
}

// Clients reach the store by another name than this process, which may not reach that at all.
func TestAPresignedURLHasThePublicEndpoint(t *testing.T) {
	for _, region := range []string{"eu-central-1", ""} {
		s := newStore(t, "f")
		s.setFault(func(_ int, w http.ResponseWriter, r *http.Request) bool {
			isAsked := r.URL.Query().Has("location")
			if isAsked {
				_, _ = io.WriteString(w, "<LocationConstraint>eu-central-1</LocationConstraint>")
			}
			return isAsked
		})
		files := s.open(t, func(c *s3fs.Config) {
			c.PublicEndpoint, c.PathStyle, c.Region = "https://files.example.org", true, region
		})
		info := stat(t, files, "f")
		s.forget()
		var links []string
		for range 2 {
			link, err := files.Presign("HEAD", "f", info, time.Minute, nil)
			if err != nil {
				t.Fatal(err)
			}
			links = append(links, link)
		}
		if !strings.HasPrefix(links[0], "https://files.example.org/"+bucketName+"/f?") {
			t.Errorf("got %s", links[0])
		}
		if !strings.Contains(links[0], "%2Feu-central-1%2Fs3%2F") {
			t.Errorf("got %s, want the region", links[0])
		}
		if r := s.forget(); len(r) > 0 {
			t.Errorf("the store was asked: %q", r)
		}
	}
}

func TestAPresignedURLIsForTheMethod(t *testing.T) {
	s := newStore(t, "f")
	files := s.open(t, nil)
	info := stat(t, files, "f")
	var signatures []string
	for _, method := range []string{"GET", "HEAD"} {
		link, err := files.Presign(method, "f", info, time.Minute, nil)
		if err != nil {
			t.Fatal(err)
		}
		signatures = append(signatures, link[strings.Index(link, "X-Amz-Signature="):])
	}
	if signatures[0] == signatures[1] {
		t.Errorf("one signature for both methods: %s", signatures[0])
	}
}

func TestPresignRefuses(t *testing.T) {
	s := newStore(t, "f", "d/g")
	files := s.open(t, nil)
	file, dir := stat(t, files, "f"), stat(t, files, "d")
	for _, tt := range []struct {
		name, method string
		info         fs.FileInfo
		life         time.Duration
		header       map[string]string
		want         string
	}{
		{"another method", "PUT", file, time.Minute, nil, `the method is "PUT"`},
		{"a directory", "GET", dir, time.Minute, nil, "it is a directory"},
		{"no life", "GET", file, 0, nil, "want a second to seven days"},
		{"a life for ever", "GET", file, 8 * 24 * time.Hour, nil, "want a second to seven days"},
		{"a field of ours", "GET", file, time.Minute, map[string]string{"Set-Cookie": "x"}, "the store cannot be made to send the field Set-Cookie"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if link, err := files.Presign(tt.method, "f", tt.info, tt.life, tt.header); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, %v, want %q", link, err, tt.want)
			}
		})
	}
	anonymous := s.open(t, func(c *s3fs.Config) { c.Anonymous, c.AccessKey = true, "" })
	if link, err := anonymous.Presign("GET", "f", file, time.Minute, nil); err == nil {
		t.Errorf("without credentials: got %s", link)
	}
}
