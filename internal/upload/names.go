package upload

import (
	"path"
	"strings"
	"sync"
)

// names are the names that files are being given. Those who may replace a file give one at the same time; those who must
// not look first whether it is free, and nobody else gives it meanwhile.
//
// A name is held for as long as the file system takes, which for one on a network may be minutes. So those who want
// another name do not wait. Names are told apart by their last element alone, because one file has different paths in
// different trees, and without capitals, because some file systems know none.
type names struct {
	mu   sync.Mutex // guards the field below
	held map[string]*name
}

// name is a name that somebody has, or waits for.
type name struct {
	sync.RWMutex
	users int // guarded by names.mu
}

// lock blocks until a file may be given the name target, and returns how to end that.
func (n *names) lock(target string, existing Existing) (unlock func()) {
	key := strings.ToLower(path.Base(target))
	n.mu.Lock()
	mine := n.held[key]
	if mine == nil {
		if n.held == nil {
			n.held = make(map[string]*name)
		}
		mine = new(name)
		n.held[key] = mine
	}
	mine.users++
	n.mu.Unlock()

	end := mine.RUnlock
	if existing == Replace {
		mine.RLock()
	} else {
		mine.Lock()
		end = mine.Unlock
	}
	return func() {
		end()
		n.mu.Lock()
		defer n.mu.Unlock()
		if mine.users--; mine.users == 0 {
			delete(n.held, key)
		}
	}
}
