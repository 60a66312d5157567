// Package peers starts the servers that Sluice is compared with. Each is tuned as
// its authors advise, because a comparison with badly tuned servers is worthless.
//
//	for _, p := range peers.All("http") {
//		if _, err := p.Find(); err != nil {
//			fmt.Println(err) // says how to install it
//			continue
//		}
//		server, err := p.Start(ctx, peers.Setup{Dir: dir, Work: work, Self: self})
//		if err != nil {
//			return err
//		}
//		measure(server.URL)
//		server.Stop()
//	}
//
// A server listens on a free port of 127.0.0.1, serves one folder, logs requests only
// if Setup asks for it, and runs as the user of this process. The exception is
// pure-ftpd, which must be started by root and serves as another user. The
// configurations, files of this folder, say how each server is tuned, and why.
package peers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"

	"sluice/bench/proc"
)

// A Peer is a server to compare with, see All. The zero Peer is invalid.
type Peer struct {
	Name    string // in reports
	Scheme  string // http, ftp, or store: HTTP from a bucket
	Program string // on PATH or in systemFolders; "": this program
	Package string // of Debian

	// Limit marks what is no server, but the least that any server can cost: it
	// answers requests for files of SmallestForLimit bytes or more, with content of its own.
	Limit bool

	// Mute marks a server without an access log.
	Mute bool

	processes int  // of the same server, each with a port of its own; 0: one
	isStore   bool // it is Setup.Store, asked directly

	filesPerConn uint64 // descriptors that it reserves for each connection; 0: one

	version []string                          // arguments with which it prints its version
	config  string                            // the template of its configuration; "": none
	command func(*plan) (proc.Command, error) // returns the command that starts it
	find    func() (string, error)            // returns its path if Program does not suffice; may be nil
	able    func() error                      // returns why it cannot run here or as this user; may be nil
}

// All returns the peers of a scheme, http, ftp or store, Sluice first. They may not be
// installed.
func All(scheme string) []Peer {
	return slices.DeleteFunc(slices.Concat(httpPeers, ftpPeers, storePeers), func(p Peer) bool { return p.Scheme != scheme })
}

// systemFolders are folders of servers that are often missing in PATH.
var systemFolders = []string{"/usr/sbin", "/usr/local/sbin"}

// Find returns the path of the program. The error is an exec.ErrNotFound that says
// how to install it, or says why it cannot run as this user.
func (p Peer) Find() (string, error) {
	path, err := p.lookUp()
	if err != nil {
		return "", err
	}
	if p.able != nil {
		if err := p.able(); err != nil {
			return "", fmt.Errorf("%s cannot run: %w", p.Name, err)
		}
	}
	return path, nil
}

func (p Peer) lookUp() (string, error) {
	switch {
	case p.Program == "":
		return os.Executable()
	case p.find != nil:
		return p.find()
	}
	if path, err := findProgram(p.Program); err == nil {
		return path, nil
	}
	return "", p.missing()
}

// findProgram looks for a program on PATH and in systemFolders.
func findProgram(name string) (string, error) {
	path, err := exec.LookPath(name)
	for _, dir := range systemFolders {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	return path, err
}

// missing is the error of a peer that is not installed.
func (p Peer) missing() error { return notInstalled(p.Name, p.Package) }

func notInstalled(name, pkg string) error {
	return &missingError{fmt.Sprintf("%s is not installed: apt install %s", name, pkg)}
}

// A missingError is an exec.ErrNotFound with advice.
type missingError struct{ hint string }

func (e *missingError) Error() string { return e.hint }
func (e *missingError) Unwrap() error { return exec.ErrNotFound }

// versionNumber matches a version number in the output of a program.
var versionNumber = regexp.MustCompile(`\d+(\.\d+)+[-+.\w]*`)

// Version returns the version of the program, such as 1.22.1, or "" if it is
// unknown. It runs the program, unless it is this one.
func (p Peer) Version(ctx context.Context) string {
	switch {
	case p.Limit:
		return ""
	case p.Name == goFileServer:
		return runtime.Version()
	case p.isStore:
		return "" // Store.Version
	case p.Program == "":
		return p.built()
	}
	path, err := p.lookUp()
	if err != nil {
		return ""
	}
	r, w, err := os.Pipe()
	if err != nil {
		return ""
	}
	defer r.Close()
	cmd := exec.CommandContext(ctx, path, p.version...)
	cmd.Dir = filepath.Dir(path)                // Python must not find our pyftpdlib.py
	cmd.Stdin, cmd.Stdout, cmd.Stderr = w, w, w // vsftpd writes its version to standard input
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return ""
	}
	// The version is at the beginning of the output.
	out, _ := io.ReadAll(io.LimitReader(r, 4<<10))
	_ = r.Close()
	_ = cmd.Wait() // some programs fail after they have printed it
	return versionNumber.FindString(string(out))
}

// built returns the version of this program, or of the library if that serves; ""
// if the build has no version.
func (p Peer) built() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, dep := range info.Deps {
		if p.Name == library && path.Base(dep.Path) == library {
			return dep.Version
		}
	}
	return info.Main.Version
}

// Connections returns how many connections the server is configured for: enough
// for any benchmark, if it may open that many files.
func (p Peer) Connections() int {
	const enough, others = 20_000, 100
	return int(min((fileLimit()-others)/max(p.filesPerConn, 1), enough))
}

// needsRoot returns an error unless this process is root's.
func needsRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("it must be started by root")
	}
	return nil
}
