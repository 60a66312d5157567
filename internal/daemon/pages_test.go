package daemon

import (
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/nettest"
)

// newPages returns a daemon for a tree with a home and a public directory, where the guest
// has the account a.
func newPages(t *testing.T, a account.Account, change func(*config.Config)) *daemon {
	t.Helper()
	conf := config.Default()
	conf.Root = nettest.TempDir(t)
	for name, content := range map[string]string{"alice/secret.txt": "secret", "pub/news.txt": "news", "top.txt": "top"} {
		name = filepath.Join(conf.Root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	change(&conf)
	d, err := newDaemon(conf, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "" {
		if err := d.users.SetAnonymous(a); err != nil {
			t.Fatal(err)
		}
	}
	if d.root, err = openSource(t.Context(), &conf, d.logger); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.close)
	return d
}

// answer returns the content that HTTP answers with, or the status.
func answer(d *daemon, target string) any {
	w := httptest.NewRecorder()
	d.pages.current().ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	if w.Code != 200 {
		return w.Code
	}
	return w.Body.String()
}

func TestHTTPShowsWhatTheGuestMayRead(t *testing.T) {
	guest := func(home string, rights account.Rights) account.Account {
		return account.Account{Name: account.Anonymous, Home: home, Rights: rights}
	}
	for _, tt := range []struct {
		name   string
		guest  account.Account
		change func(*config.Config)
		want   map[string]any
	}{
		{"all, by default", account.Account{}, func(*config.Config) {}, map[string]any{
			"/top.txt": "top", "/alice/secret.txt": "secret", "/pub/news.txt": "news",
		}},
		{"only its home", guest("/pub", account.ReadOnly), func(*config.Config) {}, map[string]any{
			"/news.txt": "news", "/alice/secret.txt": 404, "/top.txt": 404, "/pub/news.txt": 404, "/../top.txt": 404,
			"/?tar": 200, "/alice/?tar": 404,
		}},
		{"nothing, without guests", account.Account{}, func(c *config.Config) { c.Anonymous = false }, map[string]any{
			"/top.txt": 404, "/": 404, "/?zip": 404,
		}},
		{"only listings, without the right to read", guest("", account.List), func(*config.Config) {}, map[string]any{
			"/top.txt": 403, "/none.txt": 404, "/": 200,
		}},
		{"nothing, without rights", guest("", 0), func(*config.Config) {}, map[string]any{
			"/top.txt": 404, "/": 404,
		}},
		{"no listings, without the right to list", guest("", account.Read), func(*config.Config) {}, map[string]any{
			"/top.txt": "top", "/": 404, "/?tar": 404,
		}},
		{"nothing, without a home", guest("/gone", account.ReadOnly), func(*config.Config) {}, map[string]any{
			"/top.txt": 404, "/": 404,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := newPages(t, tt.guest, tt.change)
			d.updatePages()
			for target, want := range tt.want {
				got := answer(d, target)
				if want == 200 {
					if _, ok := got.(string); !ok {
						t.Errorf("%s: %v, want an answer", target, got)
					}
				} else if got != want {
					t.Errorf("%s: %v, want %v", target, got, want)
				}
			}
		})
	}
}

func TestHTTPShowsAHomeThatIsCreatedLater(t *testing.T) {
	d := newPages(t, account.Account{Name: account.Anonymous, Home: "/later", Rights: account.ReadOnly}, func(*config.Config) {})
	d.updatePages()
	if got := answer(d, "/f"); got != 404 {
		t.Fatalf("got %v", got)
	}
	home := filepath.Join(d.conf.Root, "later")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "f"), []byte("later"), 0o644); err != nil {
		t.Fatal(err)
	}
	d.updatePages()
	if got := answer(d, "/f"); got != "later" {
		t.Errorf("got %v", got)
	}
}

func TestHTTPFollowsTheAccountOfTheGuest(t *testing.T) {
	d := newPages(t, account.Account{}, func(*config.Config) {})
	d.updatePages()
	if got := answer(d, "/alice/secret.txt"); got != "secret" {
		t.Fatalf("got %v", got)
	}
	before := d.pages.current()
	d.updatePages()
	if d.pages.current() != before {
		t.Error("the Handler was replaced although nothing has changed")
	}
	if err := d.users.SetAnonymous(account.Account{Name: account.Anonymous, Home: "/pub", Rights: account.ReadOnly}); err != nil {
		t.Fatal(err)
	}
	d.updatePages()
	if got := answer(d, "/alice/secret.txt"); got != 404 {
		t.Errorf("alice's home: %v, want 404", got)
	}
	if got := answer(d, "/news.txt"); got != "news" {
		t.Errorf("the guest's home: %v", got)
	}
}
