package ftpd_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/account"
)

// commandRights is a command, the rights each of which allows it, and the reply if it is allowed.
type commandRights struct {
	line   string // about "@", a directory with the file f and the empty directory e
	rights ftpd.Rights
	code   int
}

const (
	anybody    = ^ftpd.Rights(0)
	listOrRead = account.List | account.Read
)

// rightsTable has all commands that name files, at least once.
var rightsTable = []commandRights{
	{"CWD @", account.All, 250}, {"XCWD @", account.All, 250}, {"CDUP", account.All, 250}, {"XCUP", account.All, 250},
	{"PWD", anybody, 257}, {"XPWD", anybody, 257}, // shows only what the client has sent
	{"AVBL", account.All, 213}, {"AVBL @", account.All, 213},
	{"SIZE @/f", listOrRead, 213}, {"MDTM @/f", listOrRead, 213}, {"MLST @/f", listOrRead, 250}, {"MLST @", listOrRead, 250}, {"MLST", listOrRead, 250},
	{"LIST @", account.List, 226}, {"NLST @", account.List, 226}, {"MLSD @", account.List, 226}, {"LIST @/*", account.List, 226},
	{"STAT @", account.List, 212}, {"STAT @/f", account.List, 213},
	{"RETR @/f", account.Read, 226}, {"HASH @/f", account.Read, 213}, {"XCRC @/f", account.Read, 250}, {"XMD5 @/f", account.Read, 250},
	{"MD5 @/f", account.Read, 250}, {"XSHA @/f", account.Read, 250}, {"XSHA1 @/f", account.Read, 250}, {"XSHA256 @/f", account.Read, 250}, {"XSHA512 @/f", account.Read, 250},
	{"MKD @/n", account.Create, 257}, {"XMKD @/n", account.Create, 257},
	{"STOR @/n", account.Create, 226}, {"APPE @/n", account.Create, 226}, {"STOU @/n", account.Create, 226},
	{"STOR @/f", account.Change, 226}, {"APPE @/f", account.Change, 226},
	{"MFMT 20200101000000 @/f", account.Change, 213}, {"MFF modify=20200101000000; @/f", account.Change, 213},
	{"MDTM 20200101000000 @/f", account.Change, 213},
	{"SITE CHMOD 600 @/f", account.Change, 200}, {"SITE UTIME 20200101000000 @/f", account.Change, 200},
	{"DELE @/f", account.Delete, 250}, {"RMD @/e", account.Delete, 250}, {"XRMD @/e", account.Delete, 250},
	{"RNFR @/f", account.Rename | listOrRead, 350},
	{"SITE SYMLINK @/f @/l", account.Link, 200},
	{"SITE WHO", account.Who, 200}, {"SITE UMASK", anybody, 200}, {"SITE HELP", anybody, 214}, {"SITE QUOTA", account.All, 211},
	// Commands that name no file.
	{"TYPE I", anybody, 200}, {"STRU F", anybody, 200}, {"MODE S", anybody, 200}, {"ALLO 5", anybody, 200}, {"PASV", anybody, 227}, {"EPSV", anybody, 229},
	{"PORT 127,0,0,1,4,1", anybody, 200}, {"EPRT |1|127.0.0.1|1025|", anybody, 200}, {"REST 1", anybody, 350}, {"RANG 0 1", anybody, 350}, {"RNTO @/n", 0, 503},
}

// singleRights has each single right, and none.
var singleRights = map[string]ftpd.Rights{
	"nothing": 0, "list": account.List, "read": account.Read, "create": account.Create, "change": account.Change,
	"delete": account.Delete, "rename": account.Rename, "link": account.Link, "who": account.Who,
}

// faults-trust.md, T21: AVBL and CWD answered users without any right.
func TestEveryCommandAgainstEverySingleRight(t *testing.T) {
	s := startWithSingleRights(t)
	for name, rights := range singleRights {
		t.Run(name, func(t *testing.T) {
			c := s.dial()
			c.want(331, "USER "+name)
			c.want(230, "PASS x")
			for i, tt := range rightsTable {
				dir := fmt.Sprintf("/%s%d", name, i)
				fillForRights(t, s.dir+dir)
				line := strings.ReplaceAll(tt.line, "@", dir)
				code := c.codeOf(line)
				may := tt.rights&rights != 0 || tt.rights == anybody
				switch {
				case rights == account.Create && strings.Contains(tt.line, "@") && tt.rights != 0:
					// A drop box has no directories for those who only send: see TestADropBox.
					if code != 550 && !(code == 226 && strings.Contains(line, "/*")) {
						t.Errorf("%s: %d, want 550", line, code)
					}
				case may && code != tt.code:
					t.Errorf("%s: %d, want %d", line, code, tt.code)
				case !may && tt.rights == 0 && code != tt.code:
					t.Errorf("%s: %d, want %d", line, code, tt.code)
				case !may && tt.rights != 0 && code != 550:
					t.Errorf("%s: %d, want 550", line, code)
				}
				if rights&account.All != 0 {
					c.want(250, "CWD /")
				}
			}
		})
	}
}

// A user that may neither see nor change a file must not learn whether it exists.
func TestARefusalForLackOfARightDoesNotShowWhetherANameExists(t *testing.T) {
	s := startWithSingleRights(t)
	fillForRights(t, s.dir+"/there")
	for name, rights := range singleRights {
		t.Run(name, func(t *testing.T) {
			c := s.dial()
			c.want(331, "USER "+name)
			c.want(230, "PASS x")
			for _, tt := range rightsTable {
				if tt.rights&rights != 0 || !strings.Contains(tt.line, "@") || strings.HasPrefix(tt.line, "STOR") || strings.HasPrefix(tt.line, "APPE") {
					continue // these two need one of two rights, depending on whether the file exists
				}
				there, none := c.answer(strings.ReplaceAll(tt.line, "@", "there")), c.answer(strings.ReplaceAll(tt.line, "@", "none"))
				if there != none {
					t.Errorf("%s: %q, and for a missing file %q", tt.line, there, none)
				}
			}
		})
	}
}

// startWithSingleRights is start with a user for each of singleRights.
func startWithSingleRights(t *testing.T) *server {
	t.Helper()
	return startAs(t, func(a *access) {
		for name, rights := range singleRights {
			if err := a.users.AddAccount(account.Account{Name: name, Rights: rights}, "x"); err != nil {
				t.Fatal(err)
			}
		}
	}, nil)
}

func fillForRights(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "e"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// codeOf returns the code of the final reply to a line, which may need a data connection.
func (c *client) codeOf(line string) int {
	c.t.Helper()
	var code int
	_, err := fmt.Sscan(c.answer(line), &code)
	if err != nil {
		c.t.Fatal(err)
	}
	return code
}

// answer returns the final reply to a line, which may need a data connection.
func (c *client) answer(line string) string {
	c.t.Helper()
	command, _, _ := strings.Cut(line, " ")
	if slices.Contains([]string{"LIST", "NLST", "MLSD", "RETR", "STOR", "APPE", "STOU"}, command) {
		conn := c.connect(c.passive(epsv)) // before the command, whose refusal closes the port
		defer conn.Close()
		_ = conn.CloseWrite()
	}
	c.send(line)
	code, text, err := c.reply()
	if err == nil && code < 200 {
		code, text, err = c.reply()
	}
	if err != nil {
		c.t.Fatalf("%s: %v", line, err)
	}
	return fmt.Sprint(code, " ", text)
}

func TestTheTableOfRightsHasEveryCommandAfterLogin(t *testing.T) {
	for _, name := range ftpd.CommandsAfterLogin() {
		if !slices.ContainsFunc(rightsTable, func(tt commandRights) bool {
			command, _, _ := strings.Cut(tt.line, " ")
			return command == name || strings.HasPrefix(tt.line, "SITE "+strings.TrimPrefix(name, "SITE "))
		}) {
			t.Errorf("%s is missing", name)
		}
	}
}

// The fact "perm" shows no right that a Root refuses.
func TestPermOfAReadOnlyRootShowsNoWriteRights(t *testing.T) {
	root := rootOf(t, map[string]string{"f": "x"})
	readOnly, err := ftpd.Dir(root.Dir())
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	for perm, fsys := range map[string]afero.Fs{"perm=r;": readOnly, "perm=adfrw;": root} {
		s := start(t, func(srv *ftpd.Server) {
			srv.Login = func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
				return &ftpd.Account{FS: fsys, Rights: ftpd.All}, nil
			}
		})
		if got := s.login().want(250, "MLST f"); !strings.Contains(got, perm) {
			t.Errorf("got %q, want %s", got, perm)
		}
	}
}
