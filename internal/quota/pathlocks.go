package quota

import (
	"slices"
	"strings"
	"sync"
)

// pathLocks lock paths while what has them is counted and changed.
type pathLocks struct {
	mu    sync.Mutex // guards the field below
	locks map[string]*pathLock
}

type pathLock struct {
	sync.Mutex
	users int // that have the lock or wait for it; pathLocks.mu protects it
}

// lock blocks until nobody else has one of the paths. All callers take them in the same order, so that none waits in a
// circle. Small and capital letters are the same, because some file systems ignore case.
func (p *pathLocks) lock(paths ...string) (unlock func()) {
	keys := make([]string, len(paths))
	for i, at := range paths {
		keys[i] = strings.ToLower(at)
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	for _, key := range keys {
		p.lockOne(key)
	}
	return func() {
		for _, key := range keys {
			p.unlockOne(key)
		}
	}
}

func (p *pathLocks) lockOne(key string) {
	p.mu.Lock()
	mine := p.locks[key]
	if mine == nil {
		if p.locks == nil {
			p.locks = make(map[string]*pathLock)
		}
		mine = new(pathLock)
		p.locks[key] = mine
	}
	mine.users++
	p.mu.Unlock()
	mine.Lock()
}

func (p *pathLocks) unlockOne(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mine := p.locks[key]
	mine.Unlock()
	if mine.users--; mine.users == 0 {
		delete(p.locks, key)
	}
}

// begin says that what is at the places is about to be changed. It blocks while another change of them is made.
func (v *Volume) begin(places ...string) (end func()) {
	unlock := v.paths.lock(places...)
	homes := v.setBusy(places)
	return func() {
		v.mu.Lock()
		for _, h := range homes {
			h.busy--
			h.changes++
		}
		v.mu.Unlock()
		unlock()
	}
}

// setBusy counts a change in the homes above the places, and returns these.
func (v *Volume) setBusy(places []string) (homes []*home) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, at := range places {
		for _, h := range v.aboveLocked(at) {
			if !slices.Contains(homes, h) {
				homes = append(homes, h)
				h.busy++
			}
		}
	}
	return homes
}

// Lock keeps others from changing what the name leads to until unlock is called. The caller ends no Hold meanwhile.
func (s *Space) Lock(name string) (unlock func()) {
	if s == nil {
		return func() {}
	}
	return s.volume.begin(s.placeOfTarget(name))
}
