package list

import (
	"context"
	"errors"
	"path"
	"strings"
)

// A pattern may read so many directories, and find so many names: a pattern of
// stars and slashes would otherwise walk the whole tree.
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

// Tree is where Glob looks. Names are as in the pattern: relative to the current
// directory or absolute, and not cleaned.
type Tree interface {
	// Entry describes name itself, be it a symbolic link.
	Entry(name string) (Item, error)
	// Entries describes what is in the directory dir, sorted by name, under their
	// own names. dir is "" for the current directory, and else ends in a slash.
	// Glob does not change the result.
	Entries(dir string) ([]Item, error)
}

// IsPattern reports whether arg has a character that makes it a pattern: *, ?
// or [.
func IsPattern(arg string) bool { return strings.ContainsAny(arg, "*?[") }

// Glob returns what matches pattern in tree, sorted by name. [IsPattern] must
// hold for the pattern. In it * and ? stand for any characters of one element,
// [a-z] for one of several, and \ makes the character behind it stand for
// itself. As in a shell, a name that begins with a dot needs a pattern that does.
// What tree cannot read or describe does not match.
//
// The error is [ErrNoMatch], [ErrPattern], [path.ErrBadPattern] if the pattern is
// malformed, or the cause of ctx, which is checked before each directory.
func Glob(ctx context.Context, tree Tree, pattern string) ([]Item, error) {
	elements := strings.Split(pattern, "/")
	found := []Item{{}} // the directories to look for the next element in; "" is the current one
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

// match returns the entries of the directory dir, which is "" or ends in a
// slash, that match element.
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
