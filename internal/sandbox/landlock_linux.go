package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Landlock rights. None of them allows executing files or making devices and sockets.
const (
	readRights  landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	writeRights landlock.AccessFSSet = readRights | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSRefer |
		ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSym

	// Without Refer, which ABI 1 lacks: files stay in their directory.
	stateRights landlock.AccessFSSet = readRights | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSRemoveFile | ll.AccessFSMakeReg
)

// systemFiles are what a server may read at any time besides its trees: its own entry in /proc
// for package metrics and for verify, how busy the processors are, the files of the resolver for a reload, and /dev/null.
var systemFiles = []string{
	"/proc/self/", "/proc/stat", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/kernel/random/boot_id", "/dev/null",
	"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/services", "/etc/localtime",
}

// restrictFiles allows the process to open what the plan names, and nothing else.
func restrictFiles(p Plan, r *Report) {
	abi, err := ll.LandlockGetABIVersion()
	if err := checkLandlock(abi, err, p.Write); err != nil {
		r.addMissing("landlock", err)
		return
	}
	rules, closed := treeRules(p)
	for _, dir := range closed {
		r.addMissing("landlock rule", fmt.Errorf("a new target of the link in %s is out of reach until the next start", dir))
	}
	for _, dir := range p.State {
		rules = append(rules, landlock.PathAccess(stateRights, dir))
	}
	for _, dir := range p.Read {
		rules = append(rules, landlock.PathAccess(readRights, dir).IgnoreIfMissing())
	}
	for _, name := range systemFiles {
		rights := readRights
		if !strings.HasSuffix(name, "/") {
			rights = ll.AccessFSReadFile
		}
		rules = append(rules, landlock.PathAccess(rights, name).IgnoreIfMissing())
	}
	c := landlock.Config{HandledAccessFS: landlock.V9.HandledAccessFS, Scoped: ll.ScopeSignal | ll.ScopeAbstractUnixSocket}
	switch {
	case strings.HasPrefix(p.NotifySocket, "@"):
		c.Scoped &^= ll.ScopeAbstractUnixSocket
	case p.NotifySocket != "" && abi >= 9:
		rules = append(rules, landlock.PathAccess(ll.AccessFSResolveUnix, p.NotifySocket).IgnoreIfMissing())
	}
	if err := c.BestEffort().Restrict(rules...); err != nil {
		r.addMissing("landlock", err)
		return
	}
	r.Landlock = describeLandlock(abi, p.Write)
	if len(p.State) > 0 && !p.Write {
		r.Landlock += " but for the state"
	}
}

// checkLandlock returns an error if Landlock cannot be used. abi and err are from
// LandlockGetABIVersion.
func checkLandlock(abi int, err error, write bool) error {
	switch {
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP):
		return errors.New("this kernel has none, or it is switched off")
	case err != nil:
		return err
	case write && abi < 2: // Linux 5.13 to 5.18
		return errors.New("that of this kernel (ABI 1) does not allow moving files to another directory, which users with the right to write may do")
	}
	return nil
}

// describeLandlock describes what is in force.
func describeLandlock(abi int, write bool) string {
	text := fmt.Sprintf("ABI %d, ", abi)
	if write {
		text += "read and write"
	} else {
		text += "read-only"
	}
	var open []string
	for _, later := range []struct {
		abi  int
		what string
	}{{3, "truncate"}, {5, "ioctl of devices"}, {6, "signals"}} {
		if abi < later.abi {
			open = append(open, later.what)
		}
	}
	if len(open) > 0 {
		text += " (not " + strings.Join(open, ", ") + ")"
	}
	return text
}

// treeRules returns the rules for the trees, and the directories of links that have no rule,
// because it would allow everything.
func treeRules(p Plan) (rules []landlock.Rule, closed []string) {
	rights := readRights
	if p.Write {
		rights = writeRights
	}
	for _, tree := range p.Trees {
		rules = append(rules, landlock.PathAccess(rights, tree))
		for _, l := range linksIn(tree) {
			// A link in the root directory gets no rule, which would allow everything. Only
			// the tree itself is worth a report; /home to another disk is never switched.
			switch {
			case l.holder == "/" && l.last:
				closed = append(closed, l.holder)
			case l.holder == "/":
				continue
			default:
				rules = append(rules, landlock.PathAccess(readRights, l.holder).IgnoreIfMissing())
			}
			if l.target != "/" {
				rules = append(rules, landlock.PathAccess(rights, l.target).IgnoreIfMissing())
			}
		}
	}
	return rules, closed
}

// link is a symbolic link in the name of a tree.
type link struct {
	holder string // directory of the link
	target string // directory of its target
	last   bool   // the tree itself is the link
}

// linksIn returns the symbolic links in the name of a tree.
func linksIn(tree string) (links []link) {
	abs, err := filepath.Abs(tree)
	if err != nil {
		return nil
	}
	const maxLinks = 40 // links, path_resolution(7)
	at, rest := "/", strings.Split(strings.Trim(abs, "/"), "/")
	for len(rest) > 0 && len(links) < maxLinks {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name) // equal to at for "" and "."
		target, err := os.Readlink(next)
		if err != nil { // not a link
			at = next
			continue
		}
		l := link{holder: at, target: filepath.Join(at, target), last: len(rest) == 0}
		if filepath.IsAbs(target) {
			at, l.target = "/", target
		}
		l.target = filepath.Dir(l.target)
		links = append(links, l)
		rest = append(strings.Split(strings.Trim(target, "/"), "/"), rest...)
	}
	return links
}

// containsRoot reports whether one of the trees is the root directory.
func containsRoot(trees []string) bool {
	root, err := os.Stat("/")
	return err != nil || slices.ContainsFunc(trees, func(tree string) bool {
		info, err := os.Stat(tree)
		return err == nil && os.SameFile(root, info)
	})
}
