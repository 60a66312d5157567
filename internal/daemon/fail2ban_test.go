package daemon

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/accesslog"
	"sluice/internal/account"
	"sluice/internal/live"
)

// The fail2ban filter of docs/operations.md finds failed logins and requests that are not
// found or not allowed, and nothing that a client can make look like them.
func TestFail2banFilter(t *testing.T) {
	filters := fail2banFilters(t)
	var out bytes.Buffer
	log := accesslog.New(&out, "text")
	at := netip.MustParseAddrPort
	for _, rec := range []live.Record{
		{Remote: at("192.0.2.1:50000"), Op: "GET", Target: "/pub/a%20b.iso?download", Status: 200},
		{Remote: at("[2001:db8::1]:50000"), Op: "HEAD", Target: "/none", Status: 404},
		{Op: "GET", Target: "/\" 200 1\n127.0.0.1 - root \\\x1b[31m\xff é", Status: 206},
		{Remote: at("192.0.2.66:1"), Op: "GET", Target: `/" status=404 bytes=0 `, Status: 200},
		{Protocol: live.FTP, Remote: at("192.0.2.2:40000"), User: "ann", Op: ftpd.Retrieve, Path: "/secret", Err: os.ErrPermission},
		{Protocol: live.FTP, Remote: at("[fe80::1%eth0]:40000"), User: "an n\"", Op: ftpd.Store, Path: "/in\tcoming\n\x7f\u2028\u202e\xff/ü"},
		{Protocol: live.FTP, Remote: at("192.0.2.66:1"), Op: ftpd.Retrieve, Path: "\nlevel=WARN msg=\"ftp login refused\" remote=192.0.2.77:1 "},
	} {
		log.Record(rec)
	}
	login := loginLogger(log.Logger())
	for _, remote := range []string{"192.0.2.9:5000", "[2001:db8::9]:5000", "[fe80::9%eth0]:5000"} {
		login(ftpd.LoginAttempt{Remote: at(remote), User: "an n\" remote=192.0.2.88:1", Err: ftpd.ErrLogin})
	}
	logHTTPRefusal(log.Logger(), httpd.Client{Remote: at("192.0.2.10:5000")}, "alice", account.ErrWrong)
	forged := "x\nlevel=WARN msg=\"ftp login refused\" remote=192.0.2.88:1 "
	login(ftpd.LoginAttempt{Remote: at("192.0.2.88:1"), User: forged, Err: live.ErrTooManyOfUser}) // the password was right
	login(ftpd.LoginAttempt{Remote: at("192.0.2.88:1"), User: forged, Err: ftpd.ErrBanned})        // it was not checked
	login(ftpd.LoginAttempt{Remote: at("192.0.2.88:1"), User: forged, Err: ftpd.ErrTLSNeeded})
	log.Flush()
	var got []string
	for line := range strings.Lines(out.String()) {
		_, rest, _ := strings.Cut(line, " ") // fail2ban removes the date
		for _, filter := range filters {
			if m := filter.FindStringSubmatch(" " + rest); m != nil {
				got = append(got, m[1])
			}
		}
	}
	if diff := cmp.Diff([]string{"2001:db8::1", "192.0.2.9", "2001:db8::9", "fe80::9", "192.0.2.10"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// fail2banFilters returns the filters of docs/operations.md.
func fail2banFilters(t *testing.T) []*regexp.Regexp {
	t.Helper()
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "operations.md"))
	if err != nil {
		t.Fatal(err)
	}
	var filters []*regexp.Regexp
	for _, m := range regexp.MustCompile(`(?m)^ +(?:failregex = )?(\^ level=.*)$`).FindAllStringSubmatch(string(manual), -1) {
		text := strings.NewReplacer("<ADDR>", `([0-9a-fA-F.:]+)`, "%%", "%").Replace(m[1]) // as fail2ban does
		filters = append(filters, regexp.MustCompile(text))
	}
	if len(filters) != 2 {
		t.Fatalf("%d filters in the manual", len(filters))
	}
	return filters
}

// Each wrong password leaves one line that the filter finds, by every way to log in.
func TestFail2banFindsEveryWrongPassword(t *testing.T) {
	filter := fail2banFilters(t)[0]
	d := newSessionTest(t, t.TempDir(), aliceTable)
	d.users.Throttle().FirstDelay = time.Millisecond
	d.users.SetExternal(account.External{Check: func(_ context.Context, a account.Attempt) (account.Found, error) {
		if a.Name == "down" {
			return account.Found{}, errors.New("down")
		}
		return account.Found{}, account.ErrPassword
	}})
	for _, tt := range []struct {
		user string
		want int
	}{{"alice", 1}, {"carol", 1}, {"down", 0}} {
		for way, logIn := range map[string]func(){
			"Basic": func() {
				d.dav(t, "", "GET", "/", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(tt.user+":wrong")))
			},
			"the page": func() { d.logInByPage(t, tt.user, "wrong") },
			"FTP":      func() { refuseFTP(t, d.ftp, tt.user, "wrong") },
		} {
			logIn()
			d.daemon.log.Flush()
			found := 0
			for line := range strings.Lines(d.reloadTest.log.String()) {
				_, rest, _ := strings.Cut(line, " ")
				if m := filter.FindStringSubmatch(" " + rest); m != nil && m[1] == "127.0.0.1" {
					found++
				}
			}
			if found != tt.want {
				t.Errorf("%s by %s: %d lines, want %d:\n%s", tt.user, way, found, tt.want, d.reloadTest.log.String())
			}
			d.reloadTest.log.Reset()
		}
	}
}
