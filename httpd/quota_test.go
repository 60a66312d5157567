package httpd_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/httpd"
	"sluice/internal/nettest"
	"sluice/sendfile"
)

// bound returns a Handler for the files with a quota, in which files may be changed.
func bound(t *testing.T, files map[string]string, quota httpd.Quota, reserve httpd.Reserve) *httpd.Handler {
	t.Helper()
	root, _ := writable(t, files)
	volume := httpd.NewVolume(root, reserve)
	t.Cleanup(volume.Close)
	return &httpd.Handler{FS: root, Write: writing, User: "alice", Volume: volume, Quota: quota}
}

func TestAQuotaIsExactForEveryBody(t *testing.T) {
	needsRemoval(t)
	const limit, old = 8 << 20, 1 << 20
	for _, tt := range []struct {
		name    string
		size    int64
		chunked bool
		status  int
	}{
		{"/f", limit - old, false, 201},
		{"/f", limit - old, true, 201},
		{"/f", limit - old + 1, false, 507},
		{"/f", limit - old + 1, true, 507},
		{"/old", limit, false, 204},
		{"/old", limit, true, 204},
		{"/f", limit + 1, false, 413},
		{"/old", limit + 1, true, 413},
	} {
		t.Run(fmt.Sprint(tt.name, " ", tt.size, " chunked ", tt.chunked), func(t *testing.T) {
			h := bound(t, map[string]string{"old": strings.Repeat("x", old)}, httpd.Quota{Bytes: limit}, httpd.Reserve{})
			url, reported := serveFS(t, h, nil)
			r, err := http.NewRequestWithContext(t.Context(), "PUT", url+tt.name, io.NopCloser(nettest.Pattern(tt.size)))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Expect", "100-continue") // otherwise the refusal may be lost behind the body
			r.Header.Set("Accept", "application/json")
			if !tt.chunked {
				r.ContentLength = tt.size
			}
			resp, err := (&http.Transport{ExpectContinueTimeout: time.Minute}).RoundTrip(r)
			if err != nil {
				if tt.chunked && tt.status > 400 { // the connection was closed in the middle of the body
					return
				}
				t.Fatal(err)
			}
			defer resp.Body.Close()
			rec := <-reported
			if resp.StatusCode != tt.status {
				t.Errorf("%s, want %d", resp.Status, tt.status)
			}
			if want := map[bool]sendfile.Method{true: sendfile.Copy, false: uploadMethod}[tt.chunked]; tt.status < 300 && rec.Method != want {
				t.Errorf("the body went by %v, want %v", rec.Method, want)
			}
			if tt.status > 400 && contentOf(t, h.FS, "/old") != strings.Repeat("x", old) {
				t.Error("the old file has changed")
			}
			wantNoRemains(t, h.FS, "/")
			if tt.status < 400 {
				return
			}
			var why struct {
				Reason            string
				Limit, Used, Free int64
			}
			if err := json.NewDecoder(resp.Body).Decode(&why); err != nil || why.Reason != "quota-bytes" || why.Limit != limit || why.Used < old || why.Free > limit {
				t.Errorf("%+v, %v", why, err)
			}
		})
	}
}

// A client that expects 100 Continue keeps a body for which there is no room.
func TestAQuotaIsCheckedBeforeTheBody(t *testing.T) {
	h := bound(t, nil, httpd.Quota{Bytes: 1000}, httpd.Reserve{})
	url, _ := serveFS(t, h, nil)
	c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprint(c, "PUT /f HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\nExpect: 100-continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != 413 {
		t.Errorf("%v, %v, want 413", resp, err)
	}
}

func TestTheQuotaOfFilesIsFreedByDELETE(t *testing.T) {
	needsRemoval(t)
	h := bound(t, map[string]string{"a": "a"}, httpd.Quota{Files: 2}, httpd.Reserve{})
	url, _ := serveFS(t, h, nil)
	for _, tt := range []struct {
		method, name string
		status       int
	}{{"PUT", "/b", 201}, {"PUT", "/c", 507}, {"PUT", "/a", 204}, {"DELETE", "/b", 204}, {"PUT", "/c", 201}, {"PUT", "/d", 507}} {
		var body io.Reader
		if tt.method == "PUT" {
			body = strings.NewReader("content")
		}
		if resp, text := send(t, http.DefaultClient, tt.method, url+tt.name, body); resp.StatusCode != tt.status {
			t.Errorf("%s %s: %s, %q, want %d", tt.method, tt.name, resp.Status, text, tt.status)
		}
	}
}

func TestTheReserveOfTheDiskRefusesUploads(t *testing.T) {
	h := bound(t, nil, httpd.Quota{}, httpd.Reserve{Bytes: 1 << 60})
	if _, err := h.FS.(*httpd.Root).Free("/"); err != nil {
		t.Skip("package vfs does not know the free space on this system")
	}
	url, _ := serveFS(t, h, nil)
	resp, text := send(t, http.DefaultClient, "PUT", url+"/f", strings.NewReader("x"), "Accept", "application/json")
	if resp.StatusCode != 507 || !strings.Contains(text, `"reason":"disk-reserve"`) || !strings.Contains(text, `"free":0`) {
		t.Errorf("%s, %s", resp.Status, text)
	}
	if resp, _ := send(t, http.DefaultClient, "PUT", url+"/empty", strings.NewReader("")); resp.StatusCode != 201 {
		t.Errorf("an empty file: %s", resp.Status)
	}
}

// Uploads at once fit together, or the last ones are refused.
func TestConcurrentUploadsShareAQuota(t *testing.T) {
	needsRemoval(t)
	const size, fit = 3 << 20, 5
	h := bound(t, nil, httpd.Quota{Bytes: fit*size + 100}, httpd.Reserve{})
	url, _ := serveFS(t, h, nil)
	var mu sync.Mutex
	made := 0
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), "PUT", fmt.Sprintf("%s/%d", url, i), nettest.Pattern(size))
			if err != nil {
				t.Error(err)
				return
			}
			r.ContentLength = size
			r.Header.Set("Expect", "100-continue")
			resp, err := (&http.Transport{ExpectContinueTimeout: time.Minute}).RoundTrip(r)
			if err != nil {
				t.Error(err)
				return
			}
			_ = resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			switch resp.StatusCode {
			case 201:
				made++
			case 507:
			default:
				t.Error(resp.Status)
			}
		})
	}
	all.Wait()
	if made != fit {
		t.Errorf("%d files were made, want %d", made, fit)
	}
}
