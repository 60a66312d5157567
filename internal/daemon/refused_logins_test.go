package daemon

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sluice/ftpd"
	"sluice/internal/accesslog"
	"sluice/internal/account"
)

// faults-ftp.md, F22: a refused login had neither a name nor a reason.
func TestARefusedLoginIsLoggedWithItsNameAndReason(t *testing.T) {
	d := newSessionTest(t, t.TempDir(), aliceTable+bobTable+"networks = ['192.0.2.0/24']\n")
	d.users.Throttle().FirstDelay = time.Millisecond
	long := strings.Repeat("x", 300)
	for _, tt := range []struct{ user, want string }{
		{"alice", `user=alice reason=wrong`},
		{"nobody", `user=nobody reason=unknown`},
		{"bob", `user=bob reason=network err=`},
		{`a "b" remote=1`, `user="a \"b\" remote=1" reason=unknown`},
		{long, `user=` + long[:100] + ` reason=unknown`},
	} {
		for protocol, logIn := range map[string]func(){
			"http": func() {
				d.dav(t, "", "GET", "/", "", "Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(tt.user+":wrong")))
			},
			"ftp": func() { refuseFTP(t, d.ftp, tt.user, "wrong") },
		} {
			logIn()
			d.daemon.log.Flush()
			if got := d.reloadTest.log.String(); !strings.Contains(got, `msg="`+protocol+` login refused"`) || !strings.Contains(got, tt.want) || strings.Contains(got, "PASS") {
				t.Errorf("%s by %s: want %q in\n%s", tt.user, protocol, tt.want, got)
			}
			d.reloadTest.log.Reset()
		}
	}
}

func TestALoginThatIsNotPossibleIsLoggedWithItsReason(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{ftpd.ErrBanned, `msg="ftp login not possible" remote=192.0.2.1:1 session=0 user=u reason=banned`},
		{ftpd.ErrTLSNeeded, `msg="ftp login not possible" remote=192.0.2.1:1 session=0 user=u reason="TLS needed"`},
		{errors.New("too many sessions"), `msg="ftp login not possible" remote=192.0.2.1:1 session=0 user=u err="too many sessions"`},
		{errors.Join(ftpd.ErrBanned, ftpd.ErrLogin, account.ErrWrong), `msg="ftp login refused" remote=192.0.2.1:1 session=0 user=u reason=wrong`},
	} {
		var out bytes.Buffer
		log := accesslog.New(&out, "text")
		loginLogger(log.Logger())(ftpd.LoginAttempt{Remote: netip.MustParseAddrPort("192.0.2.1:1"), User: "u", Err: tt.err})
		log.Flush()
		if got := strings.TrimSuffix(out.String(), "\n"); !strings.HasSuffix(got, tt.want) {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
