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

// Rights of Landlock. Nobody may execute, and nobody may make devices or sockets.
const (
	readRights  landlock.AccessFSSet = ll.AccessFSReadFile | ll.AccessFSReadDir
	writeRights landlock.AccessFSSet = readRights | ll.AccessFSWriteFile | ll.AccessFSTruncate | ll.AccessFSRefer |
		ll.AccessFSRemoveDir | ll.AccessFSRemoveFile | ll.AccessFSMakeDir | ll.AccessFSMakeReg | ll.AccessFSMakeSym
)

// systemFiles are what a server reads at any time beside its trees: its own entry of /proc for package metrics
// and the check in verify, what names of hosts and ports mean for a reload, and the device that stands in for a
// descriptor.
var systemFiles = []string{
	"/proc/self/", "/proc/sys/net/ipv4/ip_unprivileged_port_start", "/proc/sys/kernel/random/boot_id", "/dev/null",
	"/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/services", "/etc/localtime",
}

// restrictFiles lets the process open what the plan names, and nothing else.
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
}

// checkLandlock reports why there is to be no Landlock, with what the kernel has answered when it was asked for its ABI.
func checkLandlock(abi int, err error, write bool) error {
	switch {
	case errors.Is(err, syscall.ENOSYS), errors.Is(err, syscall.EOPNOTSUPP):
		return errors.New("this kernel has none, or it is switched off")
	case err != nil:
		return err
	case write && abi < 2: // Linux 5.13 to 5.18
		return errors.New("that of this kernel (ABI 1) lets no file move to another directory, which users with rights to write may do")
	}
	return nil
}

// describeLandlock says what is in force.
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

// treeRules returns the rules for the trees, and the directories with a link for which there is none because it
// would let the process open everything.
func treeRules(p Plan) (rules []landlock.Rule, closed []string) {
	rights := readRights
	if p.Write {
		rights = writeRights
	}
	for _, tree := range p.Trees {
		rules = append(rules, landlock.PathAccess(rights, tree))
		for _, l := range linksIn(tree) {
			// Links in the root directory, as /home to another disk, are the system's; but the tree
			// itself may be one.
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

// link is a symbolic link that the name of a tree leads over.
type link struct {
	holder string // directory of the link
	target string // directory of what it leads to
	last   bool   // the tree itself is the link
}

// linksIn returns the links that the name of a tree leads over.
func linksIn(tree string) (links []link) {
	abs, err := filepath.Abs(tree)
	if err != nil {
		return nil
	}
	const most = 40 // links, path_resolution(7)
	at, rest := "/", strings.Split(strings.Trim(abs, "/"), "/")
	for len(rest) > 0 && len(links) < most {
		name := rest[0]
		rest = rest[1:]
		if name == ".." {
			at = filepath.Dir(at)
			continue
		}
		next := filepath.Join(at, name) // at itself for "" and "."
		target, err := os.Readlink(next)
		if err != nil { // no link
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

// containsRoot reports whether all there is may be opened.
func containsRoot(trees []string) bool {
	root, err := os.Stat("/")
	return err != nil || slices.ContainsFunc(trees, func(tree string) bool {
		info, err := os.Stat(tree)
		return err == nil && os.SameFile(root, info)
	})
}
