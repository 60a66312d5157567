package ftpd

import (
	"context"
	"errors"
	"path"
	"strings"
)

// A pattern may look into so many directories, and find so many names: one of
// stars and slashes would else walk the whole tree.
const (
	maxGlobDirs  = 1000
	maxGlobNames = 100_000
)

var (
	errPattern = errors.New("pattern matches too much")
	errNoMatch = errors.New("nothing matches")
)

// isPattern reports whether arg is meant to stand for other names.
func isPattern(arg string) bool { return strings.ContainsAny(arg, "*?[") }

// glob returns what matches pattern, sorted by name: * and ? for any
// characters of one element, [a-z] for one of several, \ before each of them for
// itself. As in a shell, a name that begins with a dot needs a pattern that does.
// Between two directories it looks whether that is still wanted.
func (d *driver) glob(pattern string) ([]item, error) {
	ctx := d.session.opContext()
	elements := strings.Split(pattern, "/")
	found := []item{{}} // in them the next element is looked for; "" is the current directory
	dirs := 0
	for i, element := range elements {
		if element == "" && i < len(elements)-1 || element == "." || element == ".." {
			for j := range found {
				found[j].name += element + "/"
			}
			continue
		}
		last := i == len(elements)-1
		var next []item
		for _, dir := range found {
			if dirs++; dirs > maxGlobDirs {
				return nil, errPattern
			}
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			matches, err := d.match(dir.name, element)
			if err != nil {
				return nil, err
			}
			for _, it := range matches {
				if !last {
					if !it.IsDir() {
						continue
					}
					it.name += "/"
				}
				next = append(next, it)
			}
			if len(next) > maxGlobNames {
				return nil, errPattern
			}
		}
		found = next
	}
	if len(found) == 0 {
		return nil, errNoMatch
	}
	return found, nil
}

// match returns the entries of the directory dir, which is "" or ends in a
// slash, that match element. What cannot be read has none.
func (d *driver) match(dir, element string) ([]item, error) {
	if _, err := path.Match(element, ""); err != nil {
		return nil, err
	}
	if !isPattern(element) {
		info, err := d.stat(dir + element)
		if err != nil {
			return nil, nil
		}
		return []item{{FileInfo: info, name: dir + element}}, nil
	}
	all, err := d.readDir(d.path(dir), dir)
	if err != nil {
		return nil, nil
	}
	matches := all[:0]
	for _, it := range all {
		name := it.name[len(dir):]
		ok, _ := path.Match(element, name)
		if ok && (name[0] != '.' || element[0] == '.') {
			matches = append(matches, it)
		}
	}
	return matches, nil
}
