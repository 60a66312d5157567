package peers

import (
	"bytes"
	"embed"
	"fmt"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"sluice/bench/proc"
)

//go:embed *.conf Caddyfile pyftpdlib.py
var configs embed.FS

// A plan is the values for the configuration and the command of a server.
type plan struct {
	Dir, Work   string // absolute, without characters that are special in a configuration
	Program     string
	Host        string
	Port        int
	Workers     int    // number of processors for it
	User, Group string // of this process
	Root        bool   // whether User is root
	Files       uint64 // number of descriptors that it may open
	AccessLog   bool
	Login       string // "user:password@" for the URL, or ""

	self []string
}

// Address returns host and port of the server.
func (pl *plan) Address() string { return net.JoinHostPort(pl.Host, strconv.Itoa(pl.Port)) }

// Config returns the path of the configuration.
func (pl *plan) Config() string { return pl.File("config") }

// File returns the path of a file in Work.
func (pl *plan) File(name string) string { return filepath.Join(pl.Work, name) }

// special are characters that are special in some configuration, even in quotes.
const special = "\"'\\$%{}#`\n\r"

func newPlan(s Setup, program string, port int) (*plan, error) {
	pl := &plan{
		Program: program, Host: "127.0.0.1", Port: port, Workers: len(s.CPUs),
		Root: os.Geteuid() == 0, Files: fileLimit(), AccessLog: s.AccessLog, self: s.Self,
	}
	if s.CPUs == nil {
		pl.Workers = len(proc.CPUs())
	}
	for _, p := range []struct {
		to         *string
		name, path string
	}{{&pl.Dir, "Dir", s.Dir}, {&pl.Work, "Work", s.Work}} {
		if info, err := os.Stat(p.path); err != nil {
			return nil, fmt.Errorf("%s: %w", p.name, err)
		} else if !info.IsDir() {
			return nil, fmt.Errorf("%s: %s is not a folder", p.name, p.path)
		}
		abs, err := filepath.Abs(p.path)
		if err != nil {
			return nil, err
		}
		if strings.ContainsAny(filepath.ToSlash(abs), special) {
			return nil, fmt.Errorf("%s: %q has one of the characters %q, which are special in configurations", p.name, abs, special)
		}
		*p.to = abs
	}
	if me, err := user.Current(); err == nil {
		pl.User = me.Username
		if group, err := user.LookupGroupId(me.Gid); err == nil {
			pl.Group = group.Name
		}
	}
	return pl, nil
}

// render returns the configuration.
func (p Peer) render(pl *plan) ([]byte, error) {
	t, err := template.New(p.config).Option("missingkey=error").ParseFS(configs, p.config)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, pl)
	return b.Bytes(), err
}
