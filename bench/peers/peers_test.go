//go:build unix

package peers

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sluice/bench/proc"
	"sluice/internal/nettest"
)

const size = 1<<20 + 17

func TestMain(m *testing.M) {
	// A process under the race detector would sleep for a second at its end.
	_ = os.Setenv("GORACE", "atexit_sleep_ms=0")
	if len(os.Args) == 4 && os.Args[1] == GoFSRole {
		fmt.Fprintln(os.Stderr, ServeGoFS(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	if len(os.Args) == 4 && os.Args[1] == KernelRole {
		fmt.Fprintln(os.Stderr, ServeKernel(os.Args[2], os.Args[3]))
		os.Exit(1)
	}
	status := m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
	os.Exit(status)
}

// built is the program sluice, built when first needed.
var built struct {
	sync.Once
	dir string
	err error
}

// self returns the beginning of the command line of a peer that this program is.
func self(t *testing.T, p Peer) []string {
	t.Helper()
	if p.Name != "sluice" && p.Name != library {
		return []string{os.Args[0]}
	}
	built.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "sluice-peers"); built.err != nil {
			return
		}
		if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", built.dir, "sluice/cmd/sluice").CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return []string{filepath.Join(built.dir, "sluice")}
}

// needs skips the test if a peer is not installed, or fails it if CI installs it.
func needs(t *testing.T, p Peer) {
	t.Helper()
	_, err := p.Find()
	switch {
	case err == nil:
	case os.Getenv("CI") != "" && slices.Contains([]string{"nginx", "lighttpd", "vsftpd"}, p.Name):
		t.Fatal(err)
	default:
		t.Skip(err)
	}
}

// setup makes a folder with a file to serve, which all users can read.
func setup(t *testing.T, p Peer) Setup {
	t.Helper()
	top, err := os.MkdirTemp("", "sluice-peers")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(top); err != nil {
			t.Error(err)
		}
	})
	s := Setup{Dir: filepath.Join(top, "files to serve"), Work: filepath.Join(top, "work"), Self: self(t, p)}
	for _, dir := range []string{s.Dir, s.Work} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(nettest.Pattern(size))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.Dir, "a.bin"), content, 0o644); err != nil {
		t.Fatal(err)
	}
	return s
}

// eachPeer runs a test for each server of both schemes.
func eachPeer(t *testing.T, test func(t *testing.T, p Peer)) {
	for _, scheme := range []string{"http", "ftp"} {
		for _, p := range All(scheme) {
			if p.Limit {
				continue
			}
			t.Run(p.Name+" over "+scheme, func(t *testing.T) { test(t, p) })
		}
	}
}

// run starts a peer, stops it at the end of the test, and fails the test if it has
// ended before.
func run(t *testing.T, p Peer, s Setup) *Server {
	t.Helper()
	server, err := p.Start(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(server.Process.Err(), server.Stop()); err != nil {
			t.Error(err)
		}
	})
	return server
}

// wantFile fetches a.bin.
func wantFile(t *testing.T, server *Server) {
	t.Helper()
	got, err := fetch(server.URL + "a.bin")
	if err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(got) != nettest.PatternSum(0, size) {
		t.Errorf("got %d bytes, not the %d of the file", len(got), size)
	}
}

func fetch(address string) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if u.Scheme == "ftp" {
		var got []byte
		err := transfer(u, "RETR", func(data net.Conn) (err error) {
			got, err = io.ReadAll(data)
			return err
		})
		return got, err
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}}
	resp, err := client.Get(address)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, errors.New(resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// transfer makes one transfer in a new session.
func transfer(u *url.URL, command string, move func(data net.Conn) error) error {
	c, err := textproto.Dial("tcp", u.Host)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, _, err := c.ReadResponse(220); err != nil {
		return err
	}
	say := func(expect int, format string, args ...any) (string, error) {
		if err := c.PrintfLine(format, args...); err != nil {
			return "", err
		}
		_, msg, err := c.ReadResponse(expect)
		return msg, err
	}
	password, _ := u.User.Password()
	if _, err := say(230, "USER %s", u.User.Username()); err != nil {
		if _, err := say(230, "PASS %s", password); err != nil {
			return err
		}
	}
	if _, err := say(200, "TYPE I"); err != nil {
		return err
	}
	msg, err := say(229, "EPSV")
	if err != nil {
		return err
	}
	_, msg, _ = strings.Cut(msg, "(|||")
	port, err := strconv.Atoi(strings.Split(msg, "|")[0])
	if err != nil {
		return err
	}
	data, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	defer data.Close()
	if _, err := say(1, "%s %s", command, strings.TrimPrefix(u.Path, "/")); err != nil {
		return err
	}
	if err := move(data); err != nil {
		return err
	}
	_ = data.Close()
	if _, _, err := c.ReadResponse(226); err != nil {
		return err
	}
	_, err = say(221, "QUIT")
	return err
}

func TestPeerServesTheFolderAndLeavesNothing(t *testing.T) {
	for _, workers := range []int{1, 2} {
		t.Run(fmt.Sprint(workers, " processors"), func(t *testing.T) {
			cpus := proc.CPUs()
			if len(cpus) < workers {
				t.Skipf("there are %d processors", len(cpus))
			}
			eachPeer(t, func(t *testing.T, p Peer) {
				needs(t, p)
				s := setup(t, p)
				s.CPUs = cpus[:workers]
				nettest.CheckLeaks(t)
				server := run(t, p, s)
				wantFile(t, server)
				if server.Upload != "" {
					wantUpload(t, server, s.Dir)
				}
				if said := server.Process.Printed(); said != "" {
					t.Log(said)
				}
				pid := server.Process.PID()
				if err := server.Stop(); err != nil {
					t.Error(err)
				}
				if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
					t.Errorf("after Stop: got %v for the process, want %v", err, syscall.ESRCH)
				}
				u, _ := url.Parse(server.URL)
				if conn, err := net.Dial("tcp", u.Host); err == nil {
					conn.Close()
					t.Errorf("after Stop: a server answers at %s", u.Host)
				}
			})
		})
	}
}

// wantUpload stores two files under the same name, as a load does.
func wantUpload(t *testing.T, server *Server, dir string) {
	t.Helper()
	u, err := url.Parse(server.Upload + "up.bin")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int64{1000, size} {
		err = transfer(u, "STOR", func(data net.Conn) error {
			_, err := io.Copy(data, nettest.Pattern(n))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(u.Path)))
		if err != nil {
			t.Fatal(err)
		}
		if sha256.Sum256(got) != nettest.PatternSum(0, n) {
			t.Errorf("stored %d bytes, not the %d that were sent", len(got), n)
		}
	}
}

func TestRequestsAreLoggedIfAskedFor(t *testing.T) {
	eachPeer(t, func(t *testing.T, p Peer) {
		needs(t, p)
		if p.Mute {
			t.Skip("it has no log")
		}
		s := setup(t, p)
		var printed bytes.Buffer
		s.AccessLog, s.Log = true, &printed
		server := run(t, p, s)
		wantFile(t, server)
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
		if said := printed.String(); strings.Contains(said, "a.bin") {
			t.Errorf("it printed requests, which this process has to read; it should write a file:\n%s", said)
		}
		logged := ""
		err := filepath.WalkDir(s.Work, func(name string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				var content []byte
				content, err = os.ReadFile(name)
				logged += string(content)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(logged, "a.bin") {
			t.Errorf("the logs do not have a.bin:\n%s", logged)
		}
	})
}

func TestAllPeersAtOnce(t *testing.T) {
	nettest.CheckLeaks(t)
	var servers []*Server
	s := setup(t, Peer{Name: "sluice"})
	eachInstalled(t, func(p Peer) {
		if p.Name == goFileServer {
			s.Self = self(t, p)
			defer func() { s.Self = self(t, Peer{Name: "sluice"}) }()
		}
		servers = append(servers, run(t, p, s))
	})
	for _, server := range servers {
		wantFile(t, server)
	}
}

// eachInstalled calls f for each server that is installed.
func eachInstalled(t *testing.T, f func(p Peer)) {
	t.Helper()
	for _, p := range append(All("http"), All("ftp")...) {
		if p.Limit {
			continue
		}
		if _, err := p.Find(); err != nil {
			t.Log(err)
			continue
		}
		f(p)
	}
}

// listenOnly listens on a port and closes each connection.
func listenOnly(t *testing.T) (port int) {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
	})
	return ln.Addr().(*net.TCPAddr).Port
}

func TestStartTriesAnotherPortIfOneIsTaken(t *testing.T) {
	eachPeer(t, func(t *testing.T, p Peer) {
		needs(t, p)
		s := setup(t, p)
		nettest.CheckLeaks(t)
		taken := listenOnly(t)
		calls := 0
		server, err := p.start(t.Context(), s, func() (int, error) {
			if calls++; calls == 1 {
				return taken, nil
			}
			return freePort()
		})
		if err != nil {
			t.Fatal(err)
		}
		wantFile(t, server)
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		if calls != 2 {
			t.Errorf("got %d ports tried, want 2", calls)
		}
	})
}

func TestStartFailsIfAllPortsAreTaken(t *testing.T) {
	p := All("http")[1]
	s := setup(t, p)
	nettest.CheckLeaks(t)
	taken := listenOnly(t)
	_, err := p.start(t.Context(), s, func() (int, error) { return taken, nil })
	if !errors.Is(err, errTaken) || !strings.Contains(err.Error(), strconv.Itoa(taken)) {
		t.Errorf("got error %v, want that port %d is taken", err, taken)
	}
}

func TestABrokenConfigurationIsReportedWithTheOutputOfTheServer(t *testing.T) {
	eachPeer(t, func(t *testing.T, p Peer) {
		if p.config == "" {
			t.Skip("it has no configuration")
		}
		needs(t, p)
		s := setup(t, p)
		nettest.CheckLeaks(t)
		command := p.command
		p.command = func(pl *plan) (proc.Command, error) {
			if err := os.WriteFile(pl.Config(), []byte("}nonsense{\n"), 0o600); err != nil {
				t.Error(err)
			}
			return command(pl)
		}
		server, err := p.Start(t.Context(), s)
		if err == nil {
			_ = server.Stop()
			t.Fatal("got no error, want one")
		}
		if !strings.Contains(err.Error(), "exit status") || !strings.Contains(err.Error(), "it printed:\n") {
			t.Errorf("got error %q, want its exit status and what it printed", err)
		}
		t.Log(err)
	})
}

func peer(t *testing.T, scheme, name string) Peer {
	t.Helper()
	for _, p := range All(scheme) {
		if p.Name == name {
			return p
		}
	}
	t.Fatalf("there is no %s", name)
	panic("unreachable")
}

func TestStartIsCancelled(t *testing.T) {
	nettest.CheckLeaks(t)
	p := Peer{Name: "sleeper", Scheme: "http", Program: "sleep", command: func(*plan) (proc.Command, error) {
		return proc.Command{Args: []string{"sleep", "1000"}}, nil
	}}
	ctx, cancel := context.WithCancel(t.Context())
	s := setup(t, Peer{})
	p.able = func() error { cancel(); return nil }
	if server, err := p.Start(ctx, s); !errors.Is(err, ctx.Err()) || err == nil {
		t.Errorf("got %v, %v, want %v", server, err, ctx.Err())
	}
}

func TestAMissingServerIsReportedWithItsPackage(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	folders := systemFolders
	systemFolders = nil
	defer func() { systemFolders = folders }()
	p := peer(t, "http", "nginx")
	_, err := p.Find()
	if got, want := fmt.Sprint(err), "nginx is not installed: apt install nginx-light"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got %v, want exec.ErrNotFound", err)
	}
	if _, err := p.Start(t.Context(), Setup{}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("Start: got %v, want exec.ErrNotFound", err)
	}
}

func TestImpossibleSetupsAreRefused(t *testing.T) {
	good := setup(t, Peer{})
	p := All("http")[1]
	tests := map[string]struct {
		change func(s *Setup)
		want   string
	}{
		"a folder that does not exist":  {func(s *Setup) { s.Dir += "x" }, "Dir: "},
		"a file in place of a folder":   {func(s *Setup) { s.Dir = filepath.Join(s.Dir, "a.bin") }, "is not a folder"},
		"no folder to work in":          {func(s *Setup) { s.Work = "" }, "Work: "},
		"no way to start this program":  {func(s *Setup) { s.Self = nil }, "Setup.Self"},
		"a name that would be a script": {func(s *Setup) { s.Dir = quoted(t, s.Dir) }, "special in configurations"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := good
			tt.change(&s)
			server, err := p.Start(t.Context(), s)
			if err == nil {
				_ = server.Stop()
			}
			if !strings.Contains(fmt.Sprint(err), tt.want) {
				t.Errorf("got error %v, want %q in it", err, tt.want)
			}
		})
	}
}

func quoted(t *testing.T, dir string) string {
	dir = filepath.Join(dir, `a";include "b`)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTemplatesRender(t *testing.T) {
	for _, workers := range []int{1, 2} {
		for _, log := range []bool{false, true} {
			eachPeer(t, func(t *testing.T, p Peer) {
				if p.config == "" {
					t.Skip("it has no configuration")
				}
				pl := &plan{Dir: "/srv/a b", Work: "/run/w", Host: "127.0.0.1", Port: 12345, Workers: workers, User: "me", Group: "us", Root: true, Files: 1024, AccessLog: log}
				text, err := p.render(pl)
				if err != nil {
					t.Fatal(err)
				}
				for _, want := range []string{"/srv/a b", "12345", "127.0.0.1"} {
					if !bytes.Contains(text, []byte(want)) {
						t.Errorf("%q is not in\n%s", want, text)
					}
				}
				if bytes.Contains(text, []byte("$")) || bytes.Contains(text, []byte("{{")) {
					t.Errorf("a placeholder is left in\n%s", text)
				}
				if !strings.HasPrefix(string(text), "#") {
					t.Error("it does not begin with a comment that gives reasons")
				}
			})
		}
	}
}

func TestEachHTTPServerHasAWorkerForEachProcessor(t *testing.T) {
	for name, want := range map[string]string{
		"sluice": "GOMAXPROCS=", goFileServer: "GOMAXPROCS=3", "caddy": "GOMAXPROCS=3",
		"nginx": "worker_processes 3;", "lighttpd": "\nserver.max-worker = 3\n", "h2o": "num-threads: 3\n",
	} {
		p := peer(t, "http", name)
		pl, err := newPlan(Setup{Dir: t.TempDir(), Work: t.TempDir(), Self: []string{"self"}, CPUs: []int{1, 4, 5}}, "program", 1)
		if err != nil {
			t.Fatal(err)
		}
		c, err := p.command(pl)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(c.Env, "\n")
		if p.config != "" {
			text, err := p.render(pl)
			if err != nil {
				t.Fatal(err)
			}
			got += string(text)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: %q is not in its environment or configuration:\n%s", name, want, got)
		}
	}
}

func TestUnknownPlaceholdersAreErrors(t *testing.T) {
	for _, text := range []string{"root ${Dirs};", "root $Dirs;", "${if Slow}log;", "${dir}"} {
		if got, err := expand("a.conf", text, (&plan{Dir: "/srv"}).values()); err == nil || !strings.Contains(err.Error(), "a.conf: there is no value ${") {
			t.Errorf("%q: got %q and error %v, want an error that names file and placeholder", text, got, err)
		}
	}
}

func TestVersions(t *testing.T) {
	eachInstalled(t, func(p Peer) {
		got := p.Version(t.Context())
		isSelf := p.Name == "sluice" || p.Name == library // their versions are in the program, and not in this test
		if !isSelf && !strings.Contains(got, ".") {
			t.Errorf("%s: got version %q, want one", p.Name, got)
		}
		t.Log(p.Scheme, p.Name, got)
	})
}
