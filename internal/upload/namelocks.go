package upload

import (
	"path"
	"strings"
	"sync"
)

// nameLocks lock names while files are renamed to them, or removed. Renames that may replace a file share the lock of its
// name, and so do removals. A rename that must not replace one has it exclusively, while it checks that the name is free,
// and so has a change that first checks which file has the name.
//
// Each name has its own lock, because on a network file system a rename may take minutes. The key is only the last element
// of a path, because a file has different paths in different trees, in lower case, because some file systems ignore case.
type nameLocks struct {
	mu    sync.Mutex // guards the field below
	locks map[string]*nameLock
}

// nameLock is the lock of one name.
type nameLock struct {
	sync.RWMutex
	users int // that have the lock or wait for it; nameLocks.mu protects it
}

// lock blocks until the caller may change what target means, and returns a function that unlocks the name.
func (n *nameLocks) lock(target string, exclusive bool) (unlock func()) {
	key := strings.ToLower(path.Base(target))
	n.mu.Lock()
	mine := n.locks[key]
	if mine == nil {
		if n.locks == nil {
			n.locks = make(map[string]*nameLock)
		}
		mine = new(nameLock)
		n.locks[key] = mine
	}
	mine.users++
	n.mu.Unlock()

	end := mine.Unlock
	if exclusive {
		mine.Lock()
	} else {
		mine.RLock()
		end = mine.RUnlock
	}
	return func() {
		end()
		n.mu.Lock()
		defer n.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(n.locks, key)
		}
	}
}
