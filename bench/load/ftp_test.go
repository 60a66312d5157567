package load_test

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/bench/load"
	"sluice/internal/nettest"
)

// An ftpServer has one file, f.bin, and accepts uploads. Its quirks are set
// before the first command.
type ftpServer struct {
	content []byte
	tls     *tls.Config
	quirk   func(command string, n int64) string // a reply instead of executing command number n of its kind; "" executes it
	cut     int                                  // every RETR but the first sends only this many bytes; 0: all
	address string

	sessions, resumed, full atomic.Int64

	mu     sync.Mutex // guards the following fields
	stored map[string]int
	counts map[string]int64 // of commands
}

func newFTP(t *testing.T, s *ftpServer) *ftpServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address, s.stored, s.counts = l.Addr().String(), make(map[string]int), make(map[string]int64)
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	t.Cleanup(func() { _ = l.Close() })
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.sessions.Add(1)
			all.Go(func() { s.serve(c) })
		}
	})
	return s
}

// withTLS returns the configuration of a server with an untrusted certificate.
func withTLS(t *testing.T) *tls.Config {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return &tls.Config{Certificates: s.TLS.Certificates}
}

func (s *ftpServer) serve(c net.Conn) {
	defer func() { _ = c.Close() }()
	r := bufio.NewReader(c)
	say := func(reply string) { _, _ = io.WriteString(c, reply+"\r\n") }
	say("220-Welcome\r\n 230 not yet\r\n220 here")
	var passive net.Listener
	defer func() {
		if passive != nil {
			_ = passive.Close()
		}
	}()
	secure, rest := false, 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		command, arg, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		s.mu.Lock()
		s.counts[command]++
		n := s.counts[command]
		s.mu.Unlock()
		if s.quirk != nil {
			if reply := s.quirk(command, n); reply != "" {
				say(reply)
				continue
			}
		}
		switch command {
		case "AUTH":
			say("234 go on")
			c = tls.Server(c, s.tls)
			r, secure = bufio.NewReader(c), true
		case "USER":
			say("331 password?")
		case "PASS":
			say("230 welcome")
		case "PBSZ", "PROT", "TYPE":
			say("200 fine")
		case "EPSV", "PASV":
			if passive, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				return
			}
			_, port, _ := net.SplitHostPort(passive.Addr().String())
			if command == "EPSV" {
				say("229 there (|||" + port + "|)")
				break
			}
			n, _ := strconv.Atoi(port)
			say(fmt.Sprintf("227 there (192,0,2,1,%d,%d)", n>>8, n&255)) // a wrong address
		case "REST":
			rest, _ = strconv.Atoi(arg)
			say("350 from there")
		case "RETR", "STOR":
			say("150 here it comes")
			data, err := passive.Accept()
			_ = passive.Close()
			if err != nil {
				return
			}
			ok := s.transfer(data, command, arg, rest, n, secure)
			if rest = 0; ok {
				say("226 done")
			} else {
				say("426 cut off")
			}
		case "DELE":
			s.mu.Lock()
			delete(s.stored, arg)
			s.mu.Unlock()
			say("250 gone")
		case "QUIT":
			say("221 bye")
			return
		}
	}
}

// transfer reports whether the transfer was complete.
func (s *ftpServer) transfer(data net.Conn, command, name string, rest int, n int64, secure bool) bool {
	defer data.Close()
	if secure {
		c := tls.Server(data, s.tls)
		if c.Handshake() != nil {
			return false
		}
		if c.ConnectionState().DidResume {
			s.resumed.Add(1)
		} else {
			s.full.Add(1)
		}
		defer c.Close()
		data = c
	}
	if command == "STOR" {
		n, err := io.Copy(io.Discard, data)
		if err == nil {
			s.mu.Lock()
			s.stored[name] = int(n)
			s.mu.Unlock()
		}
		return err == nil
	}
	content := s.content[rest:]
	if s.cut > 0 && n > 1 {
		content = content[:s.cut]
	}
	_, err := data.Write(content)
	return err == nil && len(content) == len(s.content[rest:])
}

func TestFTP(t *testing.T) {
	const size, requests = 300_001, 20
	for _, tt := range []struct {
		name     string
		job      load.Job
		quirk    func(command string, n int64) string
		body     int64
		verifies int64
		sessions int64 // at most, because a client may come too late; 0: one a request at least
	}{
		{"downloads", load.Job{Kind: load.Download}, nil, size, 0, 4},
		{"downloads, compared", load.Job{Kind: load.Download, Verify: 1}, nil, size, requests, 4},
		{"downloads without EPSV", load.Job{Kind: load.Download, Verify: 1}, func(command string, _ int64) string {
			if command == "EPSV" {
				return "500 what?"
			}
			return ""
		}, size, requests, 4},
		{"downloads, each in a session", load.Job{Kind: load.Download, Reconnect: true}, nil, size, 0, 0},
		{"ranges, compared", load.Job{Kind: load.Range, RangeSize: 1001, Verify: 1}, nil, 1001, requests, 4},
		{"uploads", load.Job{Kind: load.Upload, UploadSize: 1_500_000}, nil, 1_500_000, 0, 5}, // one to delete
		{"churn", load.Job{Kind: load.Churn}, nil, 0, 0, 0},
		{"a login without a password", load.Job{Kind: load.Download}, func(command string, _ int64) string {
			if command == "USER" {
				return "230 welcome"
			}
			return ""
		}, size, 0, 4},
	} {
		for _, scheme := range []string{"ftp", "ftps"} {
			t.Run(tt.name+" over "+scheme, func(t *testing.T) {
				nettest.CheckLeaks(t)
				s := newFTP(t, &ftpServer{content: pattern(size), tls: withTLS(t), quirk: tt.quirk})
				job := tt.job
				job.URLs = []string{scheme + "://" + s.address + "/f.bin"}
				job.Clients, job.Requests, job.InsecureTLS = 3, requests, true
				res := run(t, job)
				noErrors(t, res)
				if res.Requests != requests || res.Verified != tt.verifies {
					t.Errorf("%d requests and %d compared, want %d and %d", res.Requests, res.Verified, requests, tt.verifies)
				}
				if least, most := (requests-3)*tt.body, (requests+2*3)*tt.body; res.Bytes < least || res.Bytes > most {
					t.Errorf("%d bytes, want %d to %d", res.Bytes, least, most)
				}
				if n := s.sessions.Load(); tt.sessions > 0 && n > tt.sessions || tt.sessions == 0 && n < requests {
					t.Errorf("%d sessions, want %d", n, tt.sessions)
				}
				if n := s.full.Load(); n > 0 {
					t.Errorf("%d data connections did not resume the session, %d did", n, s.resumed.Load())
				}
				s.mu.Lock()
				defer s.mu.Unlock()
				if job.Kind == load.Upload && s.counts["DELE"] < 2 {
					t.Errorf("%d names deleted, want those of the probe and the clients", s.counts["DELE"])
				}
			})
		}
	}
}

func TestFTPContentIsComparedWithTheExpectedContent(t *testing.T) {
	s := newFTP(t, &ftpServer{content: pattern(1000)})
	for _, tt := range []struct {
		name  string
		size  int
		fails bool
	}{{"the content", 1000, false}, {"another", 999, true}} {
		t.Run(tt.name, func(t *testing.T) {
			// The URL given to Content has the password, unlike those in messages.
			url := "ftp://alice:secret@" + s.address + "/f.bin"
			_, err := load.Run(t.Context(), load.Job{
				Kind: load.Download, URLs: []string{url}, Clients: 1, Requests: 1,
				Content: func(got string) io.Reader {
					if got != url {
						t.Errorf("Content was called with %s, want %s", got, url)
					}
					return bytes.NewReader(pattern(tt.size))
				},
			})
			if failed := err != nil; failed != tt.fails {
				t.Errorf("got %v, want an error: %v", err, tt.fails)
			}
		})
	}
}

func TestFTPErrorsAreCountedByKind(t *testing.T) {
	after := func(n int64, command, reply string) func(string, int64) string {
		return func(c string, i int64) string {
			if c == command && i > n {
				return reply
			}
			return ""
		}
	}
	for _, tt := range []struct {
		name  string
		quirk func(command string, n int64) string
		cut   int
		want  string
	}{
		{"a file that is gone", after(1, "RETR", "550 gone"), 0, "reply 550"},
		{"a full server", after(1, "USER", "421 too many"), 0, "reply 421"},
		{"a transfer cut short", nil, 1000, "reply 426"},
		{"nonsense for a port", after(1, "EPSV", "229 (|||0|)"), 0, "malformed reply"},
		{"nonsense for a reply", after(1, "TYPE", "fine"), 0, "malformed reply"},
		{"a reply without end", after(1, "TYPE", strings.Repeat("200-and\r\n", 10_000)), 0, "malformed reply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			nettest.CheckLeaks(t)
			s := newFTP(t, &ftpServer{content: pattern(5000), quirk: tt.quirk, cut: tt.cut})
			res := run(t, load.Job{
				Kind: load.Download, URLs: []string{"ftp://" + s.address + "/f.bin"}, Clients: 2, Duration: 50 * time.Millisecond,
			})
			if n := res.Errors[tt.want]; n == 0 || len(res.Errors) != 1 || res.Requests != 0 {
				t.Errorf("%d requests, errors %v, want some of %q alone", res.Requests, res.Errors, tt.want)
			}
		})
	}
}

func TestFTPLoginMustWork(t *testing.T) {
	s := newFTP(t, &ftpServer{quirk: func(command string, _ int64) string {
		if command == "PASS" {
			return "530 no"
		}
		return ""
	}})
	_, err := load.Run(t.Context(), load.Job{Kind: load.Idle, URLs: []string{"ftp://" + s.address + "/"}, Clients: 1})
	if err == nil || !strings.Contains(err.Error(), "530") || !strings.Contains(err.Error(), "user:password@") {
		t.Errorf("got %v, want the reply and what to do", err)
	}
}

func TestFTPIdleClientsStay(t *testing.T) {
	nettest.CheckLeaks(t)
	s := newFTP(t, &ftpServer{})
	var there int64
	res := run(t, load.Job{
		Kind: load.Idle, URLs: []string{"ftp://" + s.address + "/"}, Clients: 100,
		End: func() { there = s.sessions.Load() - 1 },
	})
	noErrors(t, res)
	if res.Requests != 100 || there != 100 {
		t.Errorf("%d clients in %d sessions, want 100", res.Requests, there)
	}
}
