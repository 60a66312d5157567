package peers

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"

	"sluice/bench/proc"
)

// bench is the user for servers where anonymous users may not store files.
const bench = "bench"

// library is the FTP engine that this program has next to its own.
const library = "ftpserverlib"

// serveFTP returns the command of this program with one of its FTP engines.
func (pl *plan) serveFTP(engine string) (proc.Command, error) {
	password := rand.Text()
	pl.Login = bench + ":" + password + "@"
	c, err := pl.serveSelf("--ftp", pl.Address(), "--ftp-engine", engine, "--http", "", "--write", "--anonymous=false", pl.Dir)
	c.Env = append(c.Env, "SLUICE_USER_"+bench+"="+password)
	return c, err
}

// anonymous is the login of the other servers.
const anonymous = "anonymous:bench@"

var ftpPeers = []Peer{
	{Name: "sluice", Scheme: "ftp", command: func(pl *plan) (proc.Command, error) { return pl.serveFTP("sluice") }},
	{Name: library, Scheme: "ftp", command: func(pl *plan) (proc.Command, error) { return pl.serveFTP(library) }},
	{
		Name: "vsftpd", Scheme: "ftp", Program: "vsftpd", Package: "vsftpd",
		version: []string{"-v"}, config: "vsftpd.conf",
		command: func(pl *plan) (proc.Command, error) {
			pl.Login = anonymous
			// It writes errors to standard input, where a client would be.
			return proc.Command{Args: []string{"sh", "-c", `exec "$0" "$1" <&2`, pl.Program, pl.Config()}}, nil
		},
	},
	{
		Name: "pure-ftpd", Scheme: "ftp", Program: "pure-ftpd", Package: "pure-ftpd",
		version: []string{"--help"}, able: needsRoot, command: pureFTPd,
	},
	{
		Name: "proftpd", Scheme: "ftp", Program: "proftpd", Package: "proftpd-core",
		version: []string{"-v"}, config: "proftpd.conf",
		able: needsRoot, // without chroot it does not let anonymous users log in
		command: func(pl *plan) (proc.Command, error) {
			pl.Login = anonymous
			return pl.programCommand("-n", "-q", "-c", pl.Config()) // -q: otherwise it logs each session in the foreground
		},
	},
	{
		Name: "pyftpdlib", Scheme: "ftp", Program: "python3", Package: "python3-pyftpdlib",
		version: []string{"-c", "import pyftpdlib; print(pyftpdlib.__ver__)"}, config: "pyftpdlib.py",
		find: findPyftpdlib,
		command: func(pl *plan) (proc.Command, error) {
			pl.Login = anonymous
			return pl.programCommand(pl.Config())
		},
	},
}

// findPyftpdlib returns a Python interpreter with the library: the first one on
// PATH often belongs to an environment without it.
func findPyftpdlib() (string, error) {
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		path, err := exec.LookPath(python)
		if err != nil {
			continue
		}
		cmd := exec.Command(path, "-c", "import pyftpdlib")
		cmd.Dir = filepath.Dir(path) // Python looks for modules in its folder, and might find our pyftpdlib.py
		if cmd.Run() == nil {
			return path, nil
		}
	}
	return "", notInstalled("pyftpdlib", "python3-pyftpdlib")
}

// cheapHash is the MD5 hash of the password "bench". A hash made by pure-pw costs
// seconds in each login, and anonymous logins of the other peers cost nothing.
const cheapHash = "$1$sluice00$.1yYu3SEBok7XbPJoa9pC/"

// pureFTPd returns the command of pure-ftpd, which is configured by arguments.
// Anonymous users always get the home of the user ftp, so there is a virtual user
// with Dir as home. It must not be root: it is nobody, who must have access to
// Dir.
func pureFTPd(pl *plan) (proc.Command, error) {
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return proc.Command{}, err
	}
	if err := openToAll(pl.Dir); err != nil {
		return proc.Command{}, err
	}
	if err := os.Chmod(filepath.Join(pl.Dir, incoming), 0o777); err != nil {
		return proc.Command{}, err
	}
	purePW, err := findProgram("pure-pw")
	if err != nil { // next to a server that is not installed in the usual place
		purePW, err = exec.LookPath(filepath.Join(filepath.Dir(pl.Program), "..", "bin", "pure-pw"))
	}
	if err != nil {
		return proc.Command{}, notInstalled("pure-pw", "pure-ftpd-common")
	}
	pl.Login = bench + ":" + bench + "@"
	line := fmt.Sprintf("%s:%s:%s:%s::%s/./::::::::::::\n", bench, cheapHash, nobody.Uid, nobody.Gid, pl.Dir)
	if err := os.WriteFile(pl.File("users"), []byte(line), 0o600); err != nil {
		return proc.Command{}, err
	}
	users := pl.File("users.pdb")
	if out, err := exec.Command(purePW, "mkdb", users, "-f", pl.File("users")).CombinedOutput(); err != nil {
		return proc.Command{}, fmt.Errorf("pure-pw mkdb: %w\n%s", err, out)
	}
	const clients = "10000"
	c, err := pl.programCommand(
		"-S", pl.Host+","+strconv.Itoa(pl.Port),
		"-l", "puredb:"+users, // no other users
		"-E",                         // no anonymous users
		"-A",                         // chroot to Dir
		"-H",                         // no reverse lookups
		"-c", clients, "-C", clients, // all from one host
		"-g", pl.File("pid"),
	)
	if pl.AccessLog {
		c.Args = append(c.Args, "-O", "clf:"+pl.File("access.log"))
	}
	return c, err
}

// openToAll returns an error if not all users may read a folder.
func openToAll(dir string) error {
	for need := os.FileMode(0o5); ; need = 0o1 {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if info.Mode().Perm()&need != need {
			return fmt.Errorf("the user nobody, as which it serves, cannot read %s: chmod o+rx", dir)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return nil
		}
		dir = up
	}
}
