package daemon

import (
	"encoding/base64"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/config"
)

// Each row is a request that changes a file, or is refused to, and the lines that it leaves.
func TestEveryChangeOfAFileIsLogged(t *testing.T) {
	tables := tableOf("alice", "rights = ['all']") + tableOf("bob", "rights = ['list', 'read']") + tableOf("carol", "home = '/in'", "rights = ['create']")
	d := newLoginTest(t, confWith(t, tables, func(c *config.Config) { c.AccessLog, c.WebDAV, c.Anonymous = true, true, true }))
	d.write(t, map[string]string{"in/f": "x"})
	lines := func() string {
		d.daemon.log.Flush()
		defer d.reloadTest.log.Reset()
		return d.reloadTest.log.String()
	}
	wants := func(what string, want ...string) {
		t.Helper()
		log := lines()
		for _, line := range want {
			line = `msg=` + strings.Replace(line, " ", ` remote=127\.0\.0\.1:\d+ `, 1)
			if got := regexp.MustCompile(line).FindAllString(log, -1); len(got) != 1 {
				t.Errorf("%s: %s: in %d lines of the log, want 1:\n%s", what, line, len(got), log)
			}
		}
		if got := strings.Count(log, " op="); got != len(want) {
			t.Errorf("%s: %d lines, want %d:\n%s", what, got, len(want), log)
		}
	}

	form := []string{"Content-Type", "multipart/form-data; boundary=b"}
	const formBody = "--b\r\nContent-Disposition: form-data; name=file; filename=\"a\"\r\n\r\nx\r\n--b\r\nContent-Disposition: form-data; name=file; filename=\"b\"\r\n\r\ny\r\n--b--\r\n"
	name := base64.StdEncoding.EncodeToString([]byte("t"))
	for _, tt := range []struct {
		user, request, body string
		header              []string
		want                []string // after the fields of the client
	}{
		{"alice", "PUT /f", "x", nil, []string{`http op=PUT target=/f status=201 user=alice bytes=1 `}},
		{"alice", "PUT /f", "y", []string{"If-None-Match", "*"}, []string{`http op=PUT target=/f status=412 user=alice `}},
		{"alice", "PUT /none/f", "x", nil, []string{`http op=PUT target=/none/f status=409 user=alice `}},
		{"alice", "PUT /f", "x", []string{"Sec-Fetch-Site", "cross-site"}, []string{`http op=PUT target=/f status=403 user=alice `}},
		{"bob", "PUT /f", "x", nil, []string{`http op=PUT target=/f status=40[35] user=bob `}},
		{"", "PUT /f", "x", nil, []string{`http op=PUT target=/f status=401 bytes=`}},
		{"carol", "PUT /f", "x", nil, []string{`http op=PUT target=/f status=201 user=carol path="/f \(2\)" `}},
		{"alice", "MKCOL /d", "", nil, []string{`http op=MKCOL target=/d status=201 user=alice `}},
		{"alice", "COPY /f", "", []string{"Destination", "/d/c"}, []string{`http op=COPY target=/f to=/d/c status=201 user=alice `}},
		{"alice", "MOVE /d/c", "", []string{"Destination", "/m"}, []string{`http op=MOVE target=/d/c to=/m status=201 user=alice `}},
		{"bob", "MOVE /m", "", []string{"Destination", "/d/m"}, []string{`http op=MOVE target=/m .*status=40[35] user=bob `}},
		{"alice", "PROPPATCH /m", "x", nil, []string{`http op=PROPPATCH target=/m status=400 user=alice `}},
		{"alice", "POST /d/", formBody, form, []string{`http op=POST target=/d/ status=201 user=alice path=/d/a `, `http op=POST target=/d/ status=201 user=alice path=/d/b `, `http op=POST target=/d/ status=20\d user=alice bytes=`}},
		{"bob", "POST /d/", formBody, form, []string{`http op=POST target=/d/ status=40[35] user=bob `}},
		{"alice", "POST /d/", "x", []string{"Tus-Resumable", "1.0.0", "Upload-Length", "1", "Upload-Metadata", "filename " + name, "Content-Type", "application/offset+octet-stream"}, []string{`http op=POST target=/d/ status=201 user=alice path=/d/t `}},
		{"bob", "DELETE /f", "", nil, []string{`http op=DELETE target=/f status=40[35] user=bob `}},
		{"alice", "DELETE /f", "", nil, []string{`http op=DELETE target=/f status=204 user=alice `}},
		{"alice", "DELETE /f", "", nil, []string{`http op=DELETE target=/f status=404 user=alice `}},
	} {
		method, target, _ := strings.Cut(tt.request, " ")
		d.dav(t, tt.user, method, target, tt.body, tt.header...)
		wants(tt.request, tt.want...)
	}

	d.write(t, map[string]string{"f": "x", "g": "x", "h": "x", "m": "x"})
	for _, tt := range []struct {
		user, command, data string
		want                string
	}{
		{"alice", "STOR new", "x", `path=/new bytes=1 `},
		{"alice", "APPE new", "x", `path=/new offset=1 bytes=1 `},
		{"bob", "STOR new", "", `path=/new bytes=0 .*err=`},
		{"alice", "DELE f", "", `path=/f status=250 `},
		{"alice", "DELE f", "", `path=/f status=550 .*err=`},
		{"alice", "MKD n", "", `path=/n status=257 `},
		{"alice", "RMD n", "", `path=/n status=250 `},
		{"alice", "RMD d", "", `path=/d status=550 .*err=`},
		{"alice", "MFMT 20200101000000 h", "", `path=/h status=213 `},
		{"alice", "SITE CHMOD 600 h", "", `path=/h status=200 `},
		{"bob", "SITE CHMOD 600 h", "", `path=/h status=550 .*err=`},
		{"bob", "DELE h", "", `path=/h status=550 .*err=`},
		{"bob", "MKD n", "", `path=/n status=550 .*err=`},
	} {
		op := regexp.MustCompile(`^(SITE )?\w+`).FindString(tt.command)
		if strings.HasPrefix(op, "SITE") {
			op = `"` + op + `"`
		}
		c := d.logInFTP(t, tt.user)
		lines()
		peer, ok := c.begin(t, tt.command)
		if ok {
			if _, err := peer.Write([]byte(tt.data)); err != nil {
				t.Fatal(err)
			}
			_ = peer.Close()
			c.expect(t, 226, tt.command)
		}
		wants(tt.command, `ftp session=\d+ user=`+tt.user+` op=`+op+` `+tt.want)
	}
	alice := d.logInFTP(t, "alice")
	lines()
	alice.cmd(t, 350, "RNFR g")
	alice.cmd(t, 250, "RNTO d/g")
	wants("RNTO", `ftp session=\d+ user=alice op=RNTO path=/g to=/d/g status=250 took=`)
}

// Sessions of the login page have a line at both ends, with their ID and their user.
func TestSessionsAreLogged(t *testing.T) {
	d := newSessionTest(t, t.TempDir(), aliceTable)
	wants := func(line string) {
		t.Helper()
		d.daemon.log.Flush()
		log := d.reloadTest.log.String()
		if !regexp.MustCompile(line).MatchString(log) {
			t.Errorf("the log lacks %s:\n%s", line, log)
		}
		d.reloadTest.log.Reset()
	}
	begin := func() (cookie, id string) {
		t.Helper()
		cookie = d.logInByPage(t, "alice", "secret")
		list, err := d.sessions.List()
		if err != nil || len(list) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		wants(`msg="http session began" remote=127\.0\.0\.1:\d+ user=alice id=` + list[0].ID + "\n")
		return cookie, list[0].ID
	}
	const ended = `msg="http session ended" remote=127\.0\.0\.1:\d+ user=alice id=`
	cookie, id := begin()
	if resp := d.dav(t, "", "POST", "/?logout", "", "Cookie", cookie); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("logout: %s", resp.Status)
	}
	wants(ended + id + ` because="logged out"` + "\n")
	cookie, id = begin()
	if _, err := d.again(confWith(t, tableOf("bob"), nil)); err != nil {
		t.Fatal(err)
	}
	if got := d.statusFor(t, cookie, "/f"); got != http.StatusUnauthorized {
		t.Errorf("got %d", got)
	}
	wants(ended + id + ` because="the user or the password is another"` + "\n")
}
