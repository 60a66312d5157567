package vfs

import "path"

// RealName returns the absolute, clean name without links of what name stands for: where
// the links on the way and at the end lead. Elements that do not exist are taken
// literally. The error is ErrOutside if a link leads out of the tree.
//
// Other programs may change the links at any time, so the result decides about rights,
// never about which file is opened.
func RealName(t Tree, name string) (string, error) {
	local, err := cleanName(name)
	if err != nil {
		return "", err
	}
	var r *linkResolver
	switch t := t.(type) {
	case *Root:
		r = t.linkResolver()
	case *adapter:
		var ok bool
		if r, ok = t.linkResolver(); !ok {
			return path.Join("/", local), nil
		}
	default:
		return path.Join("/", local), nil
	}
	real, err := r.resolve(".", local)
	if err != nil {
		return "", err
	}
	return path.Join("/", real), nil
}
