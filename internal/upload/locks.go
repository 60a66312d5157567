package upload

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"path"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/vfs"
)

// Lock is a write lock (RFC 4918, 6) on a file, or on a directory. It holds for all users of a Store: without the token of
// the lock nothing that it protects is changed.
type Lock struct {
	Token    string // a URI that cannot be guessed; set by Store.Lock
	Holder   string // the user, as Writer.Owner; nobody else can use the token
	Comment  string // what the client says about its user
	Name     string // as the client calls it, which is for the client alone
	Shared   bool   // others may hold shared locks too
	Infinite bool   // a lock of a directory protects all that is in it at any depth
	Timeout  time.Duration
	Expires  time.Time // set by Store.Lock

	place vfs.Place
}

// Bounds of locks. They are lost when the process ends.
const (
	maxLocksOfUser = 1000
	maxLockTimeout = time.Hour // a client refreshes its lock before
)

var (
	// ErrNoLock means that no lock of that token, or none of this user, protects the file.
	ErrNoLock = errors.New("no such lock")
	// ErrTooManyLocks means that the user holds too many locks.
	ErrTooManyLocks = fmt.Errorf("more than %d locks of one user", maxLocksOfUser)
)

// LockedError means that a lock protects a file against a change, or against another lock.
type LockedError struct {
	Own bool // the user itself holds the lock, perhaps by another program
}

func (e *LockedError) Error() string {
	if e.Own {
		return "file is locked by a WebDAV client of this user"
	}
	return "file is locked by a WebDAV client of another user"
}

// lockTable has all locks of a Store.
type lockTable struct {
	count atomic.Int64 // of the locks in the table, so that without any nothing is looked up

	mu      sync.Mutex // guards the fields below
	byToken map[string]*Lock
	byPlace map[vfs.Place][]*Lock
}

// reach says what a change affects.
type reach int

const (
	content reach = iota // an existing file or directory itself
	member               // a name, which is an entry of its directory
	subtree              // a name and all that is beneath it
)

// lockPlace returns the place of a name in the table.
func lockPlace(tree vfs.Tree, name string) (vfs.Place, bool) {
	p, ok := vfs.PlaceOf(tree, name)
	if runtime.GOOS == "windows" || runtime.GOOS == "darwin" { // where names that differ in case are one
		p.Path = strings.ToLower(p.Path)
	}
	return p, ok
}

// Lock locks name, which need not exist. The error is a *LockedError if another lock is in the way.
func (s *Store) Lock(w Writer, name string, l Lock) (Lock, error) {
	place, ok := lockPlace(w.Tree, name)
	if !ok {
		return Lock{}, errors.ErrUnsupported
	}
	defer s.lockName(name, true)() // no upload gives the file its name meanwhile
	t := &s.locks
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expireLocked(time.Now())
	others := t.protectingLocked(place)
	if l.Infinite {
		others = append(others, t.beneathLocked(place)...)
	}
	held := 0
	for _, other := range t.byToken {
		if other.Holder == w.Owner {
			held++
		}
	}
	for _, other := range others {
		if !l.Shared || !other.Shared {
			return Lock{}, &LockedError{Own: other.Holder == w.Owner}
		}
	}
	if held >= maxLocksOfUser {
		return Lock{}, ErrTooManyLocks
	}
	l.Token, l.Holder, l.place = newToken(), w.Owner, place
	l.setTimeout(l.Timeout)
	if t.byToken == nil {
		t.byToken, t.byPlace = make(map[string]*Lock), make(map[vfs.Place][]*Lock)
	}
	t.byToken[l.Token] = &l
	t.byPlace[place] = append(t.byPlace[place], &l)
	t.count.Add(1)
	return l, nil
}

// newToken returns a URI of the scheme that RFC 4918, 6.5 recommends.
func newToken() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// setTimeout sets how long the lock lasts from now on, within the bounds; zero or less: as long as possible.
func (l *Lock) setTimeout(d time.Duration) {
	if d <= 0 || d > maxLockTimeout {
		d = maxLockTimeout
	}
	l.Timeout, l.Expires = d, time.Now().Add(d)
}

// RefreshLock makes the lock that protects name, and whose token is one of w.Tokens, last longer.
func (s *Store) RefreshLock(w Writer, name string, timeout time.Duration) (Lock, error) {
	return s.withLock(w, name, w.Tokens, func(_ *lockTable, l *Lock) { l.setTimeout(timeout) })
}

// Unlock removes the lock with that token, which must protect name.
func (s *Store) Unlock(w Writer, name, token string) error {
	_, err := s.withLock(w, name, []string{token}, (*lockTable).removeLocked)
	return err
}

// withLock calls f with the lock of w.Owner that protects name and has one of the tokens.
func (s *Store) withLock(w Writer, name string, tokens []string, f func(t *lockTable, l *Lock)) (Lock, error) {
	place, _ := lockPlace(w.Tree, name)
	t := &s.locks
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expireLocked(time.Now())
	for _, l := range t.protectingLocked(place) {
		if l.Holder == w.Owner && slices.Contains(tokens, l.Token) {
			f(t, l)
			return *l, nil
		}
	}
	return Lock{}, ErrNoLock
}

// LocksOn returns the locks that protect name.
func (s *Store) LocksOn(tree vfs.Tree, name string) (all []Lock) {
	t := &s.locks
	if t.count.Load() == 0 {
		return nil
	}
	place, ok := lockPlace(tree, name)
	if !ok {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expireLocked(time.Now())
	for _, l := range t.protectingLocked(place) {
		all = append(all, *l)
	}
	return all
}

// checkLocks returns a *LockedError if a change of name is not allowed to w.
func (s *Store) checkLocks(w Writer, name string, r reach) error {
	t := &s.locks
	if t.count.Load() == 0 {
		return nil
	}
	place, ok := lockPlace(w.Tree, name)
	if !ok {
		return nil // no name for which this fails can have a lock
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expireLocked(time.Now())
	if err := w.mayPass(t.protectingLocked(place)); err != nil {
		return err
	}
	if r == content {
		return nil
	}
	if err := w.mayPass(t.protectingLocked(place.Parent())); err != nil {
		return err
	}
	if r == member {
		return nil
	}
	for _, l := range t.beneathLocked(place) {
		if err := w.mayPass([]*Lock{l}); err != nil {
			return err
		}
	}
	return nil
}

// checkTarget is checkLocks for giving a name to a file: if the name exists already, the directory does not change. A name
// that is evaded changes only its directory.
func (s *Store) checkTarget(w Writer, name string) error {
	if s.locks.count.Load() == 0 {
		return nil
	}
	if w.Existing == Evade {
		return s.checkLocks(w, path.Dir(name), content)
	}
	r := member
	if _, err := w.Tree.Lstat(name); err == nil {
		r = content
	}
	return s.checkLocks(w, name, r)
}

// mayPass returns nil if w has the tokens for what the locks protect: that of an exclusive lock, or one of shared locks.
func (w Writer) mayPass(locks []*Lock) error {
	var passed, refused *Lock
	for _, l := range locks {
		switch isMine := l.Holder == w.Owner && slices.Contains(w.Tokens, l.Token); {
		case isMine:
			passed = l
		case !l.Shared:
			return &LockedError{Own: l.Holder == w.Owner}
		default:
			refused = l
		}
	}
	if passed == nil && refused != nil {
		return &LockedError{Own: refused.Holder == w.Owner}
	}
	return nil
}

// dropLocks removes the locks on name and beneath it, which was moved or removed.
func (s *Store) dropLocks(tree vfs.Tree, name string) {
	t := &s.locks
	if t.count.Load() == 0 {
		return
	}
	place, ok := lockPlace(tree, name)
	if !ok {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, l := range t.beneathLocked(place) {
		t.removeLocked(l)
	}
}

// protectingLocked returns the locks that protect a place: its own, and those of directories above it with all in them.
func (t *lockTable) protectingLocked(place vfs.Place) (all []*Lock) {
	for at := place; ; at = at.Parent() {
		for _, l := range t.byPlace[at] {
			if at == place || l.Infinite {
				all = append(all, l)
			}
		}
		if at.Parent() == at {
			return all
		}
	}
}

// beneathLocked returns the locks on a place and beneath it.
func (t *lockTable) beneathLocked(place vfs.Place) (all []*Lock) {
	for at, locks := range t.byPlace {
		if place.Contains(at) {
			all = append(all, locks...)
		}
	}
	return all
}

func (t *lockTable) expireLocked(now time.Time) {
	for _, l := range slices.Collect(maps.Values(t.byToken)) {
		if !now.Before(l.Expires) {
			t.removeLocked(l)
		}
	}
}

func (t *lockTable) removeLocked(l *Lock) {
	delete(t.byToken, l.Token)
	rest := slices.DeleteFunc(slices.Clone(t.byPlace[l.place]), func(other *Lock) bool { return other == l })
	if len(rest) == 0 {
		delete(t.byPlace, l.place)
	} else {
		t.byPlace[l.place] = rest
	}
	t.count.Add(-1)
}
