package daemon

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/httpd"
	"sluice/internal/nettest"
)

// After FTP has acknowledged a change, the very next request sees it: by HTTP on each
// code path, in listings, archives and checksums too, and in another FTP session.
// This holds also if each protocol has opened the directory by itself.
func TestAcknowledgedFTPChangesAreSeenByTheNextRequest(t *testing.T) {
	const rounds = 3
	for _, kind := range sharedTrees(t) {
		t.Run(kind.name, func(t *testing.T) {
			paths := pathsTo(t, kind.http)
			addr := serveFTP(t, kind.account, kind.engine)
			writer, reader := loginFTP(t, addr), loginFTP(t, addr)

			before := requestAll(t, uncached(kind.http))
			for _, p := range paths {
				compareViews(t, p.name+", at the start", requestAll(t, p.get), before)
			}
			for round := range rounds {
				for _, step := range changes(round, kind.noLinks) {
					step.do(t, writer)
					name := fmt.Sprintf("round %d, %s", round, step.name)
					want := requestAll(t, uncached(kind.http))
					if maps.Equal(before, want) {
						t.Fatalf("%s: nothing has changed", name)
					}
					for _, p := range paths {
						compareViews(t, name+", "+p.name, requestAll(t, p.get), want)
					}
					reader.compare(t, name, want)
					if t.Failed() {
						return
					}
					before = want
				}
			}
		})
	}
}

// sharedTree is a tree that both protocols serve.
type sharedTree struct {
	name    string
	account ftpd.Account
	http    afero.Fs
	noLinks bool
	engine  string
}

// sharedTrees returns the combinations of file systems.
func sharedTrees(t *testing.T) []sharedTree {
	t.Helper()
	open := func(dir string) *ftpd.Root {
		root, err := ftpd.Dir(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = root.Close() })
		return root
	}
	var dirs []string
	for range 7 {
		dir := nettest.TempDir(t)
		if err := os.Mkdir(filepath.Join(dir, "pub"), 0o755); err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
	}
	one, wrapped := open(dirs[0]), open(dirs[3])
	based := afero.NewBasePathFs(afero.NewOsFs(), dirs[2])
	memory := afero.NewMemMapFs()
	account := func(fsys afero.Fs, home string) ftpd.Account {
		return ftpd.Account{FS: fsys, Home: home, Rights: ftpd.All}
	}
	byLibrary := open(dirs[5])
	return []sharedTree{
		{"one Root", account(one.Writable(), ""), one, false, ""},
		{"two Roots, one of them a home beneath another", account(open(dirs[1]).Writable(), "/pub"), open(filepath.Join(dirs[1], "pub")), false, ""},
		{"BasePathFs over OsFs", account(based, ""), based, true, ""},
		{"a Root, and another in a wrapper", account(wrapped.Writable(), ""), afero.NewBasePathFs(open(dirs[3]), "/"), false, ""},
		{"a Root, and OsFs of the same directory", account(afero.NewBasePathFs(afero.NewOsFs(), dirs[4]), ""), open(dirs[4]), true, ""},
		{"one Root, the engine of ftpserverlib", account(byLibrary.Writable(), ""), byLibrary, true, "ftpserverlib"},
		{"a Root, and a driver of ftpserverlib", account(afero.NewBasePathFs(afero.NewOsFs(), dirs[6]), ""), open(dirs[6]), true, "driver"},
		{"MemMapFs", account(memory, ""), memory, true, ""},
	}
}

// step is a change by FTP.
type step struct {
	name string
	do   func(t *testing.T, c *ftpConn)
}

// changes returns steps that end where they began. Each uses names of the steps before.
func changes(round int, noLinks bool) []step {
	send := func(name, command string, code int) step {
		return step{name, func(t *testing.T, c *ftpConn) { c.cmd(t, code, command) }}
	}
	store := func(name, command, content string) step {
		return step{name, func(t *testing.T, c *ftpConn) { c.store(t, command, content) }}
	}
	move := func(name, from, to string) step {
		return step{name, func(t *testing.T, c *ftpConn) {
			c.cmd(t, 350, "RNFR "+from)
			c.cmd(t, 250, "RNTO "+to)
		}}
	}
	steps := []step{
		store("STOR new", "STOR /a.txt", fmt.Sprint("new ", round)),
		store("STOR over, of the same size", "STOR /a.txt", fmt.Sprint("NEW ", round)),
		store("STOR over, large", "STOR /a.txt", strings.Repeat(fmt.Sprint(round), 50_000)),
		store("APPE to a large file", "APPE /a.txt", "more"),
		store("STOR over, small", "STOR /a.txt", fmt.Sprint("small ", round)),
		store("APPE", "APPE /a.txt", " and more"),
		{"REST and STOR at the end", func(t *testing.T, c *ftpConn) {
			size := strings.TrimSpace(c.cmd(t, 213, "SIZE /a.txt"))
			c.cmd(t, 350, "REST "+size)
			c.store(t, "STOR /a.txt", ", and yet more")
		}},
		send("MFMT", fmt.Sprintf("MFMT 2020010203%02d05 /a.txt", round%60), 213),
		send("SITE CHMOD", "SITE CHMOD 640 /a.txt", 200),
		send("MKD", "MKD /d", 257),
		store("STOR in a directory", "STOR /d/b.txt", fmt.Sprint("below ", round)),
		move("RNFR and RNTO of a directory", "/d", "/e"),
		move("RNFR and RNTO of a file", "/a.txt", "/c.txt"),
	}
	if !noLinks {
		steps = append(steps, send("SITE SYMLINK", "SITE SYMLINK /e/b.txt /l.txt", 200), send("DELE of a link", "DELE /l.txt", 250))
	}
	return append(steps, send("DELE in a directory", "DELE /e/b.txt", 250), send("RMD", "RMD /e", 250), send("DELE", "DELE /c.txt", 250))
}

// requester sends a request and returns the response.
type requester func(method, target, accept string) (status int, header http.Header, body []byte, err error)

// view holds responses by request.
type view map[string]string

var requestedPaths = []string{"/a.txt", "/c.txt", "/d/", "/d/b.txt", "/e/", "/e/b.txt", "/l.txt", "/"}

// requestAll requests everything that the steps change, in every form.
func requestAll(t *testing.T, get requester) view {
	t.Helper()
	v := make(view)
	request := func(method, target, accept string) {
		status, header, body, err := get(method, target, accept)
		if err != nil {
			t.Fatalf("%s %s: %v", method, target, err)
		}
		tag := strings.TrimPrefix(header.Get("Etag"), "W/") // which becomes strong soon after the change
		v[method+" "+target+" "+accept] = fmt.Sprintf("%d %q %q %q %q x%x", status, header.Get("Content-Type"), tag,
			header.Get("Last-Modified"), map[bool]string{true: header.Get("Content-Length")}[method == http.MethodHead], sha256.Sum256(body))
	}
	for _, name := range requestedPaths {
		request(http.MethodGet, name, "")
		request(http.MethodHead, name, "")
		if strings.HasSuffix(name, "/") {
			request(http.MethodGet, name, "application/json")
			request(http.MethodGet, name+"?tar", "")
			request(http.MethodGet, name+"?zip", "")
		} else {
			request(http.MethodGet, name+"?sha256", "")
		}
	}
	return v
}

func compareViews(t *testing.T, what string, got, want view) {
	t.Helper()
	for _, request := range slices.Sorted(maps.Keys(want)) {
		if got[request] != want[request] {
			t.Errorf("%s: %s\n\tgot  %s\n\twant %s", what, request, got[request], want[request])
		}
	}
}

// uncached sends requests to a Handler without a cache.
func uncached(fsys afero.Fs) requester {
	return func(method, target, accept string) (int, http.Header, []byte, error) {
		h := &httpd.Handler{FS: fsys, Archives: true, CacheValid: -1}
		r := httptest.NewRequest(method, target, nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code, w.Header(), w.Body.Bytes(), h.Close()
	}
}

// httpPath is a path of the code by which HTTP requests are answered.
type httpPath struct {
	name string
	get  requester
}

// pathsTo returns all paths, each with a Handler of its own for the same tree.
func pathsTo(t *testing.T, fsys afero.Fs) []httpPath {
	loops, fast := &httpd.Server{}, &httpd.Server{NoLoop: true}
	slow := &httpd.Server{NoFastPath: true}
	other := httptest.NewTLSServer(nil) // for its certificate
	t.Cleanup(other.Close)
	secure := &httpd.Server{TLSConfig: &tls.Config{Certificates: other.TLS.Certificates}}
	return []httpPath{
		{"event loops", serveHTTP(t, loops, fsys, loops.Serve, "HTTP/1.1")},
		{"fast path", serveHTTP(t, fast, fsys, fast.Serve, "HTTP/1.1")},
		{"net/http path", serveHTTP(t, slow, fsys, slow.Serve, "HTTP/1.1")},
		{"HTTP/2", serveHTTP(t, secure, fsys, secure.ServeTLS, "HTTP/2.0")},
	}
}

// serveHTTP serves a tree by srv and returns its requester.
func serveHTTP(t *testing.T, srv *httpd.Server, fsys afero.Fs, serve func(net.Listener) error, proto string) requester {
	t.Helper()
	h := &httpd.Handler{FS: fsys, Archives: true}
	srv.Handler = h
	ln, err := httpd.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(ln) }()
	transport := &http.Transport{
		DisableCompression: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: proto == "HTTP/2.0",
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		_ = srv.Close()
		_ = h.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve = %v", err)
		}
	})
	base := "http://" + ln.Addr().String()
	if srv.TLSConfig != nil {
		base = "https://" + ln.Addr().String()
	}
	return func(method, target, accept string) (int, http.Header, []byte, error) {
		r, err := http.NewRequestWithContext(t.Context(), method, base+target, nil)
		if err != nil {
			return 0, nil, nil, err
		}
		if accept != "" {
			r.Header.Set("Accept", accept)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			return 0, nil, nil, err
		}
		defer resp.Body.Close()
		if resp.Proto != proto {
			return 0, nil, nil, fmt.Errorf("response by %s", resp.Proto)
		}
		body, err := io.ReadAll(resp.Body)
		return resp.StatusCode, resp.Header, body, err
	}
}

// serveFTP serves an account to every login with an engine and returns the address.
func serveFTP(t *testing.T, account ftpd.Account, engine string) (addr string) {
	t.Helper()
	if engine == "driver" {
		return listenFTP(t, ftpd.FromDriver(&driver{account.FS}), (*ftpd.Server).Serve)
	}
	srv := &ftpd.Server{Login: func(context.Context, ftpd.Client, string, string) (*ftpd.Account, error) {
		a := account
		return &a, nil
	}}
	if engine == "ftpserverlib" {
		return listenFTP(t, srv, func(srv *ftpd.Server, ln net.Listener) error {
			return ftpserver.NewFtpServer(srv.Driver(ln)).ListenAndServe()
		})
	}
	return listenFTP(t, srv, (*ftpd.Server).Serve)
}

func listenFTP(t *testing.T, srv *ftpd.Server, serve func(*ftpd.Server, net.Listener) error) (addr string) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- serve(srv, ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		<-served // the library returns an error of its own
	})
	return ln.Addr().String()
}

// driver is a driver of ftpserverlib with most of the extension interfaces.
type driver struct{ afero.Fs }

func (*driver) GetSettings() (*ftpserver.Settings, error) {
	return &ftpserver.Settings{EnableHASH: true, DisableASCIIConversion: true}, nil
}
func (*driver) GetTLSConfig() (*tls.Config, error)                      { return nil, errors.ErrUnsupported }
func (*driver) ClientConnected(ftpserver.ClientContext) (string, error) { return "", nil }
func (*driver) ClientDisconnected(ftpserver.ClientContext)              {}
func (d *driver) AuthUser(ftpserver.ClientContext, string, string) (ftpserver.ClientDriver, error) {
	return d, nil
}

func (d *driver) GetHandle(name string, flags int, offset int64) (ftpserver.FileTransfer, error) {
	return d.OpenFile(name, flags, 0o644)
}

func (d *driver) RemoveDir(name string) error { return d.Remove(name) }

func (d *driver) Symlink(target, name string) error {
	return d.Fs.(afero.Symlinker).SymlinkIfPossible(target, name)
}

// ftpConn is an FTP session.
type ftpConn struct{ *textproto.Conn }

// refuseFTP wants a login to be refused, and returns the text of the reply.
func refuseFTP(t *testing.T, addr, user, password string) string {
	t.Helper()
	conn, err := textproto.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	c := &ftpConn{conn}
	c.expect(t, 220, "")
	c.cmd(t, 331, "USER "+user)
	return c.cmd(t, 530, "PASS "+password)
}

func loginFTP(t *testing.T, addr string) *ftpConn {
	t.Helper()
	conn, err := textproto.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c := &ftpConn{conn}
	c.expect(t, 220, "")
	c.cmd(t, 331, "USER u")
	c.cmd(t, 230, "PASS p")
	c.cmd(t, 200, "TYPE I")
	return c
}

func (c *ftpConn) expect(t *testing.T, code int, after string) string {
	t.Helper()
	_, message, err := c.ReadResponse(code)
	if err != nil {
		t.Fatalf("%s: %v, want %d", after, err, code)
	}
	return message
}

func (c *ftpConn) cmd(t *testing.T, code int, command string) string {
	t.Helper()
	if err := c.PrintfLine("%s", command); err != nil {
		t.Fatal(err)
	}
	return c.expect(t, code, command)
}

var passivePort = regexp.MustCompile(`\|\|\|(\d+)\|`)

// store uploads content by a command and waits for the acknowledgement.
func (c *ftpConn) store(t *testing.T, command, content string) {
	t.Helper()
	port := passivePort.FindStringSubmatch(c.cmd(t, 229, "EPSV"))
	if port == nil {
		t.Fatal("the reply to EPSV has no port")
	}
	data, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port[1]))
	if err != nil {
		t.Fatal(err)
	}
	defer data.Close()
	c.cmd(t, 150, command)
	if _, err := io.WriteString(data, content); err != nil {
		t.Fatal(err)
	}
	_ = data.Close()
	c.expect(t, 226, command)
}

// compare reports an error for each name that exists for FTP and not for HTTP, or the
// reverse, and for each file with another checksum.
func (c *ftpConn) compare(t *testing.T, what string, want view) {
	t.Helper()
	for _, name := range requestedPaths {
		_ = c.PrintfLine("MLST %s", path.Clean(name))
		_, _, err := c.ReadResponse(250)
		if is, should := err == nil, strings.HasPrefix(want["GET "+name+" "], "200 "); is != should {
			t.Errorf("%s, another session: %s exists: %v, by HTTP %v", what, name, is, should)
		}
		if err != nil || strings.HasSuffix(name, "/") {
			continue
		}
		sum := c.cmd(t, 213, "HASH "+name)
		if _, body, _ := strings.Cut(want["GET "+name+" "], " x"); !strings.Contains(sum, body) {
			t.Errorf("%s, another session: HASH %s: %s, by HTTP %s", what, name, sum, body)
		}
	}
}
