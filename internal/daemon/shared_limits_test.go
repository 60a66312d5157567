package daemon

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/config"
)

// Only a least time is asserted: a slow host makes it longer.
func TestTheRateOfAUserHoldsForFTPAndHTTPTogether(t *testing.T) {
	const size = 100_000
	content := strings.Repeat("x", size)
	for _, tt := range []struct {
		name, user, table string
		guest             bool
	}{
		{"a user", "alice", tableOf("alice", "max-rate = 200000", "rights = ['all']"), false},
		{"a guest", "anonymous", aliceTable + "[user.anonymous]\nmax-rate = 200000\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newLoginTest(t, confWith(t, tt.table, func(c *config.Config) { c.Anonymous = tt.guest }))
			d.write(t, map[string]string{"f": content})
			begun := time.Now()
			var both sync.WaitGroup
			both.Go(func() {
				user := tt.user
				if tt.guest {
					user = ""
				}
				if status, body := d.get(t, user, "/f"); status != http.StatusOK || body != content {
					t.Errorf("by HTTP: status %d, %d bytes", status, len(body))
				}
			})
			both.Go(func() {
				if data, ok := d.retrieve(t, tt.user, "RETR f"); !ok || data != content {
					t.Errorf("by FTP: %d bytes, %v", len(data), ok)
				}
			})
			both.Wait()
			// Apart, each needs half a second. A tenth is credit.
			if took := time.Since(begun); took < 800*time.Millisecond {
				t.Errorf("%d bytes took %v, want %v or more", 2*size, took, 800*time.Millisecond)
			}
		})
	}
}

func TestTheRateOfAUserHoldsForUploadsByFTPAndHTTPTogether(t *testing.T) {
	const size = 100_000
	content := strings.Repeat("x", size)
	for _, tt := range []struct {
		name, user, table string
		guest             bool
	}{
		{"a user", "alice", tableOf("alice", "max-rate = 200000", "rights = ['all']"), false},
		{"a guest", "anonymous", aliceTable + "[user.anonymous]\nmax-rate = 200000\nrights = ['create']\n", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newLoginTest(t, confWith(t, tt.table, func(c *config.Config) { c.Anonymous = tt.guest }))
			begun := time.Now()
			var both sync.WaitGroup
			both.Go(func() {
				r, err := http.NewRequestWithContext(t.Context(), "PUT", "http://"+d.http+"/put", strings.NewReader(content))
				if err != nil {
					t.Error(err)
					return
				}
				if !tt.guest {
					r.SetBasicAuth("alice", "secret")
				}
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					t.Error(err)
					return
				}
				defer resp.Body.Close()
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusCreated {
					t.Errorf("by HTTP: status %d, %v", resp.StatusCode, err)
				}
			})
			both.Go(func() {
				c := d.logInFTP(t, tt.user)
				c.cmd(t, 200, "TYPE I")
				peer, ok := c.begin(t, "STOR stor")
				if !ok {
					t.Error("STOR was refused")
					return
				}
				if _, err := io.WriteString(peer, content); err != nil {
					t.Error(err)
				}
				_ = peer.Close()
				c.expect(t, 226, "STOR")
			})
			both.Wait()
			if took := time.Since(begun); took < 800*time.Millisecond {
				t.Errorf("%d bytes took %v, want %v or more", 2*size, took, 800*time.Millisecond)
			}
		})
	}
}

func TestTheSessionsOfAUserAreCountedByFTPAndHTTPTogether(t *testing.T) {
	d := newLoginTest(t, confWith(t, tableOf("alice", "max-sessions = 1"), nil))
	d.write(t, map[string]string{"f": "x"})
	c := d.logInFTP(t, "alice")
	if status, _ := d.get(t, "alice", "/f"); status != http.StatusTooManyRequests {
		t.Errorf("a second session, by HTTP: got %d, want 429", status)
	}
	c.cmd(t, 331, "USER nobody") // ends the login
	if status, _ := d.get(t, "alice", "/f"); status != http.StatusOK {
		t.Errorf("afterwards: got %d, want 200", status)
	}
}
