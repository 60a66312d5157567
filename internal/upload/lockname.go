package upload

import (
	"path"
	"strings"
)

// lockName blocks until the caller may change what name means, and returns a function that unlocks it. Renames that may
// replace a file share the lock of its name, and so do removals. A rename that must not replace one has it exclusively, while
// it checks that the name is free, and so has a change that first checks which file has the name.
//
// Each name has its own lock, because on a network file system a rename may take minutes. The key is only the last element
// of a path, because a file has different paths in different trees, in lower case, because some file systems ignore case.
func (s *Store) lockName(name string, exclusive bool) (unlock func()) {
	key := strings.ToLower(path.Base(name))
	if exclusive {
		return s.names.Lock(key)
	}
	return s.names.RLock(key)
}
