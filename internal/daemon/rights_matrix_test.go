package daemon

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/internal/account"
	"sluice/internal/config"
	"sluice/internal/nettest"
)

// The matrix of rights: every right, alone and in some sets, at the root of a user and at
// a path, by every command of FTP and every method of HTTP. The expected results follow
// from a few rules; a new command or method needs a line in the table, or the test fails.
// Those of WebDAV are in rights_matrix_webdav_test.go.

// place is where a user has the rights of a cell.
type place struct {
	name   string
	tables string // of the user with the rights RIGHTS
	dir    string // of the files, in the tree of the user
	isPath bool   // the user has rights by path
}

var places = []place{
	{"root", "home = '/p'\nrights = RIGHTS\n", "", false},
	{"path", "rights = []\n[[user.NAME.path]]\npath = '/p'\nrights = RIGHTS\n", "/p", true},
	{"other", "rights = ['all']\n[[user.NAME.path]]\npath = '/p'\nrights = RIGHTS\n", "/p", true},
}

// cell is a user with rights.
type cell struct {
	rights account.Rights
	isPath bool
}

func (c cell) has(any account.Rights) bool { return c.rights&any != 0 }

// isDrop reports whether the user can only send files. Then no other name exists.
func (c cell) isDrop() bool { return c.rights == account.Create }

// knows reports whether names in the directory can exist for the user.
func (c cell) knows() bool { return c.has(account.All &^ account.Create) }

// The rules of the table.
var (
	always = func(cell) bool { return true }
	never  = func(cell) bool { return false }
	enters = func(c cell) bool { return c.rights != 0 }
	knows  = cell.knows
	stats  = func(c cell) bool { return c.has(account.ReadOnly) }
	lists  = func(c cell) bool { return c.has(account.List) || c.isDrop() }
	shows  = func(c cell) bool { return c.has(account.List) }
	reads  = func(c cell) bool { return c.has(account.Read) }
	makes  = func(c cell) bool { return c.has(account.Create) }
	makesD = func(c cell) bool { return c.has(account.Create) && (c.has(account.ReadOnly | account.Change)) } // a directory
	alters = func(c cell) bool { return c.has(account.Change) }
	stores = func(c cell) bool { // over a name that exists
		return c.has(account.Change) || c.has(account.Create) && !c.has(account.ReadOnly)
	}
	deletes = func(c cell) bool { return c.has(account.Delete) }
	renames = func(c cell) bool { return c.has(account.Rename) }
	links   = func(c cell) bool { return c.has(account.Link) && !c.isPath }
)

// matrixRow is a request. Its directory is @, which has the file f, the empty directory
// e, and the directory d with the file g. After the target, requests of HTTP may have
// fields: "MOVE @/f Destination=@/m".
type matrixRow struct {
	request string
	may     func(cell) bool
	shows   string // what the data or body has if it is listed, and never otherwise
	content string // likewise, if it is read
}

var ftpMatrix = []matrixRow{
	{"CWD @/", enters, "", ""}, {"XCWD @/", enters, "", ""}, {"CWD @/e", knows, "", ""}, {"CWD @/none", never, "", ""},
	{"AVBL @/", enters, "", ""}, {"AVBL @/e", knows, "", ""},
	{"SIZE @/f", stats, "", ""}, {"MDTM @/f", stats, "", ""}, {"MLST @/f", stats, "", ""}, {"MLST @/e", stats, "", ""},
	{"LIST @/", lists, "f", ""}, {"NLST @/", lists, "f", ""}, {"MLSD @/", lists, "f", ""}, {"STAT @/", lists, "f", ""},
	{"LIST @/f", shows, "f", ""}, {"STAT @/f", shows, "f", ""}, {"NLST @/e", shows, "", ""},
	{"RETR @/f", reads, "", "content"}, {"HASH @/f", reads, "", ""}, {"XCRC @/f", reads, "", ""}, {"XMD5 @/f", reads, "", ""}, {"MD5 @/f", reads, "", ""},
	{"XSHA @/f", reads, "", ""}, {"XSHA1 @/f", reads, "", ""}, {"XSHA256 @/f", reads, "", ""}, {"XSHA512 @/f", reads, "", ""},
	{"MKD @/n", makesD, "", ""}, {"XMKD @/n", makesD, "", ""},
	{"STOR @/n", makes, "", ""}, {"APPE @/n", makes, "", ""}, {"STOU @/n", makes, "", ""}, {"STOR @/f", stores, "", ""}, {"APPE @/f", stores, "", ""},
	{"STOR @/d/n", func(c cell) bool { return c.has(account.Create) && !c.isDrop() }, "", ""}, {"STOR @/none/n", never, "", ""},
	{"MFMT 20200101000000 @/f", alters, "", ""}, {"MFF modify=20200101000000; @/f", alters, "", ""}, {"MDTM 20200101000000 @/f", alters, "", ""},
	{"SITE CHMOD 600 @/f", alters, "", ""}, {"SITE UTIME 20200101000000 @/f", alters, "", ""},
	{"DELE @/f", deletes, "", ""}, {"RMD @/e", deletes, "", ""}, {"XRMD @/e", deletes, "", ""}, {"RMD @/d", never, "", ""},
	{"RNFR @/f", func(c cell) bool { return c.has(account.Rename | account.ReadOnly) }, "", ""},
	{"RNFR @/f;RNTO @/m", renames, "", ""},
	{"SITE SYMLINK @/f @/l", links, "", ""},
}

// ftpWithoutFiles are the commands that touch no file.
var ftpWithoutFiles = strings.Fields(`USER PASS ACCT AUTH PBSZ PROT REIN QUIT NOOP SYST FEAT OPTS HELP CLNT LANG HOST TYPE STRU MODE ALLO PASV EPSV PORT EPRT
	ABOR REST RANG PWD XPWD CDUP XCUP UMASK WHO QUOTA SITE`)

var httpMatrix = []matrixRow{
	{"GET @/f", reads, "", "content"}, {"HEAD @/f", reads, "", ""}, {"GET @/f?sha256", reads, "", ""}, {"GET @/f?download", reads, "", "content"},
	{"GET @/", func(c cell) bool { return c.has(account.List) || c.isDrop() }, "f", ""},
	{"GET @/?zip", func(c cell) bool { return c.has(account.List) || c.isDrop() }, "", "content"},
	{"GET @/?tar", func(c cell) bool { return c.has(account.List) || c.isDrop() }, "", "content"},
	{"GET @/e/", shows, "", ""}, {"GET @/d/g", reads, "", "deep"}, {"GET @/none", never, "", ""},
	{"GET @/page/", reads, "", "index"}, {"OPTIONS @/f", always, "", ""},
	{"PUT @/n", makes, "", ""}, {"PUT @/f", stores, "", ""}, {"PUT @/none/n", never, "", ""},
	{"PUT @/d/n", func(c cell) bool { return c.has(account.Create) && !c.isDrop() }, "", ""},
	{"POST @/ Upload-Complete=?1 Content-Disposition=attachment;filename=n", makes, "", ""},
	{"POST @/ Upload-Complete=?1 Content-Disposition=attachment;filename=f", stores, "", ""},
	{"POST @/f", never, "", ""}, {"PATCH @/f", never, "", ""}, {"PATCH @/?upload=none Upload-Offset=0", never, "", ""},
	{"DELETE @/?upload=none", never, "", ""},
	{"DELETE @/f", deletes, "", ""}, {"DELETE @/e", deletes, "", ""}, {"DELETE @/d", never, "", ""}, {"DELETE @/none", never, "", ""},
}

// matrixSets are the sets of rights.
func matrixSets() map[string]account.Rights {
	sets := make(map[string]account.Rights)
	add := func(names ...string) {
		rights, err := account.ParseRights(names)
		if err != nil {
			panic(err)
		}
		sets[strings.Join(names, "-")] = rights
	}
	single := []string{"list", "read", "create", "change", "delete", "rename", "link"}
	add()
	add("all")
	for _, name := range single {
		add(name)
	}
	add("list", "read")
	add("list", "create")
	add("list", "delete")
	add("create", "change")
	add("create", "delete")
	add("list", "read", "create")
	return sets
}

// TestTheMatrixOfRights makes every request of the tables as every user.
func TestTheMatrixOfRights(t *testing.T) {
	var tables strings.Builder
	users := make(map[string]cell)
	dirs := make(map[string]string)
	for set, rights := range matrixSets() {
		for _, p := range places {
			name := "u-" + set + "-" + p.name
			words := "[]"
			if set != "" {
				words = "['" + strings.ReplaceAll(set, "-", "', '") + "']"
			}
			if p.isPath && set == "link" {
				continue // refused by the configuration
			}
			lines := strings.NewReplacer("NAME", name, "RIGHTS", words).Replace(p.tables)
			tables.WriteString(tableOf(name, lines))
			if p.isPath {
				rights &^= account.Link
			}
			users[name], dirs[name] = cell{rights, p.isPath}, p.dir
		}
	}
	serve := func(dav bool) *loginTest {
		return newLoginTest(t, confWith(t, tables.String(), func(c *config.Config) {
			c.CacheValid, c.Archives, c.Durability = 0, true, "none" // files change without the server
			c.Index = []string{"index.html"}
			c.WebDAV = dav
		}))
	}
	d, withDAV := serve(false), serve(true)
	for name, user := range users {
		if testing.Short() && strings.Count(name, "-") > 2 {
			continue // sets of several rights
		}
		t.Run(name, func(t *testing.T) {
			for _, d := range []*loginTest{d, withDAV} {
				if err := os.MkdirAll(filepath.Join(d.dir, "p"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			m := &matrixTest{loginTest: d, user: name, cell: user, dir: dirs[name], ftp: d.logInFTP(t, name)}
			for _, row := range ftpMatrix {
				m.check(t, row, m.byFTP)
			}
			for _, row := range httpMatrix {
				m.check(t, row, m.byHTTP)
			}
			m.loginTest = withDAV
			for _, row := range davMatrix {
				m.check(t, row, m.byWebDAV)
			}
		})
	}
}

// matrixTest makes requests as one user.
type matrixTest struct {
	*loginTest
	user string
	cell cell
	dir  string
	ftp  *ftpConn
}

// reset makes the files of the matrix, and no others.
func (m *matrixTest) reset(t *testing.T) {
	t.Helper()
	top := filepath.Join(m.loginTest.dir, "p") // it stays: it is the home of a session
	entries, _ := os.ReadDir(top)
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(top, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	m.write(t, map[string]string{"p/f": "content", "p/d/g": "deep", "p/page/index.html": "index"})
	if err := os.Mkdir(filepath.Join(m.loginTest.dir, "p", "e"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// state describes all files.
func (m *matrixTest) state(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(m.loginTest.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		content := ""
		if e.Type().IsRegular() {
			b, _ := os.ReadFile(name)
			info, _ := e.Info()
			content = fmt.Sprint(string(b), info.ModTime(), info.Mode())
		}
		fmt.Fprintln(&all, name, e.Type(), content)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}

// changing matches the requests that change files.
var changing = regexp.MustCompile(`^(MKD|XMKD|STOR|APPE|STOU|MFMT|MFF|MDTM 2|SITE|DELE|RMD|XRMD|RNFR.*RNTO|PUT|DELETE|POST|PATCH|PROPPATCH|MKCOL|MOVE|COPY|LOCK @/n)`)

func (m *matrixTest) check(t *testing.T, row matrixRow, do func(t *testing.T, request string) (ok bool, reply, data string)) {
	t.Helper()
	m.reset(t)
	before := m.state(t)
	ok, reply, data := do(t, strings.ReplaceAll(row.request, "@", m.dir))
	if want := row.may(m.cell); ok != want {
		t.Errorf("%s: %q, want that it is allowed: %v", row.request, reply, want)
	}
	after := m.state(t)
	switch isChange := changing.MatchString(row.request); {
	case after != before && (!isChange || !ok):
		t.Errorf("%s: %q, but the files have changed:\n%s%s", row.request, reply, before, after)
	case after == before && isChange && ok:
		t.Errorf("%s: %q, but no file has changed", row.request, reply)
	}
	if !m.cell.has(account.Change|account.Delete|account.Rename) && !strings.Contains(after, "/p/f - content") && !strings.Contains(after, "f ---------- content") {
		t.Errorf("%s: the old file is lost:\n%s", row.request, after)
	}
	if row.shows != "" {
		hasName := regexp.MustCompile(`(^|[\s/"])` + row.shows + `($|[\s"<\r])`).MatchString(data)
		if hasName != m.cell.has(account.List) {
			t.Errorf("%s: %q, want the name: %v", row.request, data, m.cell.has(account.List))
		}
	}
	if row.content != "" && strings.Contains(data, row.content) != m.cell.has(account.Read) && (ok || m.cell.has(account.Read)) {
		if reads := m.cell.has(account.Read) && row.may(m.cell); reads != strings.Contains(data, row.content) {
			t.Errorf("%s: %q, want the content: %v", row.request, data, reads)
		}
	}
	m.checkHidden(t, row, do)
}

// checkHidden compares the reply for a name that exists with that for a missing one. They
// are the same for a user to whom the name must not be shown.
func (m *matrixTest) checkHidden(t *testing.T, row matrixRow, do func(t *testing.T, request string) (ok bool, reply, data string)) {
	t.Helper()
	name := regexp.MustCompile(`@/[fed]`).FindString(row.request)
	isRead := !changing.MatchString(row.request) && !strings.HasPrefix(row.request, "RNFR") && !strings.Contains(row.request, "@/e") && !strings.Contains(row.request, "LOCK @/f")
	if name == "" || m.cell.has(account.ReadOnly) || m.cell.knows() && !isRead {
		return
	}
	numbers := regexp.MustCompile(`[0-9.]+ s\b|[0-9]{10,}|, held back by: .*`) // and other words about the time
	reply := func(request string) string {
		m.reset(t)
		_, reply, _ := do(t, strings.ReplaceAll(request, "@", m.dir))
		return numbers.ReplaceAllString(reply, "")
	}
	there, none := reply(row.request), reply(strings.ReplaceAll(row.request, name, "@/z"))
	if none = strings.ReplaceAll(none, "/z", name[1:]); there != none {
		t.Errorf("%s: %q, and for a missing name %q", row.request, there, none)
	}
}

// byFTP makes the requests of a line, separated by semicolons before RNTO.
func (m *matrixTest) byFTP(t *testing.T, line string) (ok bool, reply, data string) {
	t.Helper()
	for command := range strings.SplitSeq(strings.Replace(line, ";RNTO", "\nRNTO", 1), "\n") {
		word, _, _ := strings.Cut(command, " ")
		if slices.Contains([]string{"LIST", "NLST", "MLSD", "RETR", "STOR", "APPE", "STOU"}, word) {
			peer, begun := m.ftp.begin(t, command)
			if !begun {
				_ = peer.Close()
				return false, "refused", ""
			}
			if word == "STOR" || word == "APPE" || word == "STOU" {
				_, _ = io.WriteString(peer, "new")
			} else {
				content, _ := io.ReadAll(peer)
				data = string(content)
			}
			_ = peer.Close()
			code, text, err := m.ftp.ReadResponse(226)
			return err == nil, fmt.Sprint(code, " ", text), data
		}
		if err := m.ftp.PrintfLine("%s", command); err != nil {
			t.Fatal(err)
		}
		code, text, _ := m.ftp.ReadResponse(0)
		ok, reply = code < 400, fmt.Sprint(code, " ", text)
		if data += text; !ok {
			break
		}
	}
	if strings.Contains(line, "CWD") && ok {
		_ = m.ftp.PrintfLine("CWD /")
		_, _, _ = m.ftp.ReadResponse(0)
	}
	return ok, reply, data
}

func (m *matrixTest) byHTTP(t *testing.T, line string) (ok bool, reply, data string) {
	t.Helper()
	words := strings.Fields(line)
	method, target := words[0], words[1]
	var body io.Reader
	if method == "PUT" || method == "POST" || method == "PATCH" {
		body = strings.NewReader("new")
	} else if text := davBodies[method]; text != "" {
		body = strings.NewReader(text)
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+m.http+target, body)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(m.user, "secret")
	r.Header.Set("Accept", "application/json")
	for _, field := range words[2:] {
		name, value, _ := strings.Cut(field, "=")
		r.Header.Set(name, value)
	}
	resp, content := nettest.Exchange(t, http.DefaultTransport.RoundTrip, r)
	resp.Header.Del("Date")
	fields := slices.Sorted(maps.Keys(resp.Header))
	return resp.StatusCode < 300, fmt.Sprint(resp.StatusCode, fields, resp.Header["Allow"]), content
}

func TestTheMatrixOfRightsHasAllCommandsAndMethods(t *testing.T) {
	d := newLoginTest(t, confWith(t, tableOf("all", "rights = ['all']"), withWebDAV))
	has := func(rows []matrixRow, prefix string) bool {
		return slices.ContainsFunc(rows, func(row matrixRow) bool {
			return strings.HasPrefix(row.request+" ", prefix+" ") || strings.Contains(row.request, ";"+prefix+" ")
		})
	}
	c := d.logInFTP(t, "all")
	for help, prefix := range map[string]string{"HELP": "", "SITE HELP": "SITE "} {
		if err := c.PrintfLine("%s", help); err != nil {
			t.Fatal(err)
		}
		_, text, err := c.ReadResponse(214)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, name := range regexp.MustCompile(`\b[A-Z][A-Z0-9]{2,}\b`).FindAllString(text, -1) {
			if found++; name == "NAME" { // in "HELP NAME"
				continue
			}
			if !has(ftpMatrix, prefix+name) && !slices.Contains(ftpWithoutFiles, name) {
				t.Errorf("%s%s is missing", prefix, name)
			}
		}
		if found < 5 {
			t.Errorf("%s lists only %d commands: %s", help, found, text)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), "OPTIONS", "http://"+d.http+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth("all", "secret")
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	methods := strings.Split(resp.Header.Get("Allow"), ", ")
	if len(methods) < 14 {
		t.Errorf("Allow: %q", methods)
	}
	for _, method := range methods {
		if !has(httpMatrix, method) && !has(davMatrix, method) {
			t.Errorf("%s is missing", method)
		}
	}
}
