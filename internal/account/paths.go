package account

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// PathRights are the rights at a path of the tree of a user, and at everything below it.
type PathRights struct {
	Path   string // absolute and clean
	Rights Rights
}

// Paths are rights that differ by path. They do not change once they are made, so
// accounts with the same pointer are equal. A nil *Paths has no paths.
//
// The longest path that a name is in decides, alone: rights are not added up. The
// methods take absolute, clean names, and the rights of names that are in no path.
//
// A user with rights by path never has the right Link: a link could lead from one path
// to another.
type Paths struct {
	all   []PathRights // the longest path first
	union Rights
}

// NewPaths returns the rights of all, in any order.
func NewPaths(all ...PathRights) (*Paths, error) {
	p := &Paths{all: slices.Clone(all)}
	slices.SortFunc(p.all, func(a, b PathRights) int {
		return cmp.Or(cmp.Compare(len(b.Path), len(a.Path)), cmp.Compare(a.Path, b.Path))
	})
	for i, at := range p.all {
		switch {
		case !path.IsAbs(at.Path) || path.Clean(at.Path) != at.Path || strings.Contains(at.Path, "\x00"):
			return nil, fmt.Errorf("the path %q is not absolute and clean; write it as %q", at.Path, path.Clean("/"+strings.ReplaceAll(at.Path, "\x00", "")))
		case i > 0 && p.all[i-1].Path == at.Path:
			return nil, fmt.Errorf("the path %q is given twice", at.Path)
		case at.Rights&^All != 0:
			return nil, fmt.Errorf("the right \"who\" is for a whole server, and not for the path %q", at.Path)
		}
		p.all[i].Rights &^= Link
		p.union |= p.all[i].Rights
	}
	return p, nil
}

// All returns the paths, the longest first.
func (p *Paths) All() []PathRights {
	if p == nil {
		return nil
	}
	return slices.Clone(p.all)
}

// Limit returns the same paths with the given rights at most.
func (p *Paths) Limit(most Rights) *Paths {
	if p == nil {
		return nil
	}
	limited := &Paths{all: slices.Clone(p.all), union: p.union & most}
	for i := range limited.all {
		limited.all[i].Rights &= most
	}
	return limited
}

// Equal reports whether p and q give the same rights everywhere.
func (p *Paths) Equal(q *Paths) bool {
	return p == q || p != nil && q != nil && slices.Equal(p.all, q.all)
}

// Union returns all rights that a user with the rights otherwise has at some path.
func (p *Paths) Union(otherwise Rights) Rights {
	if p == nil {
		return otherwise
	}
	return otherwise&^Link | p.union
}

// At returns the rights at name.
func (p *Paths) At(name string, otherwise Rights) Rights {
	if p == nil {
		return otherwise
	}
	for _, at := range p.all {
		if holds(at.Path, name) {
			return at.Rights
		}
	}
	return otherwise &^ Link
}

// Below returns the rights that a user has at name and at every path below it: what a
// change of a whole directory needs.
func (p *Paths) Below(name string, otherwise Rights) Rights {
	rights := p.At(name, otherwise)
	if p != nil {
		for _, at := range p.all {
			if holds(name, at.Path) {
				rights &= at.Rights
			}
		}
	}
	return rights
}

// Sees reports whether a file or directory called name exists for the user. Where the
// user has no rights, or only Create, that is so for the directories of the paths and
// those on the way to them alone.
func (p *Paths) Sees(name string, otherwise Rights) bool {
	if p.At(name, otherwise)&^Create&All != 0 {
		return true
	}
	return p.Passes(name, otherwise)
}

// Passes reports whether name is a directory that the user knows by the configuration:
// the root or a path, with any right, or a directory on the way to such a path.
func (p *Paths) Passes(name string, otherwise Rights) bool {
	if name == "/" && p.At(name, otherwise)&All != 0 {
		return true
	}
	if p == nil {
		return false
	}
	return slices.ContainsFunc(p.all, func(at PathRights) bool { return at.Rights != 0 && holds(name, at.Path) })
}

// holds reports whether name is the path dir, or below it.
func holds(dir, name string) bool {
	rest, ok := strings.CutPrefix(name, dir)
	return ok && (rest == "" || rest[0] == '/' || dir == "/")
}

// IsDropBox reports whether files can be made but neither seen nor replaced. A file gets
// a free name there if its own is taken, so that nobody learns which names exist.
func (r Rights) IsDropBox() bool { return r.Has(Create) && r&(ReadOnly|Change) == 0 }

// RightsAt returns the rights at a path of the user's tree, which is absolute and clean.
func (a *Account) RightsAt(name string) Rights { return a.Paths.At(name, a.Rights) }

// WithRoot returns p with the rights otherwise at the root, if no other are there.
func (p *Paths) WithRoot(otherwise Rights) *Paths {
	all := p.All()
	if !slices.ContainsFunc(all, func(at PathRights) bool { return at.Path == "/" }) {
		all = append(all, PathRights{"/", otherwise & All})
	}
	with, err := NewPaths(all...)
	if err != nil {
		panic(err) // the paths were checked before
	}
	return with
}
