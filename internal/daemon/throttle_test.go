package daemon

import (
	"net/http"
	"net/netip"
	"testing"

	"sluice/ftpd"
	"sluice/internal/account"
	"sluice/internal/config"
)

func TestFailuresCountInBothProtocols(t *testing.T) {
	conf := config.Default()
	conf.Logins = []config.Login{{Name: "alice", Password: "secret"}}
	conf.ProxyFrom = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")} // so that the test is a client elsewhere
	d := newLoginTest(t, conf)
	ask := func(client, password string) int {
		r, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+d.http+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", client)
		r.SetBasicAuth("alice", password)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}

	byFTP := d.newFTP().server.(*ftpd.Server).Throttle
	for range account.MaxFailed {
		byFTP.Failed("bob", netip.MustParseAddr("192.0.2.1"))
	}
	if got := ask("192.0.2.1", "wrong"); got != http.StatusTooManyRequests {
		t.Errorf("a wrong password after failures by FTP: got %d, want 429", got)
	}
	for _, client := range []string{"192.0.2.1", "192.0.2.2"} {
		if got := ask(client, "secret"); got != http.StatusOK {
			t.Errorf("the right password from %s: got %d, want 200", client, got)
		}
	}
}
