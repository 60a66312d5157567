package config

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

// Place is a directory or bucket, and where clients find it.
type Place struct {
	Path string // "/" for Root, else absolute and clean
	Root string // as Config.Root
}

// Places returns Root and what Mounts add to it. c was checked.
func (c Config) Places() []Place {
	all := []Place{{"/", c.Root}}
	for _, mount := range c.Mounts {
		p, _ := parseMount(mount)
		all = append(all, p)
	}
	return all
}

const writeMount = "write it like /media=/mnt/media or /archive=s3://BUCKET"

// parseMount parses PATH=DIR.
func parseMount(mount string) (Place, error) {
	name, root, ok := strings.Cut(mount, "=")
	switch {
	case !ok:
		return Place{}, errors.New("has no = between a path and a directory; " + writeMount) // which may have credentials
	case !strings.HasPrefix(name, "/"):
		return Place{}, fmt.Errorf("%s: the path does not begin with a slash; %s", name, writeMount)
	case root == "":
		return Place{}, fmt.Errorf("%s: the directory has an empty name; %s", name, writeMount)
	case !utf8.ValidString(name) || strings.ContainsRune(name, 0) || path.Clean(name) != strings.TrimSuffix(name, "/"): // "/" is among them
		return Place{}, fmt.Errorf("%q: that is not the path of a directory as clients write it; %s", name, writeMount)
	}
	return Place{path.Clean(name), root}, nil
}

// checkMounts is Check for Mounts, without their buckets.
func (c Config) checkMounts() error {
	var seen []string
	for _, mount := range c.Mounts {
		p, err := parseMount(mount)
		if err == nil && slices.Contains(seen, p.Path) {
			err = fmt.Errorf("%s: another --mount is for that path too", p.Path)
		}
		if err != nil {
			return fmt.Errorf("--mount %w", err)
		}
		seen = append(seen, p.Path)
	}
	return nil
}
