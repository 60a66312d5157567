package list

import (
	"context"
	"errors"
	"path"
	"strings"
)

// Limits of the directories that a pattern reads and of the names that it matches: a
// pattern of stars and slashes would otherwise walk the whole tree.
const (
	maxGlobDirs  = 1000
	maxGlobNames = 100_000
)

var (
	// ErrPattern means that a pattern reads too many directories or matches too
	// many names.
	ErrPattern = errors.New("pattern matches too much")
	// ErrNoMatch means that nothing matches a pattern.
	ErrNoMatch = errors.New("nothing matches")
)

// Tree is the tree that Glob searches. Names have the form of the pattern: relative to the
// current directory or absolute, and not cleaned.
type Tree interface {
	// Entry describes name. It describes a symbolic link itself.
	Entry(name string) (Item, error)
	// Entries describes the entries of the directory dir, sorted by name, under their
	// own names. dir is "" for the current directory, and else ends in a slash. Glob does
	// not change the result.
	Entries(dir string) ([]Item, error)
}

// IsPattern reports whether arg has a character that makes it a pattern: *, ?
// or [.
func IsPattern(arg string) bool { return strings.ContainsAny(arg, "*?[") }

// Glob returns the entries of tree that match pattern, sorted by name. [IsPattern] must
// hold for the pattern. In it * stands for any characters of one path element, ? for one
// character, [a-z] for one of several, and \ makes the next character stand for itself. As
// in a shell, only a pattern that begins with a dot matches a name that does. Directories
// and files that tree cannot read are skipped.
//
// The error is [ErrNoMatch], [ErrPattern], [path.ErrBadPattern] if the pattern is
// malformed, or the cause of ctx, which is checked before each directory.
func Glob(ctx context.Context, tree Tree, pattern string) ([]Item, error) {
	elements := strings.Split(pattern, "/")
	found := []Item{{}} // the directories to search for the next element; "" is the current one
	dirs := 0
	for i, element := range elements {
		if element == "" && i < len(elements)-1 || element == "." || element == ".." {
			for j := range found {
				found[j].Name += element + "/"
			}
			continue
		}
		last := i == len(elements)-1
		var next []Item
		for _, dir := range found {
			if dirs++; dirs > maxGlobDirs {
				return nil, ErrPattern
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			matches, err := match(tree, dir.Name, element)
			if err != nil {
				return nil, err
			}
			for _, it := range matches {
				if !last {
					if !it.LeadsToDir() {
						continue
					}
					it.Name += "/"
				}
				next = append(next, it)
			}
			if len(next) > maxGlobNames {
				return nil, ErrPattern
			}
		}
		found = next
	}
	if len(found) == 0 {
		return nil, ErrNoMatch
	}
	return found, nil
}

// match returns the entries of the directory dir that match element. dir is "" or ends in
// a slash.
func match(tree Tree, dir, element string) ([]Item, error) {
	if _, err := path.Match(element, ""); err != nil {
		return nil, err
	}
	if !IsPattern(element) {
		it, err := tree.Entry(dir + element)
		if err != nil {
			return nil, nil
		}
		it.Name = dir + element
		return []Item{it}, nil
	}
	entries, err := tree.Entries(dir)
	if err != nil {
		return nil, nil
	}
	var matches []Item
	for _, it := range entries {
		ok, _ := path.Match(element, it.Name)
		if ok && (it.Name[0] != '.' || element[0] == '.') {
			it.Name = dir + it.Name
			matches = append(matches, it)
		}
	}
	return matches, nil
}
