// Package embed_test builds and runs the programs of this module. They import the
// public packages of module sluice from outside, as other programs do.
package embed_test

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"
)

// programs is the folder with the built programs.
var programs string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "embed")
	if err != nil {
		panic(err)
	}
	programs = dir
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./...")
	build.Stdout, build.Stderr = os.Stdout, os.Stderr
	code := 1
	if err := build.Run(); err != nil {
		fmt.Println("the programs do not build:", err)
	} else {
		code = m.Run()
	}
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// program is a running program.
type program struct {
	t   *testing.T
	log *bufio.Reader
}

var address = regexp.MustCompile(`(?:http|ftp)://([0-9.:]+)`)

// run starts a program and returns the addresses that it says it listens on.
func run(t *testing.T, name string, args ...string) (p *program, addrs []string) {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, name), args...)
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	p = &program{t, bufio.NewReader(out)}
	for _, m := range address.FindAllStringSubmatch(p.line(), -1) {
		addrs = append(addrs, m[1])
	}
	return p, addrs
}

// line returns the next line that the program logs.
func (p *program) line() string {
	p.t.Helper()
	line, err := p.log.ReadString('\n')
	if err != nil {
		p.t.Fatalf("the program logged %q, %v", line, err)
	}
	return line
}

// published returns a directory with a large file and the home of bob, and the
// content of the file.
func published(t *testing.T) (dir string, content []byte) {
	t.Helper()
	dir, content = t.TempDir(), make([]byte, 3_000_000)
	_, _ = rand.Read(content)
	if err := os.WriteFile(filepath.Join(dir, "big.bin"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "bob"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bob", "mine.txt"), []byte("bob's\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir, content
}

func get(t *testing.T, url string) (body []byte, header http.Header) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", url, resp.Status, err)
	}
	return body, resp.Header
}

// client is an FTP client.
type client struct {
	t *testing.T
	*textproto.Conn
	host string
}

func dial(t *testing.T, addr string) *client {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	host, _, _ := net.SplitHostPort(addr)
	c := &client{t, textproto.NewConn(conn), host}
	c.want(220)
	return c
}

func (c *client) want(code int) string {
	c.t.Helper()
	_, message, err := c.ReadResponse(code)
	if err != nil {
		c.t.Fatalf("got the reply %v, want %d", err, code)
	}
	return message
}

func (c *client) command(code int, line string) string {
	c.t.Helper()
	if err := c.PrintfLine("%s", line); err != nil {
		c.t.Fatal(err)
	}
	return c.want(code)
}

// login logs in, and expects the reply code.
func (c *client) login(user, password string, code int) {
	c.t.Helper()
	c.command(331, "USER "+user)
	c.command(code, "PASS "+password)
	if code == 230 {
		c.command(200, "TYPE I")
	}
}

// data opens a data connection for a command.
func (c *client) data(line string) net.Conn {
	c.t.Helper()
	port := regexp.MustCompile(`\|\|\|(\d+)\|`).FindStringSubmatch(c.command(229, "EPSV"))[1]
	conn, err := net.Dial("tcp", net.JoinHostPort(c.host, port))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.PrintfLine("%s", line); err != nil {
		c.t.Fatal(err)
	}
	return conn
}

func (c *client) get(path string) []byte {
	c.t.Helper()
	conn := c.data("RETR " + path)
	defer conn.Close()
	c.want(150)
	content, err := io.ReadAll(conn)
	if err != nil {
		c.t.Fatal(err)
	}
	c.want(226)
	return content
}

func (c *client) put(path, content string) {
	c.t.Helper()
	conn := c.data("STOR " + path)
	c.want(150)
	_, err := io.WriteString(conn, content)
	_ = conn.Close()
	if err != nil {
		c.t.Fatal(err)
	}
	c.want(226)
}

// zeroCopy returns the name of the method that sends a large file on this system.
func zeroCopy() string {
	switch runtime.GOOS {
	case "linux", "darwin", "freebsd", "dragonfly", "illumos", "solaris":
		return "sendfile"
	}
	return "copy"
}

func wantLine(t *testing.T, got, end string) {
	t.Helper()
	if !strings.HasSuffix(got, end+"\n") {
		t.Errorf("the program logged %q, want %q at its end", got, end)
	}
}

func TestADirectoryByHTTP(t *testing.T) {
	dir, content := published(t)
	p, addrs := run(t, "httpdir", "127.0.0.1:0", dir)
	if got, _ := get(t, "http://"+addrs[0]+"/big.bin"); !bytes.Equal(got, content) {
		t.Errorf("got %d bytes of other content", len(got))
	}
	wantLine(t, p.line(), "GET /big.bin: 200, 3000000 bytes by "+zeroCopy())
}

func TestADirectoryByFTP(t *testing.T) {
	dir, content := published(t)
	p, addrs := run(t, "ftpdir", "127.0.0.1:0", dir)
	c := dial(t, addrs[0])
	c.login("anonymous", "me@", 230)
	if got := c.get("/big.bin"); !bytes.Equal(got, content) {
		t.Errorf("got %d bytes of other content", len(got))
	}
	wantLine(t, p.line(), "RETR /big.bin: 3000000 bytes by "+zeroCopy())
	c.command(550, "DELE /big.bin")
}

func TestFilesInMemoryByHTTPAndFTP(t *testing.T) {
	_, addrs := run(t, "memory", "127.0.0.1:0", "127.0.0.1:0")
	if got, _ := get(t, "http://"+addrs[0]+"/hello.txt"); string(got) != "Hello from memory\n" {
		t.Errorf("by HTTP: got %q", got)
	}
	c := dial(t, addrs[1])
	c.login("ftp", "me@", 230)
	if got := c.get("hello.txt"); string(got) != "Hello from memory\n" {
		t.Errorf("by FTP: got %q", got)
	}
}

func TestAHandlerBehindMiddleware(t *testing.T) {
	dir, content := published(t)
	p, addrs := run(t, "middleware", "127.0.0.1:0", dir)
	got, header := get(t, "http://"+addrs[0]+"/files/big.bin")
	if !bytes.Equal(got, content) || header.Get("Cache-Control") != "private" {
		t.Errorf("got %d bytes of other content, or without the header of the middleware: %v", len(got), header)
	}
	wantLine(t, p.line(), "/files/big.bin: 3000000 bytes by "+zeroCopy())
	if page, _ := get(t, "http://"+addrs[0]+"/files/bob"); !bytes.Contains(page, []byte(`href="mine.txt"`)) {
		t.Errorf("the listing is\n%s", page)
	}
}

func TestAnOwnLoginFunction(t *testing.T) {
	dir, content := published(t)
	_, addrs := run(t, "login", "127.0.0.1:0", dir)
	ann := dial(t, addrs[0])
	ann.login("ann", "secret", 230)
	ann.put("new.txt", "from ann")
	if got, err := os.ReadFile(filepath.Join(dir, "new.txt")); err != nil || string(got) != "from ann" {
		t.Errorf("the upload is %q, %v", got, err)
	}
	if got := ann.get("big.bin"); !bytes.Equal(got, content) {
		t.Errorf("ann got %d bytes of other content", len(got))
	}
	bob := dial(t, addrs[0])
	bob.login("bob", "anything", 230)
	if got := bob.get("/mine.txt"); string(got) != "bob's\n" {
		t.Errorf("bob got %q", got)
	}
	bob.command(550, "SIZE /../big.bin")
	bob.command(550, "DELE mine.txt")
	for _, user := range []string{"ann", "eve", "anonymous"} {
		dial(t, addrs[0]).login(user, "wrong", 530)
	}
}

func TestUsersOfADatabase(t *testing.T) {
	dir, state := t.TempDir(), t.TempDir()
	_, addrs := run(t, "accounts", "127.0.0.1:0", "127.0.0.1:0", dir, state)
	web := "http://" + addrs[0]
	status := func(method, target, body string, change func(*http.Request)) *http.Response {
		t.Helper()
		r, err := http.NewRequest(method, web+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp
	}
	form := func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded") }
	resp := status("POST", "/?login", "username=ann&password=secret", form)
	if resp.StatusCode != http.StatusSeeOther || len(resp.Cookies()) != 1 {
		t.Fatalf("the login page: %s", resp.Status)
	}
	session := func(r *http.Request) { r.AddCookie(resp.Cookies()[0]) }
	if got := status("PUT", "/f", "from ann", session).StatusCode; got != http.StatusCreated {
		t.Errorf("PUT: %d", got)
	}
	if got := status("PUT", "/big", strings.Repeat("x", 2<<20), session).StatusCode; got != http.StatusRequestEntityTooLarge {
		t.Errorf("a file larger than the quota: %d", got)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "ann", "f")); err != nil || string(got) != "from ann" {
		t.Errorf("the upload is %q, %v", got, err)
	}
	if got := status("GET", "/f", "", func(*http.Request) {}).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("a guest: %d", got)
	}
	if got := status("GET", "/f", "", func(r *http.Request) { r.SetBasicAuth("bob", "hidden") }).StatusCode; got != http.StatusNotFound {
		t.Errorf("the file of ann for bob: %d", got)
	}
	ann := dial(t, addrs[1])
	ann.login("ann", "secret", 230)
	if got := ann.get("/f"); string(got) != "from ann" {
		t.Errorf("by FTP: %q", got)
	}
	ann.put("g", "x")
	dial(t, addrs[1]).login("ann", "wrong", 530)
	if got := status("POST", "/?login", "username=ann&password=wrong", form).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("a wrong password: %d", got)
	}
	if got := status("POST", "/?logout", "", session).StatusCode; got != http.StatusSeeOther {
		t.Errorf("logout: %d", got)
	}
	if got := status("GET", "/f", "", session).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("after the logout: %d", got)
	}
}

func TestADriverOfFtpserverlib(t *testing.T) {
	dir, content := published(t)
	p, addrs := run(t, "driver", "127.0.0.1:0", dir)
	ann := dial(t, addrs[0])
	ann.login("ann", "secret", 230)
	ann.put("new.txt", "from ann")
	if got, err := os.ReadFile(filepath.Join(dir, "new.txt")); err != nil || string(got) != "from ann" {
		t.Errorf("the upload is %q, %v", got, err)
	}
	p.line() // the log line of the upload
	if got := ann.get("big.bin"); !bytes.Equal(got, content) {
		t.Errorf("ann got %d bytes of other content", len(got))
	}
	wantLine(t, p.line(), "RETR /big.bin by "+zeroCopy())
	ann.command(221, "QUIT")
	wantLine(t, p.line(), " left")
	dial(t, addrs[0]).login("ann", "wrong", 530)
}

// The documentation of each public package begins with a program.
func TestProgramsInThePackageDocsCompile(t *testing.T) {
	for _, name := range []string{"httpd", "ftpd", "sendfile", "metrics"} {
		t.Run(name, func(t *testing.T) {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "..", name, "doc.go"), nil, parser.ParseComments|parser.PackageClauseOnly)
			if err != nil {
				t.Fatal(err)
			}
			program := firstCode(file.Doc.Text())
			if !strings.HasPrefix(program, "package main\n") {
				t.Fatalf("the documentation begins with\n%s", program)
			}
			main := filepath.Join(t.TempDir(), "main.go")
			if err := os.WriteFile(main, []byte(program), 0o644); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("go", "vet", main).CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// firstCode returns the first code block of a comment.
func firstCode(doc string) string {
	var code strings.Builder
	for line := range strings.Lines(doc) {
		indented, isCode := strings.CutPrefix(line, "\t")
		switch {
		case isCode:
			code.WriteString(indented)
		case code.Len() > 0 && strings.TrimSpace(line) != "":
			return code.String()
		case code.Len() > 0:
			code.WriteString("\n")
		}
	}
	return code.String()
}
