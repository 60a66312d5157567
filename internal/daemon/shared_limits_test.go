package daemon

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/internal/budget"
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

func TestAllServersAndAccountsShareTheirTurns(t *testing.T) {
	d := newLoginTest(t, confWith(t, tableOf("alice", "rights = ['list', 'read']"), func(c *config.Config) { c.Anonymous = true }))
	d.write(t, map[string]string{"f": "content"})
	turns := budget.Of(&d.budget).Checksums
	turns.SetBounds(budget.Bounds{Size: 1})
	held, err := turns.TryTake(budget.Party{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		status, code int
	}{{http.StatusServiceUnavailable, 450}, {http.StatusOK, 250}} {
		for _, user := range []string{"", "alice"} {
			if status, body := d.get(t, user, "/f?sha256"); status != step.status {
				t.Errorf("%q by HTTP: status %d, %q, want %d", user, status, body, step.status)
			}
		}
		for _, user := range []string{"anonymous", "alice"} {
			c := d.logInFTP(t, user)
			c.cmd(t, step.code, "XSHA256 f")
		}
		held.Release()
	}
}
