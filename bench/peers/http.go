package peers

import (
	"errors"
	"fmt"
	"os"
	"strconv"

	"sluice/bench/proc"
)

var httpPeers = []Peer{
	{Name: "sluice", Scheme: "http", command: func(pl *plan) (proc.Command, error) {
		return pl.serveSelf("--http", pl.Address(), "--ftp", "", pl.Dir)
	}},
	{Name: goFileServer, Scheme: "http", Mute: true, command: func(pl *plan) (proc.Command, error) {
		return pl.selfCommand(GoFSRole, pl.Address(), pl.Dir)
	}},
	{
		Name: "nginx", Scheme: "http", Program: "nginx", Package: "nginx-light",
		version: []string{"-v"}, config: "nginx.conf",
		// -e: otherwise it reports that it cannot open its log, before it reads the configuration
		command: func(pl *plan) (proc.Command, error) {
			return pl.programCommand("-e", "stderr", "-p", pl.Work, "-c", pl.Config())
		},
	},
	{
		Name: "lighttpd", Scheme: "http", Program: "lighttpd", Package: "lighttpd", filesPerConn: 2,
		version: []string{"-v"}, config: "lighttpd.conf",
		command: func(pl *plan) (proc.Command, error) { return pl.programCommand("-D", "-f", pl.Config()) },
	},
	{
		Name: "h2o", Scheme: "http", Program: "h2o", Package: "h2o",
		version: []string{"-v"}, config: "h2o.conf",
		command: func(pl *plan) (proc.Command, error) { return pl.programCommand("-m", "worker", "-c", pl.Config()) },
	},
	{
		Name: "caddy", Scheme: "http", Program: "caddy", Package: "caddy",
		version: []string{"version"}, config: "Caddyfile",
		command: func(pl *plan) (proc.Command, error) {
			c, err := pl.programCommand("run", "--adapter", "caddyfile", "--config", pl.Config())
			c.Env = append(pl.goEnv(), "XDG_DATA_HOME="+pl.Work, "XDG_CONFIG_HOME="+pl.Work)
			return c, err
		},
	},
	{
		Name: KernelAlone, Scheme: "http", Limit: true, Mute: true, able: needsLinux,
		command: func(pl *plan) (proc.Command, error) { return pl.selfCommand(KernelRole, pl.Address(), pl.Dir) },
	},
}

// selfCommand returns the command of this program.
func (pl *plan) selfCommand(args ...string) (proc.Command, error) {
	if len(pl.self) == 0 {
		return proc.Command{}, errors.New("Setup.Self does not say how to start this program")
	}
	return proc.Command{Args: append(pl.self[:len(pl.self):len(pl.self)], args...), Env: pl.goEnv()}, nil
}

// goEnv returns the environment of a Go program. Go's runtime would find its
// processors itself, unless this process was started with another GOMAXPROCS.
func (pl *plan) goEnv() []string { return []string{"GOMAXPROCS=" + strconv.Itoa(pl.Workers)} }

// serveSelf returns the command of this program as a server. If root measures, the
// server stays root, who owns the folders that it serves. The access log goes to
// standard error, which is a file then: a pipe would cost the client.
func (pl *plan) serveSelf(flags ...string) (c proc.Command, err error) {
	flags = append([]string{fmt.Sprintf("--access-log=%t", pl.AccessLog), "--log-format", "combined"}, flags...)
	if os.Geteuid() == 0 {
		flags = append([]string{"--run-as", "root"}, flags...)
	}
	c, err = pl.selfCommand(append([]string{"serve"}, flags...)...)
	c.Env = []string{"GOMAXPROCS="} // as users start it: it counts its processors, and adds some for its event loops
	if err == nil && pl.AccessLog {
		c.Stderr, err = os.OpenFile(pl.File("access.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	}
	return c, err
}

// programCommand returns the command of the program of the peer.
func (pl *plan) programCommand(args ...string) (proc.Command, error) {
	return proc.Command{Args: append([]string{pl.Program}, args...)}, nil
}
