package ftpd_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/ftpd"
)

// faults-http.md, H4: FTP showed the names that HTTP hides to everybody.
func TestHiddenNamesAreHiddenFromAnonymousUsers(t *testing.T) {
	for _, tt := range []struct {
		name  string
		setup func(s *ftpd.Server, root *ftpd.Root)
		login func(s *server) *client
		shown bool
	}{
		{"Server.FS hides them", func(s *ftpd.Server, root *ftpd.Root) { s.FS = root }, (*server).guest, false},
		{"ShowHidden shows them", func(s *ftpd.Server, root *ftpd.Root) { s.FS, s.ShowHidden = root, true }, (*server).guest, true},
		{"users with a password see them", func(*ftpd.Server, *ftpd.Root) {}, (*server).login, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var root *ftpd.Root
			s := startAs(t, func(a *access) { root = a.root }, func(s *ftpd.Server) { tt.setup(s, root) })
			for _, name := range []string{".env", ".git/config", ".well-known/security.txt", "plain"} {
				name = filepath.Join(s.dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(name, []byte("content"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			c := tt.login(s)
			code := map[bool]int{false: 550, true: 213}[tt.shown]
			for _, line := range []string{"SIZE .env", "MDTM .env", "SIZE .git/config", "STAT .env"} {
				c.want(code, line)
			}
			c.want(map[bool]int{false: 550, true: 250}[tt.shown], "CWD .git")
			c.want(250, "CWD /")
			c.want(213, "SIZE .well-known/security.txt")
			for _, line := range []string{"LIST", "LIST -a", "NLST", "MLSD", "NLST .*"} {
				got := c.get(pasv, line)
				if strings.Contains(got, ".env") != tt.shown || !strings.Contains(got, ".well-known") {
					t.Errorf("%s shows %q", line, got)
				}
			}
			if !tt.shown {
				c.passive(pasv)
				c.want(550, "RETR .env")
				return
			}
			if got := c.get(pasv, "RETR .env"); got != "content" {
				t.Errorf("RETR gave %q", got)
			}
		})
	}
}

func TestADirectoryNamedLikeAnUnfinishedUploadIsHidden(t *testing.T) {
	s := start(t, nil)
	if err := os.Mkdir(s.dir+"/.d.x.Sluice-Part", 0o755); err != nil {
		t.Fatal(err)
	}
	s.file(".d.x.Sluice-Part/f", 10)
	c := s.login()
	for _, line := range []string{
		"CWD @", "SIZE @/f", "MLST @/f", "STAT @", "RNFR @/f", "HASH @/f", "DELE @/f", "MKD @/g", "SITE SYMLINK @/f l", "AVBL @",
	} {
		c.want(550, strings.ReplaceAll(line, "@", ".d.x.Sluice-Part"))
	}
	for _, line := range []string{"LIST -a", "MLSD", "NLST"} {
		if got := c.get(epsv, line); strings.Contains(strings.ToLower(got), "sluice-part") {
			t.Errorf("%s shows\n%s", line, got)
		}
	}
	for _, line := range []string{"RETR .d.x.Sluice-Part/f", "STOR .d.x.Sluice-Part/g", "APPE .d.x.Sluice-Part/f"} {
		if got := c.codeOf(line); got != 550 && got != 553 {
			t.Errorf("%s: %d", line, got)
		}
	}
}
