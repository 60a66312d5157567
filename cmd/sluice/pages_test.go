package main

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

// showing returns a builder for a tree with a home and a public directory, of which guests
// may see what a says.
func showing(t *testing.T, a account.Account, change func(*config.Config)) *builder {
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
	b, err := newBuilder(conf, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if a.Name != "" {
		if err := b.users.SetAnonymous(a); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.root.open(conf.Root); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.closeFiles)
	return b
}

// answer returns what HTTP answers: the content, or the status.
func answer(b *builder, target string) any {
	w := httptest.NewRecorder()
	b.pages.current().ServeHTTP(w, httptest.NewRequest("GET", target, nil))
	if w.Code != 200 {
		return w.Code
	}
	return w.Body.String()
}

func TestHTTPShowsWhatTheGuestMaySee(t *testing.T) {
	guest := func(home string, rights account.Rights) account.Account {
		return account.Account{Name: account.Anonymous, Home: home, Rights: rights}
	}
	for _, tt := range []struct {
		name   string
		guest  account.Account
		change func(*config.Config)
		want   map[string]any
	}{
		{"all, where nothing is said", account.Account{}, func(*config.Config) {}, map[string]any{
			"/top.txt": "top", "/alice/secret.txt": "secret", "/pub/news.txt": "news",
		}},
		{"its home alone", guest("/pub", account.ReadOnly), func(*config.Config) {}, map[string]any{
			"/news.txt": "news", "/alice/secret.txt": 404, "/top.txt": 404, "/pub/news.txt": 404, "/../top.txt": 404,
			"/?tar": 200, "/alice/?tar": 404,
		}},
		{"nothing, where there are no guests", account.Account{}, func(c *config.Config) { c.Anonymous = false }, map[string]any{
			"/top.txt": 404, "/": 404, "/?zip": 404,
		}},
		{"nothing, where they may not read", guest("", account.List), func(*config.Config) {}, map[string]any{
			"/top.txt": 404, "/": 404,
		}},
		{"no listings, where they may not list", guest("", account.Read), func(*config.Config) {}, map[string]any{
			"/top.txt": "top", "/": 404, "/?tar": 404,
		}},
		{"nothing, where the home is missing", guest("/gone", account.ReadOnly), func(*config.Config) {}, map[string]any{
			"/top.txt": 404, "/": 404,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := showing(t, tt.guest, tt.change)
			b.show()
			for target, want := range tt.want {
				got := answer(b, target)
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

func TestHTTPShowsAHomeThatComesLater(t *testing.T) {
	b := showing(t, account.Account{Name: account.Anonymous, Home: "/later", Rights: account.ReadOnly}, func(*config.Config) {})
	b.show()
	if got := answer(b, "/f"); got != 404 {
		t.Fatalf("got %v", got)
	}
	home := filepath.Join(b.conf.Root, "later")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, "f"), []byte("later"), 0o644); err != nil {
		t.Fatal(err)
	}
	b.show()
	if got := answer(b, "/f"); got != "later" {
		t.Errorf("got %v", got)
	}
}

func TestHTTPFollowsTheBoundsOfTheGuest(t *testing.T) {
	b := showing(t, account.Account{}, func(*config.Config) {})
	b.show()
	if got := answer(b, "/alice/secret.txt"); got != "secret" {
		t.Fatalf("got %v", got)
	}
	before := b.pages.current()
	b.show()
	if b.pages.current() != before {
		t.Error("nothing has changed, and there is another Handler")
	}
	if err := b.users.SetAnonymous(account.Account{Name: account.Anonymous, Home: "/pub", Rights: account.ReadOnly}); err != nil {
		t.Fatal(err)
	}
	b.show()
	if got := answer(b, "/alice/secret.txt"); got != 404 {
		t.Errorf("alice's home: %v, want 404", got)
	}
	if got := answer(b, "/news.txt"); got != "news" {
		t.Errorf("the guest's home: %v", got)
	}
}
