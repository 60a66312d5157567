//go:build !windows

package vfs

// localize changes nothing: a clean name is a path. filepath.Localize would refuse names that are not UTF-8.
func localize(name string) (string, error) { return name, nil }
