package peers

import (
	"embed"
	"fmt"
	"maps"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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

	self    []string
	store   *Store // nil: files come from Dir
	unmount bool   // Dir is a mount that the command makes
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
		Root: os.Geteuid() == 0, Files: fileLimit(), AccessLog: s.AccessLog, self: s.Self, store: s.Store,
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

// render returns the configuration: the file of the peer, in which ${Name} stands
// for a value of pl, and ${if AccessLog} begins a line that is a comment without it.
func (p Peer) render(pl *plan) ([]byte, error) {
	text, err := configs.ReadFile(p.config)
	if err != nil {
		return nil, err
	}
	values := pl.values()
	values["Connections"] = strconv.Itoa(p.Connections())
	return expand(p.config, string(text), values)
}

// expand replaces each ${name} in the text of a file by its value.
func expand(file, text string, values map[string]string) ([]byte, error) {
	var unknown error
	text = os.Expand(text, func(name string) string {
		value, ok := values[name]
		if !ok && unknown == nil {
			unknown = fmt.Errorf("%s: there is no value ${%s}, want one of %q", file, name, slices.Sorted(maps.Keys(values)))
		}
		return value
	})
	return []byte(text), unknown
}

// values returns the values by the names that configurations have for them.
func (pl *plan) values() map[string]string {
	lineIf := func(condition bool) string {
		if condition {
			return ""
		}
		return "#" // begins a comment in all configurations
	}
	return map[string]string{
		"Address": pl.Address(),
		"Host":    pl.Host,
		"Port":    strconv.Itoa(pl.Port),
		"Dir":     pl.Dir,
		"Work":    pl.Work,
		"User":    pl.User,
		"Group":   pl.Group,
		"Workers": strconv.Itoa(pl.Workers),
		"Files":   strconv.FormatUint(pl.Files, 10),

		"if AccessLog":    lineIf(pl.AccessLog),
		"if no AccessLog": lineIf(!pl.AccessLog),
		"if Root":         lineIf(pl.Root),
		"if Workers > 1":  lineIf(pl.Workers > 1),
	}
}
