package ftpd_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/afero"

	"sluice/ftpd"
	"sluice/internal/certs"
	"sluice/internal/nettest"
)

// TestScripts runs the dialogues in testdata/script, and TestDriverScripts those in
// testdata/script/driver. A script is a txtar archive: the server serves its files, and
// the text before them is the dialogue, one step in a line. It begins after the greeting.
//
//	# COMMENT
//	set NAME [VALUE]     changes the server (see settings, driverSettings); before all other steps
//	> LINE               sends a line, with escapes as in Go: \r, \x00
//	raw BYTES            sends the bytes without CRLF
//	< CODE [REGEXP]      reads a reply, whose text must match
//	login, guest         logs in as u, who has all rights, or anonymously
//	tls                  makes the TLS handshake
//	data PASV|EPSV|PORT|EPRT   sets up a data connection
//	connect              opens the data connection; "< 150", get and put do so too
//	get TEXT             reads the data connection to its end and wants this text
//	put TEXT             sends this text over the data connection and closes it
//	send TEXT            sends this text over the data connection
//	reset                resets the data connection
//	content NAME TEXT    wants a file with this content
//	absent NAME          wants no such file
//	end                  wants the control connection to end
func TestScripts(t *testing.T) { eachScript(t, "testdata/script/*.txtar", scriptWithEngine(ownEngine)) }

// eachScript runs the scripts that match a pattern, each with a server that begin starts.
func eachScript(t *testing.T, pattern string, begin func(t *testing.T, set []setting) *server) {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			nettest.CheckLeaks(t)
			p := newPlayer(t, name, begin)
			p.mismatch = func(what string) { t.Fatalf("%s: %s", p.where, what) } // the steps that follow would fail too
			p.play()
		})
	}
}

// setting is a step "set".
type setting struct{ key, value string }

// settings has the names for "set" that change the Server.
var settings = map[string]func(s *ftpd.Server, value string){
	"active":       func(s *ftpd.Server, v string) { s.NoActive = v == "off" },
	"tls":          func(s *ftpd.Server, v string) { s.TLS = map[string]ftpd.TLSPolicy{"required": ftpd.TLSRequired}[v] },
	"certificate":  func(s *ftpd.Server, _ string) { s.TLSConfig = testCertificate() },
	"idle":         func(s *ftpd.Server, v string) { s.IdleTimeout, _ = time.ParseDuration(v) },
	"accept":       func(s *ftpd.Server, v string) { s.AcceptTimeout, _ = time.ParseDuration(v) },
	"stall":        func(s *ftpd.Server, v string) { s.StallTimeout, _ = time.ParseDuration(v) },
	"keep":         func(s *ftpd.Server, v string) { s.KeepPartials, _ = time.ParseDuration(v) },
	"public":       func(s *ftpd.Server, v string) { s.PublicAddrs = []ftpd.PublicAddr{{Addr: netip.MustParseAddr(v)}} },
	"close-notify": func(s *ftpd.Server, v string) { s.LaxTLS = func(string) bool { return v == "off" } },
}

// admissions has the names for "set" that change the users and rights.
var admissions = map[string]func(a *access, value string){
	"anonymous": func(a *access, v string) { a.anonymous = v == "on" },
	"write":     func(a *access, v string) { a.write = v == "on" },
}

// player runs a script.
type player struct {
	*client
	files  afero.Fs // that are served
	lines  []string
	plain  net.Conn
	tls    *tls.Config // nil in clear
	script string      // the name of the script
	at     int         // the number of the current line
	where  string      // both, for error messages

	mismatch func(what string)    // called if the server differs from the script
	wait     func() time.Duration // returns how long to wait for a reply

	private bool                     // PROT P
	open    func() (net.Conn, error) // accepts an active data connection
	data    net.Conn                 // the data connection; nil: none
}

// scriptWithEngine returns a function that starts a server with an engine and the settings
// of a script.
func scriptWithEngine(serve engine) func(t *testing.T, set []setting) *server {
	return func(t *testing.T, set []setting) *server {
		t.Helper()
		return startWithEngine(t, serve, "127.0.0.1:0", func(a *access) {
			for _, s := range set {
				if admit := admissions[s.key]; admit != nil {
					admit(a, s.value)
				}
			}
		}, func(server *ftpd.Server) {
			for _, s := range set {
				change := settings[s.key]
				switch {
				case change != nil:
					change(server, s.value)
				case admissions[s.key] == nil:
					t.Fatalf("unknown setting %q", s.key)
				}
			}
		})
	}
}

// newPlayer starts the server of a script by calling begin, and connects to it.
func newPlayer(t *testing.T, name string, begin func(t *testing.T, set []setting) *server) *player {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(archive.Comment), "\n")
	var set []setting
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, "set "); ok {
			key, value, _ := strings.Cut(rest, " ")
			set = append(set, setting{key, value})
		}
	}
	s := begin(t, set)
	files := afero.NewBasePathFs(afero.NewOsFs(), s.dir)
	if s.access != nil && s.access.bucket != nil {
		files = s.access.bucket.writable
	}
	for _, f := range archive.Files {
		name := "/" + f.Name
		if err := errors.Join(files.MkdirAll(path.Dir(name), 0o755), afero.WriteFile(files, name, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	c := s.dial()
	return &player{
		client: c, files: files, plain: c.conn, lines: lines, script: strings.TrimSuffix(filepath.Base(name), ".txtar"),
		wait: func() time.Duration { return patience },
	}
}

// play runs the script to its end, or until it cannot go on.
func (p *player) play() {
	p.t.Helper()
	defer func() {
		if r := recover(); r != nil && r != errScriptStopped {
			panic(r)
		}
	}()
	for i, line := range p.lines {
		p.at, p.where = i+1, fmt.Sprintf("%s.txtar:%d: %s", p.script, i+1, line)
		p.step(line)
	}
}

// errScriptStopped is the panic that ends a script which cannot go on.
var errScriptStopped = errors.New("script stopped")

// giveUp reports a mismatch and ends the script, because the steps that follow would fail
// too.
func (p *player) giveUp(what string) {
	p.mismatch(what)
	panic(errScriptStopped)
}

// step runs one line.
func (p *player) step(line string) {
	p.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	text := rest
	if verb != "<" { // regexps have escapes of their own
		text = p.unquote(rest)
	}
	switch verb {
	case "", "#", "set":
	case ">":
		p.write(text + "\r\n")
	case "raw":
		p.write(text)
	case "<":
		if strings.HasPrefix(rest, "150") && p.open != nil { // the reply needs the connection
			p.dataConn()
		}
		p.expectReply(rest)
	case "login":
		p.write("USER u\r\nPASS secret\r\n")
		p.expectReply("331")
		p.expectReply("230")
	case "guest":
		p.write("USER ftp\r\nPASS x\r\n")
		p.expectReply("331")
		p.expectReply("230")
	case "tls":
		p.secure()
	case "data":
		p.setUpData(mode(rest))
	case "connect":
		p.dataConn()
	case "get":
		p.get(text)
	case "put":
		p.put(text)
		p.closeData()
	case "send":
		p.put(text)
	case "reset":
		_ = p.dataConn().(*net.TCPConn).SetLinger(0)
		p.closeData()
	case "content":
		name, want, _ := strings.Cut(text, " ")
		if got, err := afero.ReadFile(p.files, name); string(got) != want || err != nil {
			p.mismatch(fmt.Sprintf("other content: %q, %v", got, err))
		}
	case "absent":
		if exists(p.files, text) {
			p.mismatch("the file exists")
		}
	case "end":
		_ = p.conn.SetReadDeadline(time.Now().Add(p.wait()))
		if _, err := p.r.ReadByte(); err == nil || os.IsTimeout(err) {
			p.giveUp("no end")
		}
	default:
		p.t.Fatalf("%s: unknown step", p.where)
	}
}

// exists reports whether there is a file, or a link, of that name.
func exists(files afero.Fs, name string) bool {
	var err error
	if l, ok := files.(afero.Lstater); ok {
		_, _, err = l.LstatIfPossible(name)
	} else {
		_, err = files.Stat(name)
	}
	return !errors.Is(err, fs.ErrNotExist)
}

func (p *player) unquote(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	if err != nil {
		p.t.Fatalf("%s: %v", p.where, err)
	}
	return text
}

func (p *player) write(text string) {
	p.t.Helper()
	if _, err := io.WriteString(p.plain, text); err != nil {
		p.giveUp("the end of the connection")
	}
	if text == "PROT P\r\n" || text == "PROT C\r\n" {
		p.private = text == "PROT P\r\n"
	}
}

// expectReply reads a reply and compares it with want: "CODE REGEXP".
func (p *player) expectReply(want string) {
	p.t.Helper()
	code, pattern, _ := strings.Cut(want, " ")
	got, text := p.next()
	if strconv.Itoa(got) != code {
		p.mismatch(fmt.Sprintf("reply %d", got))
		return
	}
	if ok, err := regexp.MatchString(pattern, text); !ok || err != nil {
		p.mismatch("another text: " + text)
	}
}

// next returns the next reply.
func (p *player) next() (code int, text string) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(p.wait()))
	code, text, err := p.reply()
	switch {
	case os.IsTimeout(err):
		p.giveUp("no reply")
	case err != nil:
		p.giveUp("the end of the connection")
	}
	return code, text
}

// secure makes the handshake on the control connection.
func (p *player) secure() {
	p.t.Helper()
	p.tls = &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(9)}
	conn := tls.Client(p.plain, p.tls)
	_ = p.conn.SetReadDeadline(time.Now().Add(p.wait()))
	if err := conn.Handshake(); err != nil {
		p.giveUp("no handshake")
	}
	p.plain, p.r = conn, bufio.NewReader(conn)
}

// setUpData sends the command that sets up a data connection.
func (p *player) setUpData(m mode) {
	p.t.Helper()
	p.data = nil
	switch m {
	case pasv:
		p.write("PASV\r\n")
		p.dial(p.passiveAddr(227))
	case epsv:
		p.write("EPSV\r\n")
		p.dial(p.passiveAddr(229))
	case port, eprt:
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { _ = ln.Close() })
		n := ln.Addr().(*net.TCPAddr).Port
		if m == port {
			p.write(fmt.Sprintf("PORT 127,0,0,1,%d,%d\r\n", n>>8, n&255))
		} else {
			p.write(fmt.Sprintf("EPRT |1|127.0.0.1|%d|\r\n", n))
		}
		p.expectReply("200")
		p.open = func() (net.Conn, error) {
			_ = ln.(*net.TCPListener).SetDeadline(time.Now().Add(p.wait()))
			return ln.Accept()
		}
	default:
		p.t.Fatalf("%s: unknown kind of data connection", p.where)
	}
}

func (p *player) dial(addr string) {
	p.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		p.giveUp("no connection")
	}
	p.own(conn)
	p.data = conn
}

var digits = regexp.MustCompile(`\d+`)

// passiveAddr reads the reply to PASV or EPSV and returns the address.
func (p *player) passiveAddr(want int) string {
	p.t.Helper()
	code, text := p.next()
	if code != want {
		p.giveUp(fmt.Sprintf("reply %d", code))
	}
	n := digits.FindAllString(text, -1)
	if want == 229 {
		return net.JoinHostPort("127.0.0.1", n[1])
	}
	hi, _ := strconv.Atoi(n[5])
	lo, _ := strconv.Atoi(n[6])
	return net.JoinHostPort(strings.Join(n[1:5], "."), strconv.Itoa(hi<<8|lo))
}

// dataConn opens the data connection, if it is not open yet, and returns it.
func (p *player) dataConn() net.Conn {
	p.t.Helper()
	if p.data != nil {
		return p.data
	}
	if p.open == nil {
		p.giveUp("no data connection was set up")
	}
	conn, err := p.open()
	if err != nil {
		p.giveUp("no data connection")
	}
	p.own(conn)
	p.data = conn
	return conn
}

// protected returns the data connection, with TLS after PROT P.
func (p *player) protected() net.Conn {
	p.t.Helper()
	conn := p.dataConn()
	if _, ok := conn.(*tls.Conn); !ok && p.private {
		p.data = tls.Client(conn, p.tls)
	}
	return p.data
}

func (p *player) get(want string) {
	p.t.Helper()
	conn := p.protected()
	_ = conn.SetReadDeadline(time.Now().Add(p.wait()))
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != want {
		p.mismatch(fmt.Sprintf("other data: %q", got))
	}
	p.closeData()
}

func (p *player) put(text string) {
	p.t.Helper()
	conn := p.protected()
	if c, ok := conn.(*tls.Conn); ok {
		if err := c.Handshake(); err != nil { // text may be empty
			p.mismatch("no handshake of the data connection")
		}
	}
	if _, err := io.WriteString(conn, text); err != nil {
		p.mismatch("nothing can be sent")
	}
}

func (p *player) closeData() {
	_ = p.data.Close()
	p.data, p.open = nil, nil
}

// testCertificate returns a configuration with a certificate for localhost.
func testCertificate() *tls.Config {
	cert, err := certs.SelfSigned(nil)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}}
}
