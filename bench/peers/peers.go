// Package peers starts the servers that Sluice is compared with, each tuned as
// its authors advise, so that a comparison is worth something.
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
// A server listens on a free port of 127.0.0.1, serves one folder, logs no
// requests, and runs as the user of this process, save pure-ftpd, which
// refuses to serve as root and as anybody else to run. How each is tuned, and
// why, is written in its configuration, a file of this folder.
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

// A Peer is a server to compare with. All has them; the zero Peer is none.
type Peer struct {
	Name    string // as the reports call it
	Scheme  string // http or ftp
	Program string // looked for on PATH and among the system's servers; "": this very program
	Package string // of Debian, which has it

	version []string                          // arguments with which it prints its version
	config  string                            // the template of its configuration; "": none
	command func(*plan) (proc.Command, error) // says how to start it
	find    func() (string, error)            // where Program alone does not tell
	able    func() error                      // why it cannot run here or as this user; nil: it can
}

// All returns the peers that speak a scheme, http or ftp, Sluice itself first.
// They may not be installed.
func All(scheme string) []Peer {
	return slices.DeleteFunc(append(slices.Clone(httpPeers), ftpPeers...), func(p Peer) bool { return p.Scheme != scheme })
}

// systemFolders is where servers are that PATH does not lead to.
var systemFolders = []string{"/usr/sbin", "/usr/local/sbin"}

// Find returns the path of the program. The error says how to install what is
// missing, as exec.ErrNotFound, or why it cannot run as this user.
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

// findProgram looks on PATH and where servers are.
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

// A missingError is exec.ErrNotFound in words that help.
type missingError struct{ hint string }

func (e *missingError) Error() string { return e.hint }
func (e *missingError) Unwrap() error { return exec.ErrNotFound }

// versionNumber is what looks like one in what a program prints.
var versionNumber = regexp.MustCompile(`\d+(\.\d+)+[-+.\w]*`)

// Version returns the version of the program, such as 1.22.1, and "" if that
// cannot be found out. It runs the program, unless that is this one.
func (p Peer) Version(ctx context.Context) string {
	switch {
	case p.Name == goFileServer:
		return runtime.Version()
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
	cmd.Dir = filepath.Dir(path)                // not where Python would find a pyftpdlib.py
	cmd.Stdin, cmd.Stdout, cmd.Stderr = w, w, w // vsftpd writes its version to standard input
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		return ""
	}
	// It is at the beginning. Whoever prints more is cut short.
	out, _ := io.ReadAll(io.LimitReader(r, 4<<10))
	_ = r.Close()
	_ = cmd.Wait() // some fail, having printed it
	return versionNumber.FindString(string(out))
}

// built returns the version of this program, or of the library by which it serves; ""
// if it was built without.
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

// needsRoot is the ability of peers that must be started by root.
func needsRoot() error {
	if os.Geteuid() != 0 {
		return errors.New("it must be started by root")
	}
	return nil
}
