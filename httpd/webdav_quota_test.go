package httpd_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/httpd"
	"sluice/internal/quota"
	"sluice/internal/vfs"
)

// boundDAV serves a tree by WebDAV with a quota. check compares the count with the tree.
func boundDAV(t *testing.T, files map[string]string, limit httpd.Quota, change func(h *httpd.Handler)) (url string, root *vfs.Root, check func(after string)) {
	t.Helper()
	var volume *httpd.Volume
	url, root = davServer(t, files, func(h *httpd.Handler) {
		volume = httpd.NewVolume(h.FS, httpd.Reserve{})
		t.Cleanup(volume.Close)
		h.Volume, h.Quota = volume, limit
		if change != nil {
			change(h)
		}
	})
	return url, root, func(after string) {
		t.Helper()
		counted := quota.SpaceIn(volume, "", limit)
		fresh := quota.SpaceIn(quota.New(root, quota.Reserve{}), "", limit)
		for _, s := range []*quota.Space{counted, fresh} {
			if err := s.Ready(); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := counted.Usage(), fresh.Usage(); got != want {
			t.Errorf("%s: counted is %+v, and there is %+v", after, got, want)
		}
	}
}

func TestChangesByWebDAVAreCounted(t *testing.T) {
	needsRemoval(t)
	files := map[string]string{"f": "12345", "g": "123", "d/a": "1234567", "d/sub/b": "12", "e/c": "123456789", "e/deep/d": "1"}
	url, _, check := boundDAV(t, files, httpd.Quota{Bytes: 100, Files: 40}, nil)
	for _, tt := range []struct {
		method, target, body string
		header               []string
		status               int
	}{
		{"MKCOL", "/new", "", nil, 201},
		{"MKCOL", "/new", "", nil, 405},
		{"LOCK", "/null", lockBody, []string{"Timeout", "Second-1"}, 201},
		{"COPY", "/f", "", []string{"Destination", "/f2"}, 201},
		{"COPY", "/f", "", []string{"Destination", "/g"}, 204},
		{"COPY", "/g", "", []string{"Destination", "/new/g"}, 201},
		{"COPY", "/d", "", []string{"Destination", "/d2"}, 201},
		{"COPY", "/d", "", []string{"Destination", "/new"}, 204},
		{"COPY", "/f", "", []string{"Destination", "/new"}, 204},
		{"PROPPATCH", "/d", setColor, nil, 207},
		{"MOVE", "/f2", "", []string{"Destination", "/f3"}, 201},
		{"MOVE", "/f3", "", []string{"Destination", "/g"}, 204},
		{"MOVE", "/d2", "", []string{"Destination", "/d3"}, 201},
		{"MOVE", "/d3", "", []string{"Destination", "/e"}, 204},
		{"MOVE", "/g", "", []string{"Destination", "/d/sub"}, 204},
		{"MOVE", "/e", "", []string{"Destination", "/f"}, 204},
		{"DELETE", "/f", "", nil, 204},
		{"DELETE", "/d", "", nil, 204},
	} {
		resp, body := dav(t, tt.method, url+tt.target, tt.body, tt.header...)
		if resp.StatusCode != tt.status {
			t.Errorf("%s %s %v: %s %s, want %d", tt.method, tt.target, tt.header, resp.Status, body, tt.status)
		}
		check(fmt.Sprint(tt.method, " ", tt.target, tt.header))
	}
}

// A change that does not fit is refused with 507 (RFC 4918, 11.5), and one that needs no more room is made.
func TestAQuotaHoldsForWebDAV(t *testing.T) {
	needsRemoval(t)
	files := map[string]string{"f": "12345", "g": "1234567890", "d/a": "1", "d/b": "123", "e/c": "12"} // 7 names, 21 bytes
	for _, tt := range []struct {
		limit                httpd.Quota
		method, target, body string
		header               []string
		status               int
		answer               string
	}{
		{httpd.Quota{Files: 7}, "MKCOL", "/new", "", nil, 507, `"quota-files"`},
		{httpd.Quota{Files: 7}, "LOCK", "/new", lockBody, nil, 507, `"quota-files"`},
		{httpd.Quota{Files: 7}, "COPY", "/f", "", []string{"Destination", "/new"}, 507, `"quota-files"`},
		{httpd.Quota{Files: 7}, "COPY", "/f", "", []string{"Destination", "/g"}, 204, ""},
		{httpd.Quota{Files: 7}, "COPY", "/d", "", []string{"Destination", "/new"}, 507, `"quota-files"`},
		{httpd.Quota{Files: 9}, "COPY", "/d", "", []string{"Destination", "/new"}, 207, "507 Insufficient Storage"},
		{httpd.Quota{Files: 7}, "COPY", "/d", "", []string{"Destination", "/e"}, 507, `"quota-files"`}, // nothing is removed before
		{httpd.Quota{Files: 7}, "MOVE", "/f", "", []string{"Destination", "/new"}, 201, ""},
		{httpd.Quota{Files: 7}, "MOVE", "/d", "", []string{"Destination", "/e"}, 204, ""},
		{httpd.Quota{Files: 7}, "MOVE", "/f", "", []string{"Destination", "/e"}, 204, ""},
		{httpd.Quota{Files: 3}, "MOVE", "/d", "", []string{"Destination", "/e"}, 204, ""}, // a quota that was lowered
		{httpd.Quota{Files: 3}, "DELETE", "/d", "", nil, 204, ""},
		{httpd.Quota{Bytes: 25}, "COPY", "/f", "", []string{"Destination", "/new"}, 507, `"quota-bytes"`},
		{httpd.Quota{Bytes: 26}, "COPY", "/f", "", []string{"Destination", "/new"}, 201, ""},
		{httpd.Quota{Bytes: 21}, "COPY", "/f", "", []string{"Destination", "/g"}, 204, ""},
		{httpd.Quota{Bytes: 25}, "COPY", "/g", "", []string{"Destination", "/f"}, 507, `"quota-bytes"`},
		{httpd.Quota{Bytes: 5}, "COPY", "/g", "", []string{"Destination", "/new"}, 507, `"quota-bytes"`},
		{httpd.Quota{Bytes: 24}, "COPY", "/d", "", []string{"Destination", "/new"}, 207, "</D:href><D:status>HTTP/1.1 507"},
	} {
		url, root, check := boundDAV(t, files, tt.limit, nil)
		at := fmt.Sprint(tt.limit, tt.method, " ", tt.target, tt.header)
		check("at the start") // which waits for the first count
		before := treeOf(t, root.Dir())
		resp, body := dav(t, tt.method, url+tt.target, tt.body, append(tt.header, "Accept", "application/json")...)
		if resp.StatusCode != tt.status || !strings.Contains(body, tt.answer) {
			t.Errorf("%s: %s %s, want %d and %s", at, resp.Status, body, tt.status, tt.answer)
		}
		if after := treeOf(t, root.Dir()); resp.StatusCode == 507 && after != before {
			t.Errorf("%s: the files have changed:\n%s\n%s", at, before, after)
		}
		wantNoRemains(t, root, "/")
		check(at)
	}
}

// RFC 4331: clients show how much is free.
func TestPropfindSaysWhatIsLeftOfTheQuota(t *testing.T) {
	const asked = `<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>`
	files := map[string]string{"f": "12345", "d/g": "123"}
	url, _, check := boundDAV(t, files, httpd.Quota{Bytes: 100}, nil)
	for _, target := range []string{"/", "/d"} {
		_, body := dav(t, "PROPFIND", url+target, asked, "Depth", "0")
		if !strings.Contains(body, "<D:quota-available-bytes>92</D:quota-available-bytes><D:quota-used-bytes>8</D:quota-used-bytes>") || strings.Contains(body, "404") {
			t.Errorf("%s:\n%s", target, body)
		}
	}
	check("PROPFIND")
	if _, body := dav(t, "PROPFIND", url+"/f", asked, "Depth", "0"); strings.Contains(body, "200 OK") {
		t.Errorf("of a file:\n%s", body)
	}
	for _, all := range []string{"", `<propfind xmlns="DAV:"><propname/></propfind>`} {
		if _, body := dav(t, "PROPFIND", url+"/", all, "Depth", "0"); strings.Contains(body, "quota-") {
			t.Errorf("nobody has asked for the quota:\n%s", body)
		}
	}
	url, _ = davServer(t, files, nil)
	if _, body := dav(t, "PROPFIND", url+"/", asked, "Depth", "0"); strings.Contains(body, "<D:quota-used-bytes>") {
		t.Errorf("without a quota nothing is counted:\n%s", body)
	}
}

func TestAQuotaHoldsForResumableUploads(t *testing.T) {
	needsRemoval(t)
	const limit = 300 << 10
	url, root, check := boundDAV(t, map[string]string{"d/old": strings.Repeat("x", 100<<10)}, httpd.Quota{Bytes: limit}, nil)
	begin := func(length ...string) (int, string, string) {
		resp, body := dav(t, "POST", url+"/d/", "", tus(append(length, "Upload-Metadata", metadata("f"), "Accept", "application/json")...)...)
		return resp.StatusCode, body, "/d/" + strings.TrimPrefix(resp.Header.Get("Location"), "./")
	}
	for length, want := range map[int]int{200<<10 + 1: 507, limit + 1: 413} {
		if status, body, _ := begin("Upload-Length", fmt.Sprint(length)); status != want || !strings.Contains(body, `"quota-bytes"`) {
			t.Errorf("an upload of %d bytes: %d %s, want %d", length, status, body, want)
		}
	}
	wantNoRemains(t, root, "/d")
	check("refused uploads")

	_, _, target := begin("Upload-Defer-Length", "1")
	check("a new upload")
	resp, body := dav(t, "PATCH", url+target, strings.Repeat("y", 250<<10), patch(0, "Accept", "application/json")...)
	if resp.StatusCode != 507 || !strings.Contains(body, `"quota-bytes"`) {
		t.Errorf("PATCH: %s %s", resp.Status, body)
	}
	check("a PATCH that does not fit")
	resp, _ = dav(t, "HEAD", url+target, "", tus()...)
	var offset int
	if _, err := fmt.Sscan(resp.Header.Get("Upload-Offset"), &offset); err != nil || offset < 190<<10 || offset >= 200<<10 {
		t.Fatalf("the upload goes on at %q", resp.Header.Get("Upload-Offset"))
	}
	dav(t, "DELETE", url+"/d/old", "")
	resp, body = dav(t, "PATCH", url+target, strings.Repeat("y", 250<<10-offset), patch(offset, "Upload-Length", fmt.Sprint(250<<10))...)
	if resp.StatusCode != 204 || contentOf(t, root, "/d/f") != strings.Repeat("y", 250<<10) {
		t.Errorf("the rest: %s %s", resp.Status, body)
	}
	check("the end")
	dav(t, "DELETE", url+target, "", tus()...)
	check("DELETE of an upload that is done")
}

// In a drop box the quota answers the same, whether the name is taken or not.
func TestAQuotaOfADropBoxIsTheSameForATakenName(t *testing.T) {
	needsRemoval(t)
	p := pathsOf(t, httpd.PathRights{Path: "/", Rights: readOnly}, httpd.PathRights{Path: "/in", Rights: httpd.Create})
	url, root, check := boundDAV(t, map[string]string{"in/taken": "old"}, httpd.Quota{Bytes: 2000}, func(h *httpd.Handler) { h.Paths = p })
	answers := func(name string) (all string) {
		for _, length := range []string{"1900", "2001", "400"} {
			resp, body := dav(t, "POST", url+"/in/", "", tus("Upload-Length", length, "Upload-Metadata", metadata(name), "Accept", "application/json")...)
			all += fmt.Sprintln(resp.Status, body)
			if resp.StatusCode == 201 {
				target := "/in/" + strings.TrimPrefix(resp.Header.Get("Location"), "./")
				resp, body := dav(t, "PATCH", url+target, strings.Repeat("y", 400), patch(0)...)
				all += fmt.Sprintln(resp.Status, resp.Header["Etag"], body)
				dav(t, "DELETE", url+target, "", tus()...)
			}
			check(name + " " + length)
		}
		return all
	}
	taken := answers("taken")
	if content := contentOf(t, root, "/in/taken (2)"); len(content) != 400 || contentOf(t, root, "/in/taken") != "old" {
		t.Errorf("the file has %d bytes", len(content))
	}
	if err := root.Remove("/in/taken (2)"); err != nil {
		t.Fatal(err)
	}
	url, _, check = boundDAV(t, map[string]string{"in/taken": "old"}, httpd.Quota{Bytes: 2000}, func(h *httpd.Handler) { h.Paths = p })
	if free := answers("other"); free != taken {
		t.Errorf("for a taken name:\n%sand for a free one:\n%s", taken, free)
	}
}
