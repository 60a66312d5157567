package list

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
)

// Limit of the directories that a pattern reads: a pattern of stars and slashes would
// otherwise walk the whole tree.
const maxGlobDirs = 1000

// ErrPattern means that a pattern reads too many directories.
var ErrPattern = errors.New("pattern matches too much")

// Tree is the tree that Expand searches. Names have the form of the pattern: relative to
// the current directory or absolute, and not cleaned.
type Tree interface {
	// Entry describes name. It describes a symbolic link itself.
	Entry(name string) (Item, error)
	// Entries calls f for the entries of the directory dir under their own names, some at
	// a time, in any order. dir is "" for the current directory, and else ends in a slash.
	// f does not keep the items.
	Entries(dir string, f func([]Item)) error
}

// IsPattern reports whether arg has a character that makes it a pattern: *, ?
// or [.
func IsPattern(arg string) bool { return strings.ContainsAny(arg, "*?[") }

// Search is where the names that match a pattern can be found: in directories, by the last
// element of the pattern.
type Search struct {
	Dirs []string // sorted; each is "" for the current directory, or ends in a slash
	Last string
}

// Expand returns the Search for pattern. In a pattern * stands for any characters of one
// path element, ? for one character, [a-z] for one of several, and \ makes the next
// character stand for itself. As in a shell, only a pattern that begins with a dot matches a
// name that does. Directories that tree cannot read are left out.
//
// The error is [ErrPattern], [path.ErrBadPattern] if the pattern is malformed, or the cause
// of ctx, which is checked before each directory.
func Expand(ctx context.Context, tree Tree, pattern string) (*Search, error) {
	elements := strings.Split(pattern, "/")
	for _, element := range elements {
		if _, err := path.Match(element, ""); err != nil {
			return nil, err
		}
	}
	last := len(elements) - 1
	dirs, read := []string{""}, 0
	for _, element := range elements[:last] {
		if read += len(dirs); read > maxGlobDirs {
			return nil, ErrPattern
		}
		var next []string
		for _, dir := range dirs {
			switch {
			case ctx.Err() != nil:
				return nil, context.Cause(ctx)
			case element == "" || element == "." || element == "..":
				next = append(next, dir+element+"/")
			case IsPattern(element):
				next = append(next, matchDirs(tree, dir, element)...)
			default:
				if it, err := tree.Entry(dir + element); err == nil && it.LeadsToDir() {
					next = append(next, dir+element+"/")
				}
			}
		}
		dirs = next
	}
	if read+len(dirs) > maxGlobDirs {
		return nil, ErrPattern
	}
	return &Search{dirs, elements[last]}, nil
}

// matchDirs returns the directories in dir that match element, but not many more than
// maxGlobDirs.
func matchDirs(tree Tree, dir, element string) (dirs []string) {
	s := Search{Last: element}
	err := tree.Entries(dir, func(items []Item) {
		for i := range items {
			if it := &items[i]; len(dirs) <= maxGlobDirs && s.Matches(it.Name) && it.LeadsToDir() {
				dirs = append(dirs, dir+it.Name+"/")
			}
		}
	})
	if err != nil {
		return nil
	}
	slices.Sort(dirs)
	return dirs
}

// Matches reports whether the entry name of one of the directories matches.
func (s *Search) Matches(name string) bool {
	ok, _ := path.Match(s.Last, name)
	return ok && (name[0] != '.' || s.Last[0] == '.')
}

// Name returns the only name in dir that can match. It is not ok if the directory has to be
// read.
func (s *Search) Name(dir string) (name string, ok bool) {
	switch {
	case IsPattern(s.Last):
		return "", false
	case s.Last == "." || s.Last == "..":
		return dir + s.Last + "/", true
	}
	return dir + s.Last, true
}
