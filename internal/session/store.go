package session

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"sluice/internal/userfile"
)

// The defaults of a Store.
const (
	DefaultIdle     = 24 * time.Hour
	DefaultLifetime = 7 * 24 * time.Hour
)

const (
	// maxPerUser and maxSessions bound the sessions. The one that was not used for the
	// longest time ends when there are more.
	maxPerUser  = 20
	maxSessions = 5000

	maxUser  = 255 // bytes of a name
	maxAgent = 80

	// checkEvery is how long a change of the file by another process may be unnoticed.
	checkEvery = time.Second
)

// Store has the sessions. The zero value is ready for use, and keeps them in memory. Set
// the fields before the first call. The methods are safe for concurrent use.
type Store struct {
	// File keeps the sessions when the process ends, and shares them with others. It is
	// made for its owner only, in a directory that exists. "" keeps them in memory.
	File string

	// Idle is how long a session may be unused, and Lifetime how long it lasts at most.
	// Zero is a day, and a week; negative is no limit.
	Idle, Lifetime time.Duration

	// Logger gets what is wrong with the file. Nil drops that.
	Logger *slog.Logger

	writing sync.Mutex // held while the file is changed; before mu

	mu      sync.Mutex // guards the fields below, and the entries
	entries map[key]*entry
	seen    fs.FileInfo      // of the file that entries is from; nil: none
	checked time.Time        // when seen was last compared with the file
	dropped map[key]struct{} // to be removed in the background
	saving  bool             // a goroutine is in saveAll
	saved   sync.WaitGroup   // it
	warned  struct {
		text string
		at   time.Time
	}
}

// Session is what is known about a session. Nothing in it lets anybody in.
type Session struct {
	ID         string // part of the hash of the token
	User       string
	Made, Used time.Time
	Addr       string // of the client at the login; "": not known
	Agent      string // the beginning of its User-Agent
}

func (s *Store) idle() time.Duration     { return orDefault(s.Idle, DefaultIdle) }
func (s *Store) lifetime() time.Duration { return orDefault(s.Lifetime, DefaultLifetime) }

func orDefault(d, ifZero time.Duration) time.Duration {
	switch {
	case d == 0:
		return ifZero
	case d < 0:
		return 1<<63 - 1
	}
	return d
}

// hasEnded reports whether e has lasted too long.
func (s *Store) hasEnded(e *entry, now time.Time) bool {
	return now.Sub(e.Used) > s.idle() || now.Sub(e.Made) > s.lifetime()
}

// Load reads the file, so that an error shows at the start.
func (s *Store) Load() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refreshLocked()
}

// Begin makes a session and returns its token. IsOf compares passwordID.
func (s *Store) Begin(user string, passwordID []byte, addr netip.Addr, agent string) (token string, made Session, err error) {
	if user == "" || len(user) > maxUser {
		return "", Session{}, fmt.Errorf("a name of %d bytes can have no session", len(user))
	}
	token = newToken()
	now := time.Now()
	e := &entry{Session: Session{User: user, Made: now, Used: now, Agent: shorten(agent, maxAgent)}, proof: proofOf(token, passwordID)}
	if addr.IsValid() {
		e.Addr = addr.Unmap().String()
	}
	e.key, _ = keyOf(token)
	e.ID = e.key.id()
	err = s.update(func(all map[key]*entry) {
		makeRoom(all, maxSessions, func(*entry) bool { return true })
		makeRoom(all, maxPerUser, func(other *entry) bool { return other.User == user })
		all[e.key] = e
	})
	if err != nil {
		return "", Session{}, err
	}
	return token, e.Session, nil
}

// makeRoom removes the entries that were not used for the longest time, so that one more
// makes at most limit.
func makeRoom(all map[key]*entry, limit int, counts func(*entry) bool) {
	var present []*entry
	for _, e := range all {
		if counts(e) {
			present = append(present, e)
		}
	}
	if len(present) < limit {
		return
	}
	slices.SortFunc(present, func(a, b *entry) int { return a.Used.Compare(b.Used) })
	for _, e := range present[:len(present)-limit+1] {
		delete(all, e.key)
	}
}

// Find returns the session of a token, and counts that as a use.
func (s *Store) Find(token string) (Session, bool) {
	k, ok := keyOf(token)
	if !ok {
		return Session{}, false
	}
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[k]
	if s.File != "" && (e == nil || now.Sub(s.checked) >= checkEvery) {
		if err := s.refreshLocked(); err != nil { // what is known stays
			s.warnLocked(err)
		}
		e = s.entries[k]
	}
	if e == nil || s.hasEnded(e, now) {
		return Session{}, false
	}
	if _, isDropped := s.dropped[k]; isDropped {
		return Session{}, false
	}
	e.Used = now
	if s.File != "" && now.Sub(e.saved) > s.idle()/20 {
		s.saveSoonLocked()
	}
	return e.Session, true
}

// IsOf reports whether the session of a token was begun with passwordID.
func (s *Store) IsOf(token string, passwordID []byte) bool {
	k, ok := keyOf(token)
	if !ok {
		return false
	}
	proof := proofOf(token, passwordID)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[k]
	return e != nil && subtle.ConstantTimeCompare(proof[:], e.proof[:]) == 1
}

// Drop ends the session of a token, and does not wait for the disk.
func (s *Store) Drop(token string) {
	k, ok := keyOf(token)
	if !ok {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dropped == nil {
		s.dropped = make(map[key]struct{})
	}
	s.dropped[k] = struct{}{}
	s.saveSoonLocked()
}

// End ends the session of a token; ok is false if there is none.
func (s *Store) End(token string) (ended Session, ok bool, err error) {
	k, ok := keyOf(token)
	if !ok {
		return Session{}, false, nil
	}
	ok = false
	err = s.update(func(all map[key]*entry) {
		if e := all[k]; e != nil {
			ended, ok = e.Session, true
			delete(all, k)
		}
	})
	return ended, ok, err
}

// List returns the sessions, the oldest first.
func (s *Store) List() ([]Session, error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.refreshLocked(); err != nil {
		return nil, err
	}
	var list []Session
	for _, e := range slices.SortedFunc(maps.Values(s.entries), older) {
		if !s.hasEnded(e, now) {
			list = append(list, e.Session)
		}
	}
	return list, nil
}

// Revoke ends the sessions for which which is true, and returns them. A server that uses
// the file notices within a second.
func (s *Store) Revoke(which func(Session) bool) (ended []Session, err error) {
	err = s.update(func(all map[key]*entry) {
		for _, e := range slices.SortedFunc(maps.Values(all), older) {
			if which(e.Session) {
				ended = append(ended, e.Session)
				delete(all, e.key)
			}
		}
	})
	if err != nil {
		return nil, err
	}
	return ended, nil
}

// Close waits until what is written in the background is in the file.
func (s *Store) Close() error {
	s.saved.Wait()
	return nil
}

// update changes the sessions, in the file too.
func (s *Store) update(change func(all map[key]*entry)) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.File == "" {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.entries == nil {
			s.entries = make(map[key]*entry)
		}
		s.removeEndedLocked(s.entries)
		change(s.entries)
		return nil
	}
	s.mu.Lock()
	err := s.refreshLocked() // reports damaged lines, which are gone afterwards
	s.mu.Unlock()
	if err != nil {
		return err
	}
	var next map[key]*entry
	err = userfile.Edit(s.File, func(old []byte, _ bool) (content []byte, err error) {
		if next, _, err = parse(old); err != nil {
			return nil, fmt.Errorf("%s: %w", s.File, err)
		}
		s.mu.Lock()
		s.keepUsesLocked(next)
		s.removeEndedLocked(next)
		s.mu.Unlock()
		change(next)
		return render(next)
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range next {
		e.saved = e.Used
	}
	s.keepUsesLocked(next)
	s.entries, s.seen = next, nil // another process may have changed the file since, so it is read again
	return nil
}

// keepUsesLocked adds to entries from the file when they were used in this process.
func (s *Store) keepUsesLocked(all map[key]*entry) {
	for k, e := range all {
		if known := s.entries[k]; known != nil && known.Used.After(e.Used) {
			e.Used = known.Used
		}
	}
}

// removeEndedLocked removes the entries that have lasted too long or were dropped.
func (s *Store) removeEndedLocked(all map[key]*entry) {
	now := time.Now()
	for k, e := range all {
		if _, isDropped := s.dropped[k]; isDropped || s.hasEnded(e, now) {
			delete(all, k)
		}
	}
}

// refreshLocked reads the file if it has changed.
func (s *Store) refreshLocked() error {
	if s.File == "" {
		return nil
	}
	s.checked = time.Now()
	info, err := os.Stat(s.File)
	if errors.Is(err, fs.ErrNotExist) {
		s.entries, s.seen = nil, nil
		return nil
	}
	if err != nil {
		return err
	}
	if s.seen != nil && os.SameFile(s.seen, info) && info.ModTime().Equal(s.seen.ModTime()) && info.Size() == s.seen.Size() {
		return nil
	}
	content, info, err := read(s.File)
	if err != nil {
		return err
	}
	next, damaged, err := parse(content)
	if err != nil {
		return fmt.Errorf("%s: %w", s.File, err)
	}
	if damaged > 0 {
		s.warnLocked(fmt.Errorf("%s: %d damaged lines were left out; these users have to log in again", s.File, damaged))
	}
	s.keepUsesLocked(next)
	s.entries, s.seen = next, info
	return nil
}

// read returns the content of a file and its attributes.
func read(name string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, nil, fmt.Errorf("%s is not a regular file", name)
	}
	content, err := io.ReadAll(f)
	return content, info, err
}

// warnLocked logs an error, and the same one again after a minute: each request may meet it.
func (s *Store) warnLocked(err error) {
	now := time.Now()
	if s.Logger == nil || s.warned.text == err.Error() && now.Sub(s.warned.at) < time.Minute {
		return
	}
	s.warned.text, s.warned.at = err.Error(), now
	s.Logger.Warn("the file of sessions has a problem", "err", err)
}

// saveSoonLocked makes a goroutine write the last uses, and remove what was dropped.
func (s *Store) saveSoonLocked() {
	if s.saving {
		return // the goroutine looks again before it ends, or a later use starts another
	}
	s.saving = true
	s.saved.Go(s.saveAll)
}

func (s *Store) saveAll() {
	for {
		s.mu.Lock()
		done := maps.Clone(s.dropped)
		s.mu.Unlock()
		err := s.update(func(map[key]*entry) {})
		s.mu.Lock()
		for k := range done {
			if err == nil {
				delete(s.dropped, k)
			}
		}
		if err != nil || len(s.dropped) == 0 {
			s.saving = false
			if err != nil { // tried again at a later use; what was dropped stays so in this process
				s.warnLocked(err)
				for _, e := range s.entries {
					e.saved = e.Used
				}
			}
			s.mu.Unlock()
			return
		}
		s.mu.Unlock()
	}
}
