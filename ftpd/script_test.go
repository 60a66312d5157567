package ftpd_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"sluice/ftpd"
	"sluice/internal/certs"
)

// TestScripts plays the dialogues in testdata/script. A script is a txtar
// archive: the files are what the server serves, the text before them is the
// dialogue, one step in a line. The client is connected and greeted.
//
//	# COMMENT
//	set NAME [VALUE]     changes the server (see settings); before all else
//	> LINE               sends a line; \r, \x00 and the like as in Go
//	raw BYTES            sends just that
//	< CODE [REGEXP]      takes a reply, whose text must match
//	login, guest         logs in as u, who may write, or anonymously
//	tls                  makes the handshake
//	data PASV|EPSV|PORT|EPRT   agrees on a data connection
//	connect              opens it, if it is passive; "< 150", get and put do so too
//	get TEXT             takes that over it, and the end
//	put TEXT             sends that over it, and the end
//	send TEXT            sends that over it
//	reset                resets it
//	content NAME TEXT    wants a file of that content
//	absent NAME          wants no such file
//	end                  wants the connection to end
func TestScripts(t *testing.T) {
	names, err := filepath.Glob("testdata/script/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			play(t, name, archive)
		})
	}
}

// settings are what "set" knows.
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

// admissions are what else "set" knows.
var admissions = map[string]func(a *access, value string){
	"anonymous": func(a *access, v string) { a.anonymous = v == "on" },
	"write":     func(a *access, v string) { a.write = v == "on" },
}

// player is the client of a script.
type player struct {
	*client
	s     *server
	plain net.Conn
	tls   *tls.Config // nil in clear
	where string      // of the script

	private bool                     // PROT P
	open    func() (net.Conn, error) // takes the data connection that the server opens
	data    net.Conn                 // nil: there is none
}

func play(t *testing.T, name string, archive *txtar.Archive) {
	lines := strings.Split(string(archive.Comment), "\n")
	var set [][2]string
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, "set "); ok {
			key, value, _ := strings.Cut(rest, " ")
			if settings[key] == nil && admissions[key] == nil {
				t.Fatalf("unknown setting %q", key)
			}
			set = append(set, [2]string{key, value})
		}
	}
	s := startAs(t, func(a *access) {
		for _, s := range set {
			if admit := admissions[s[0]]; admit != nil {
				admit(a, s[1])
			}
		}
	}, func(server *ftpd.Server) {
		for _, s := range set {
			if change := settings[s[0]]; change != nil {
				change(server, s[1])
			}
		}
	})
	for _, f := range archive.Files {
		path := filepath.Join(s.dir, filepath.FromSlash(f.Name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	c := s.dial()
	p := &player{client: c, s: s, plain: c.conn}
	for i, line := range lines {
		p.where = fmt.Sprintf("%s:%d: %s", filepath.Base(name), i+1, line)
		if p.step(line); t.Failed() {
			t.FailNow() // the rest would only be out of step
		}
	}
}

// step plays one line.
func (p *player) step(line string) {
	p.t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	text := rest
	if verb != "<" { // regexps have their own way
		text = p.unquote(rest)
	}
	switch verb {
	case "", "#", "set":
	case ">":
		p.write(text + "\r\n")
	case "raw":
		p.write(text)
	case "<":
		if strings.HasPrefix(rest, "150") && p.open != nil { // it comes only then
			p.connected()
		}
		p.take(rest)
	case "login":
		p.write("USER u\r\nPASS secret\r\n")
		p.take("331")
		p.take("230")
	case "guest":
		p.write("USER ftp\r\nPASS x\r\n")
		p.take("331")
		p.take("230")
	case "tls":
		p.secure()
	case "data":
		p.agree(mode(rest))
	case "connect":
		p.connected()
	case "get":
		p.get(text)
	case "put":
		p.put(text)
		p.closeData()
	case "send":
		p.put(text)
	case "reset":
		_ = p.connected().(*net.TCPConn).SetLinger(0)
		p.closeData()
	case "content":
		name, want, _ := strings.Cut(text, " ")
		if got, err := os.ReadFile(filepath.Join(p.s.dir, name)); string(got) != want || err != nil {
			p.t.Errorf("%s: got %q, %v", p.where, got, err)
		}
	case "absent":
		if _, err := os.Lstat(filepath.Join(p.s.dir, text)); !errors.Is(err, os.ErrNotExist) {
			p.t.Errorf("%s: it is there, or %v", p.where, err)
		}
	case "end":
		if _, err := p.r.ReadByte(); err == nil || os.IsTimeout(err) {
			p.t.Errorf("%s: got %v, want the end", p.where, err)
		}
	default:
		p.t.Errorf("%s: unknown step", p.where)
	}
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
		p.t.Fatalf("%s: %v", p.where, err)
	}
	if text == "PROT P\r\n" || text == "PROT C\r\n" {
		p.private = text == "PROT P\r\n"
	}
}

// take takes a reply.
func (p *player) take(want string) {
	p.t.Helper()
	code, pattern, _ := strings.Cut(want, " ")
	got, text, err := p.reply()
	switch {
	case err != nil:
		p.t.Errorf("%s: %v after %q", p.where, err, text)
	case strconv.Itoa(got) != code:
		p.t.Errorf("%s: got %q", p.where, text)
	default:
		if ok, err := regexp.MatchString(pattern, text); !ok || err != nil {
			p.t.Errorf("%s: got %q, %v", p.where, text, err)
		}
	}
}

// secure makes the handshake on the control connection.
func (p *player) secure() {
	p.t.Helper()
	p.tls = &tls.Config{InsecureSkipVerify: true, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(9)}
	conn := tls.Client(p.plain, p.tls)
	if err := conn.Handshake(); err != nil {
		p.t.Fatalf("%s: %v", p.where, err)
	}
	p.plain, p.r = conn, bufio.NewReader(conn)
}

// agree agrees on a data connection.
func (p *player) agree(m mode) {
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
		_ = ln.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
		n := ln.Addr().(*net.TCPAddr).Port
		if m == port {
			p.write(fmt.Sprintf("PORT 127,0,0,1,%d,%d\r\n", n>>8, n&255))
		} else {
			p.write(fmt.Sprintf("EPRT |1|127.0.0.1|%d|\r\n", n))
		}
		p.take("200")
		p.open = ln.Accept
	default:
		p.t.Fatalf("%s: no way to agree", p.where)
	}
}

func (p *player) dial(addr string) {
	p.t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		p.t.Fatalf("%s: %v", p.where, err)
	}
	p.own(conn)
	p.data = conn
}

var digits = regexp.MustCompile(`\d+`)

// passiveAddr takes the reply to PASV or EPSV.
func (p *player) passiveAddr(want int) string {
	p.t.Helper()
	n := digits.FindAllString(p.expect(want, p.where), -1)
	if want == 229 {
		return net.JoinHostPort("127.0.0.1", n[1])
	}
	hi, _ := strconv.Atoi(n[5])
	lo, _ := strconv.Atoi(n[6])
	return net.JoinHostPort(strings.Join(n[1:5], "."), strconv.Itoa(hi<<8|lo))
}

// connected returns the data connection, open.
func (p *player) connected() net.Conn {
	p.t.Helper()
	if p.data != nil {
		return p.data
	}
	if p.open == nil {
		p.t.Fatalf("%s: no data connection was agreed on", p.where)
	}
	conn, err := p.open()
	if err != nil {
		p.t.Fatalf("%s: %v", p.where, err)
	}
	p.own(conn)
	p.data = conn
	return conn
}

// protected returns the data connection, after the handshake if there is one.
func (p *player) protected() net.Conn {
	p.t.Helper()
	conn := p.connected()
	if _, ok := conn.(*tls.Conn); !ok && p.private {
		p.data = tls.Client(conn, p.tls)
	}
	return p.data
}

func (p *player) get(want string) {
	p.t.Helper()
	got, err := io.ReadAll(p.protected())
	if err != nil || string(got) != want {
		p.t.Errorf("%s: got %q, %v", p.where, got, err)
	}
	p.closeData()
}

func (p *player) put(text string) {
	p.t.Helper()
	conn := p.protected()
	if c, ok := conn.(*tls.Conn); ok {
		if err := c.Handshake(); err != nil { // nothing may be sent
			p.t.Errorf("%s: %v", p.where, err)
		}
	}
	if _, err := io.WriteString(conn, text); err != nil {
		p.t.Errorf("%s: %v", p.where, err)
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
