package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sluice/bench/proc"
)

// A Setup says what a peer serves and where it runs.
type Setup struct {
	Dir  string // the folder to serve; FTP peers make a folder "incoming" in it
	Work string // a folder for configurations, logs and the like; each start makes its own in it
	CPUs []int  // processors for the server; nil: those of this process

	// Self is the beginning of the command line that starts this program. "serve"
	// and flags follow for Sluice; GoFSRole, an address and a folder for gofs,
	// for which the program calls ServeGoFS.
	Self []string

	Store *Store // has the files, for peers of the scheme store

	Log       io.Writer // gets the output of the server; may be nil
	AccessLog bool      // log requests into a file in Work, if the peer has a log
}

// A Server is a running peer.
type Server struct {
	URL     string // of the served folder, ending in "/"; for FTP with user and password
	Upload  string // URL of the folder for uploads; "": none
	Process *proc.Process

	// Others are further processes that serve the same, each at its own URL.
	Others []*Server

	store *Store // that this server is; nil: none
	mount string // that its end may leave behind; "": none
}

// URLOf returns the URL of a file.
func (s *Server) URLOf(name string) string {
	if s.store != nil {
		return s.store.signed(http.MethodGet, name, time.Now())
	}
	return s.URL + name
}

// All returns s and s.Others.
func (s *Server) All() []*Server { return append([]*Server{s}, s.Others...) }

// Usage returns what the processes of all have used so far and have now.
func (s *Server) Usage() (proc.Usage, error) {
	sum, err := s.Process.Usage()
	for _, other := range s.Others {
		more, moreErr := other.Usage()
		sum, err = sum.Add(more), errors.Join(err, moreErr)
	}
	return sum, err
}

// grace is how long a server may take to end before it is killed.
const grace = 3 * time.Second

// Stop ends the server and its descendants, but not a Store.
func (s *Server) Stop() error {
	if s.store != nil {
		return nil
	}
	err := s.Process.Stop(grace)
	if s.mount != "" {
		_ = exec.Command("fusermount", "-u", "-z", "-q", s.mount).Run() // it fails if all went well
	}
	for _, other := range s.Others {
		err = errors.Join(err, other.Stop())
	}
	return err
}

const (
	attempts     = 3                // ports to try
	startTimeout = 20 * time.Second // until a server answers
)

// errTaken means that another process has taken the port before the server.
var errTaken = errors.New("another process has taken its port")

// Start starts the server, and returns when it answers. If another process takes
// the port meanwhile, it tries other ports a few times. If the server ends, the
// error has its output. If ctx ends before the server answers, Start stops the
// server; later ctx has no meaning.
func (p Peer) Start(ctx context.Context, s Setup) (*Server, error) {
	if p.Scheme == storeScheme && s.Store == nil {
		return nil, fmt.Errorf("start %s: Setup.Store has no bucket for it", p.Name)
	}
	if p.isStore {
		return &Server{URL: s.Store.Endpoint + "/", Process: s.Store.Process, store: s.Store}, nil
	}
	server, err := p.start(ctx, s, freePort)
	for n := 1; n < p.processes && err == nil; n++ {
		var other *Server
		if other, err = p.start(ctx, s, freePort); err != nil {
			return nil, errors.Join(err, server.Stop())
		}
		server.Others = append(server.Others, other)
	}
	return server, err
}

func (p Peer) start(ctx context.Context, s Setup, choose func() (int, error)) (*Server, error) {
	program, err := p.Find()
	if err != nil {
		return nil, err
	}
	for i := 1; ; i++ {
		port, err := choose()
		if err != nil {
			return nil, fmt.Errorf("start %s: %w", p.Name, err)
		}
		server, err := p.startOn(ctx, s, program, port)
		switch {
		case err == nil:
			return server, nil
		case i == attempts || !errors.Is(err, errTaken):
			return nil, fmt.Errorf("start %s on port %d: %w", p.Name, port, err)
		}
	}
}

// startOn starts the server on a port.
func (p Peer) startOn(ctx context.Context, s Setup, program string, port int) (*Server, error) {
	pl, err := p.prepare(s, program, port)
	if err != nil {
		return nil, err
	}
	c, err := p.command(pl)
	if err != nil {
		return nil, err
	}
	c.CPUs, c.Log, c.Dir = s.CPUs, s.Log, pl.Work
	process, err := proc.Start(c)
	if c.Stderr != nil {
		_ = c.Stderr.Close()
	}
	if err != nil {
		return nil, err
	}
	if err := waitForAnswer(ctx, process, p.Scheme, pl.Address()); err != nil {
		if !isFree(port) && process.Err() != nil {
			err = fmt.Errorf("%w: %w", errTaken, err)
		}
		return nil, errors.Join(err, (&Server{Process: process, mount: pl.mount()}).Stop())
	}
	server := &Server{URL: p.protocol() + "://" + pl.Login + pl.Address() + "/", Process: process, mount: pl.mount()}
	if p.Scheme == "ftp" {
		server.Upload = server.URL + incoming + "/"
	}
	return server, nil
}

// protocol returns the scheme of the URLs.
func (p Peer) protocol() string {
	if p.Scheme == storeScheme {
		return "http"
	}
	return p.Scheme
}

// mount returns the mount that the command makes; "": none.
func (pl *plan) mount() string {
	if pl.unmount {
		return pl.Dir
	}
	return ""
}

// incoming is the folder for uploads. Some servers demand that its parent is not
// writable.
const incoming = "incoming"

// prepare makes the folders and the configuration.
func (p Peer) prepare(s Setup, program string, port int) (*plan, error) {
	pl, err := newPlan(s, program, port)
	if err != nil {
		return nil, err
	}
	if pl.Work, err = os.MkdirTemp(pl.Work, p.Name+"-"); err != nil {
		return nil, err
	}
	if p.Scheme == "ftp" {
		dir := filepath.Join(pl.Dir, incoming)
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
	}
	if p.config == "" {
		return pl, nil
	}
	text, err := p.render(pl)
	if err != nil {
		return nil, err
	}
	return pl, os.WriteFile(pl.Config(), text, 0o600)
}

// waitForAnswer waits until the server answers.
func waitForAnswer(ctx context.Context, process *proc.Process, scheme, address string) error {
	ctx, timeout := context.WithTimeoutCause(ctx, startTimeout, fmt.Errorf("it does not answer within %v", startTimeout))
	defer timeout()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-process.Exited():
			cancel(process.Err())
		case <-ctx.Done():
		}
	}()
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := answers(ctx, scheme, address)
		select {
		case <-process.Exited():
			return process.Err() // even if there was an answer: another server has sent it
		default:
		}
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			if err := process.Err(); err != nil {
				return err
			}
			err = fmt.Errorf("%w; the last try: %w", context.Cause(ctx), err)
			if said := process.Printed(); said != "" {
				err = fmt.Errorf("%w; it printed:\n%s", err, said)
			}
			return err
		case <-time.After(pause):
		}
	}
}

// answers returns an error unless a server answers.
func answers(ctx context.Context, scheme, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	begin := "HTTP/1."
	if scheme == "ftp" {
		begin = "220"
	} else if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+address+"\r\nConnection: close\r\n\r\n"); err != nil {
		return err
	}
	got := make([]byte, len(begin))
	if _, err := io.ReadFull(conn, got); err != nil {
		return err
	}
	if !strings.HasPrefix(string(got), begin) {
		return fmt.Errorf("it answers %q, not %q", got, begin)
	}
	return nil
}

// freePort returns a port on which no process listens.
func freePort() (int, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}

func isFree(port int) bool {
	ln, err := net.Listen("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	_ = ln.Close()
	return true
}
