package daemon

import (
	"log/slog"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"sluice/internal/account"
	"sluice/internal/admin"
	"sluice/internal/sandbox"
	"sluice/internal/vfs"
)

// joined is the source that shows several others, each at its place in the first one.
type joined struct {
	parts   []part // the first one at "/"
	current atomic.Pointer[joinedTree]
}

type part struct {
	at string // absolute and clean
	source
}

// joinedTree are the trees of all parts at one time.
type joinedTree struct{ read, write *vfs.Joined }

// join joins sources. The first one is at "/".
func join(parts []part) (source, error) {
	j := &joined{parts: parts}
	places := make(map[string]vfs.Tree)
	for _, p := range parts[1:] {
		places[p.at] = p.tree()
	}
	tree, err := vfs.Join(parts[0].tree(), places)
	if err != nil {
		return nil, err
	}
	j.setTree(tree)
	return j, nil
}

func (j *joined) setTree(tree *vfs.Joined) {
	j.current.Store(&joinedTree{tree, j.makeWritable(tree)})
}

func (j *joined) makeWritable(tree *vfs.Joined) *vfs.Joined {
	return tree.Map(func(at string, t vfs.Tree) vfs.Tree { return j.at(at).writable(t) })
}

// at returns the part that has the file that clients call name.
func (j *joined) at(name string) *part {
	name = path.Join("/", name)
	best := &j.parts[0]
	for i := range j.parts {
		if p := &j.parts[i]; len(p.at) > len(best.at) && p.has(name) {
			best = p
		}
	}
	return best
}

// has reports whether the name is that of the part, or of a file beneath it.
func (p *part) has(name string) bool {
	return p.at == "/" || name == p.at || strings.HasPrefix(name, p.at+"/")
}

// inner returns the name in the part of a file that clients call name.
func (p *part) inner(name string) string {
	return path.Join("/", strings.TrimPrefix(path.Join("/", name), p.at))
}

// tree implements source.
func (j *joined) tree() vfs.Tree { return j.current.Load().read }

// writable implements source. For the trees of now, the result is always the same.
func (j *joined) writable(tree vfs.Tree) vfs.Tree {
	if now := j.current.Load(); tree == vfs.Tree(now.read) {
		return now.write
	}
	return j.makeWritable(tree.(*vfs.Joined))
}

// update implements source. The parts that lead to the same files as before stay.
func (j *joined) update(logger *slog.Logger) vfs.Tree {
	changed := make(map[string]vfs.Tree)
	for _, p := range j.parts {
		if tree := p.update(logger); tree != nil {
			changed[p.at] = tree
		}
	}
	if len(changed) == 0 {
		return nil
	}
	j.setTree(j.current.Load().read.Map(func(at string, t vfs.Tree) vfs.Tree {
		if tree := changed[at]; tree != nil {
			return tree
		}
		return t
	}))
	return j.tree()
}

// dirs implements source.
func (j *joined) dirs() (all []string) {
	for _, p := range j.parts {
		all = append(all, p.dirs()...)
	}
	return all
}

// homes implements source.
func (j *joined) homes(home string) []string {
	own := j.at(home)
	all := own.homes(own.inner(home))
	above := part{at: path.Join("/", home)}
	for i := range j.parts {
		if p := &j.parts[i]; p != own && above.has(p.at) {
			all = append(all, p.homes("/")...)
		}
	}
	return all
}

// sweepInterval implements source.
func (j *joined) sweepInterval() (longest time.Duration) {
	for _, p := range j.parts {
		longest = max(longest, p.sweepInterval())
	}
	return longest
}

// pauseForHome implements source.
func (j *joined) pauseForHome(home string) time.Duration {
	p := j.at(home)
	return p.pauseForHome(p.inner(home))
}

// files implements source. Several buckets have the same ones.
func (j *joined) files() (all []string) {
	for _, p := range j.parts {
		all = append(all, p.files()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// readBy implements source.
func (j *joined) readBy(files *sandbox.Files) {
	for _, p := range j.parts {
		p.readBy(files)
	}
}

// confine implements source.
func (j *joined) confine(plan *sandbox.Plan) {
	for _, p := range j.parts {
		p.confine(plan)
	}
}

// checkAccess implements source. A part beneath a home may be one that nobody can write to.
func (j *joined) checkAccess(u *sandbox.User, writers []account.Account) error {
	inPart := make(map[*part][]account.Account)
	for _, a := range writers {
		p := j.at(a.Home)
		a.Home = p.inner(a.Home)
		inPart[p] = append(inPart[p], a)
	}
	for i := range j.parts {
		p := &j.parts[i]
		if err := p.checkAccess(u, inPart[p]); err != nil {
			return err
		}
	}
	return nil
}

// warn implements source.
func (j *joined) warn(logger *slog.Logger, syncs bool) {
	for _, p := range j.parts {
		p.warn(logger, syncs)
	}
}

// requests implements source. All buckets count together.
func (j *joined) requests() *admin.Store {
	for _, p := range j.parts {
		if r := p.requests(); r != nil {
			return r
		}
	}
	return nil
}

// ready implements source.
func (j *joined) ready() string {
	for _, p := range j.parts {
		if why := p.ready(); why != "" {
			return why
		}
	}
	return ""
}

func (j *joined) close() {
	for _, p := range j.parts {
		p.close()
	}
}
