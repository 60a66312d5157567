package quota

import (
	"errors"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"
	"time"
)

// Hold counts the file of one upload while it is written. It is for one goroutine at a time. A nil Hold does nothing.
//
// A Hold of a new file is attached to it when that is made. It ends with End, which counts what is there.
type Hold struct {
	space *Space
	disk  *disk // nil: without a reserve

	// Volume.mu guards the fields below.
	path    string // of the file, in the volume; "": not attached
	homes   []*home
	counted amount // in homes for this file
	target  string // what the upload will replace, "": nothing
	old     amount // of target
	credit  amount // the part of old that counted has reached, in the home of the space
	ended   bool
}

// place returns the path in the volume of a file of the user. Links that lead to its directory are followed.
func (s *Space) place(name string) string {
	v := s.volume
	full := path.Join(s.base, path.Clean("/"+name))
	v.mu.Lock()
	isCounted := len(v.homes) > 0
	v.mu.Unlock()
	if !isCounted || full == "/" {
		return full
	}
	return path.Join(v.resolve(path.Dir(full)), path.Base(full))
}

// placeOfTarget is place, but follows links to the file itself.
func (s *Space) placeOfTarget(name string) string { return s.volume.resolve(s.place(name)) }

// Ready waits until the files of the home are counted. The error is an *Error.
func (s *Space) Ready() error {
	if !s.Await() {
		return s.volume.refused(&Error{Reason: Counting})
	}
	return nil
}

// Await waits until the files of the home are counted, and reports false if that takes too long. Unlike Ready it counts
// no refusal.
func (s *Space) Await() bool {
	if s == nil || s.home == nil {
		return true
	}
	select {
	case <-s.home.ready:
		return true
	default:
	}
	timeout := time.NewTimer(s.volume.wait)
	defer timeout.Stop()
	select {
	case <-s.home.ready:
		return true
	case <-timeout.C:
		return false
	}
}

// Begin counts a new file, which will replace the file target if that exists: old describes it, or is nil. size is what
// the new file will have, 0 if that is not known; there is room for it when Begin returns. The error is an *Error.
func (s *Space) Begin(target string, old fs.FileInfo, size int64) (*Hold, error) {
	return s.begin(target, old, size, 1)
}

// Adopt is Begin for an existing file of size bytes that the upload writes to, or that it continues.
func (s *Space) Adopt(name string, size int64, target string, old fs.FileInfo) (*Hold, error) {
	h, err := s.begin(target, old, 0, 0)
	if h == nil {
		return nil, err
	}
	v := s.volume
	at := s.placeOfTarget(name)
	v.mu.Lock()
	defer v.mu.Unlock()
	h.homes = v.aboveLocked(at)
	if before := v.holds[at]; before != nil { // it has ended its writing, but not itself
		before.detachLocked()
		before.setLocked(amount{})
		addLocked(h.homes, amount{size, 1}, true)
	}
	h.counted = amount{size, 1}
	h.creditLocked()
	v.dropCreditLocked(at)
	h.attachLocked(at)
	return h, nil
}

func (s *Space) begin(target string, old fs.FileInfo, size, files int64) (*Hold, error) {
	if s == nil {
		return nil, nil
	}
	if err := s.Ready(); err != nil {
		return nil, err
	}
	v, at := s.volume, s.place(target)
	h := &Hold{space: s, disk: v.disks.of(v, path.Dir(at))}
	v.mu.Lock()
	h.homes = v.aboveLocked(at)
	if old != nil && s.home != nil && v.credits[at] == nil && v.holds[at] == nil {
		h.target, h.old = at, amountOf(old)
		v.credits[at] = h
	}
	err := h.reserveLocked(amount{0, files}, 0)
	if err == nil {
		v.active[h] = struct{}{}
		for _, home := range h.homes {
			home.changes++
		}
	} else {
		v.dropCreditLocked(h.target)
	}
	v.mu.Unlock()
	if err != nil {
		return nil, v.refused(err)
	}
	if err := h.grow(size); err != nil {
		h.End() // first: OnRefusal may panic
		return nil, v.refused(err)
	}
	return h, nil
}

// reserveLocked counts n more, if there is room. size is that of the whole file then. The numbers of the error are without
// the file.
func (h *Hold) reserveLocked(n amount, size int64) *Error {
	if s := h.space; s.home != nil {
		free := h.freeLocked()
		switch {
		case n.bytes > 0 && n.bytes > free.bytes:
			return &Error{Reason: Bytes, Limit: s.limit.Bytes, Used: s.home.total.bytes - h.counted.bytes, Free: max(free.bytes+h.counted.bytes, 0), TooLarge: size > s.limit.Bytes}
		case n.files > 0 && n.files > free.files:
			return &Error{Reason: Files, Limit: s.limit.Files, Used: s.home.total.files, Free: max(free.files, 0)}
		}
	}
	h.countLocked(n)
	return nil
}

// countLocked counts n more.
func (h *Hold) countLocked(n amount) {
	h.counted = h.counted.plus(n)
	addLocked(h.homes, n, false)
	h.creditLocked()
}

// creditLocked gives credit for the bytes of the old file that the new one has replaced so far. More would let others use
// the room before it is free, so that the home would exceed its limit if the upload broke off.
func (h *Hold) creditLocked() {
	now := amount{min(h.old.bytes, h.counted.bytes), min(h.old.files, h.counted.files)}
	if home := h.space.home; home != nil {
		home.credit = home.credit.plus(now).minus(h.credit)
	}
	h.credit = now
}

// freeLocked returns how much more the file may have.
func (h *Hold) freeLocked() amount {
	free, more := h.space.freeLocked(), h.old.minus(h.credit)
	if free.bytes < math.MaxInt64 {
		free.bytes += more.bytes
	}
	if free.files < math.MaxInt64 {
		free.files += more.files
	}
	return free
}

// freeLocked returns how much more fits into the home.
func (s *Space) freeLocked() amount {
	free := amount{math.MaxInt64, math.MaxInt64}
	if s.home == nil {
		return free
	}
	net := s.home.total.minus(s.home.credit)
	if s.limit.Bytes > 0 {
		free.bytes = s.limit.Bytes - net.bytes
	}
	if s.limit.Files > 0 {
		free.files = s.limit.Files - net.files
	}
	return free
}

// Grow makes sure that there is room for a file of size bytes. The error is an *Error.
func (h *Hold) Grow(size int64) error {
	if err := h.grow(size); err != nil {
		return h.space.volume.refused(err)
	}
	return nil
}

func (h *Hold) grow(size int64) *Error {
	if h == nil {
		return nil
	}
	v := h.space.volume
	v.mu.Lock()
	have := h.counted.bytes
	n := amount{bytes: size - have}
	if n.bytes <= 0 {
		v.mu.Unlock()
		return nil
	}
	if most := h.space.limit.FileBytes; most > 0 && size > most {
		v.mu.Unlock()
		return tooLong(most)
	}
	err := h.reserveLocked(n, size)
	v.mu.Unlock()
	if err != nil {
		return err
	}
	if err := h.disk.grow(h, have, size); err != nil {
		v.mu.Lock()
		h.countLocked(amount{}.minus(n))
		v.mu.Unlock()
		return err
	}
	return nil
}

// Allow makes room for up to n more bytes after the first at bytes, and returns for how many there is: at least one. The
// error is an *Error.
func (h *Hold) Allow(at int64, n int) (int, error) {
	for {
		err := h.grow(at + int64(n))
		switch {
		case err == nil:
			return n, nil
		case n == 1:
			return 0, err // which is no refusal if the file ends here
		}
		n = max(1, int(min(int64(n-1), h.room(at)))) // others may take it meanwhile
	}
}

// Fail says why the upload has failed. An error of Allow is then a refusal.
func (h *Hold) Fail(cause error) {
	var e *Error
	if h != nil && errors.As(cause, &e) {
		_ = h.space.volume.refused(e)
	}
}

// room returns how many bytes may come after the first at bytes.
func (h *Hold) room(at int64) int64 {
	v := h.space.volume
	v.mu.Lock()
	had := h.counted.bytes - at
	free := max(h.freeLocked().bytes, 0)
	v.mu.Unlock()
	room := had + min(free, max(h.disk.room(), 0), math.MaxInt64/2)
	if most := h.space.limit.FileBytes; most > 0 {
		room = min(room, most-at)
	}
	return room
}

// Attach says that the file of a new upload exists as name. f, if not nil, shows what it takes on the disk.
func (h *Hold) Attach(name string, f Stater) {
	if h == nil {
		return
	}
	v, at := h.space.volume, h.space.place(name)
	v.mu.Lock()
	h.attachLocked(at)
	v.mu.Unlock()
	h.disk.watch(h, f)
}

// Watch says which file is written to.
func (h *Hold) Watch(f Stater) {
	if h != nil {
		h.disk.watch(h, f)
	}
}

// Stater is an open file.
type Stater interface{ Stat() (fs.FileInfo, error) }

func (h *Hold) attachLocked(at string) {
	v := h.space.volume
	h.detachLocked()
	if other := v.holds[at]; other != nil { // its file has lost the name
		other.detachLocked()
	}
	h.path = at
	v.holds[at] = h
	h.moveLocked(v.aboveLocked(at))
}

// detachLocked forgets the file.
func (h *Hold) detachLocked() {
	v := h.space.volume
	if h.path != "" && v.holds[h.path] == h {
		delete(v.holds, h.path)
	}
	h.path = ""
}

// moveLocked counts the file for other homes.
func (h *Hold) moveLocked(homes []*home) {
	addLocked(h.homes, amount{}.minus(h.counted), true)
	h.homes = homes
	addLocked(h.homes, h.counted, true)
}

// Shrink says that the file was cut to size bytes.
func (h *Hold) Shrink(size int64) {
	if h == nil {
		return
	}
	v := h.space.volume
	v.mu.Lock()
	defer v.mu.Unlock()
	h.setLocked(amount{min(size, h.counted.bytes), h.counted.files})
}

// setLocked makes n what is counted for the file.
func (h *Hold) setLocked(n amount) {
	addLocked(h.homes, n.minus(h.counted), true)
	h.counted = n
	h.creditLocked()
}

// Replace calls give, which gives the file the name target. If it succeeds, the Hold ends. The error is an *Error if the
// home would exceed the limit, because the file that is replaced is not the one that it was.
func (h *Hold) Replace(target string, give func() error) error {
	if h == nil {
		return give()
	}
	v, at := h.space.volume, h.space.place(target)
	defer v.begin(at)()
	old := v.amountAt(at, false)
	if err := h.mayReplace(old); err != nil {
		return v.refused(err)
	}
	v.mu.Lock()
	part := h.path
	v.mu.Unlock()
	err := give()
	if err != nil {
		if _, missing := v.tree.Lstat(part); part == "" || missing == nil { // else it was renamed all the same
			return err
		}
	}
	h.end(at, old)
	return err
}

// mayReplace returns an *Error if the home would exceed the limit after the file has replaced another.
func (h *Hold) mayReplace(old amount) *Error {
	s := h.space
	if s.home == nil {
		return nil
	}
	s.volume.mu.Lock()
	defer s.volume.mu.Unlock()
	free := s.freeLocked().minus(h.credit).plus(old)
	switch {
	case s.limit.Bytes > 0 && free.bytes < 0 && h.counted.bytes > old.bytes:
		return &Error{Reason: Bytes, Limit: s.limit.Bytes, Used: s.home.total.bytes, TooLarge: h.counted.bytes > s.limit.Bytes}
	case s.limit.Files > 0 && free.files < 0 && h.counted.files > old.files:
		return &Error{Reason: Files, Limit: s.limit.Files, Used: s.home.total.files}
	}
	return nil
}

// end ends the Hold, whose file has got the name at from a file that counted for old.
func (h *Hold) end(at string, old amount) {
	v := h.space.volume
	defer h.disk.forget(h)
	left := amount{}
	if info, err := v.tree.Lstat(at); err == nil {
		left = amountOf(info)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.lostLocked(at, old)
	h.detachLocked()
	h.setLocked(left)
	h.moveLocked(v.aboveLocked(at))
	h.endLocked()
}

// Keep calls rename, which gives the file the name name, if the file may stay next to the one that it was to replace. It
// reports whether the file has that name.
func (h *Hold) Keep(name string, size int64, rename func() error) bool {
	if h == nil {
		return rename() == nil
	}
	h.Shrink(size)
	if !h.mayKeep() {
		return false
	}
	v, at := h.space.volume, h.space.place(name)
	defer v.begin(at)()
	old := v.amountAt(at, false)
	if rename() != nil {
		return false
	}
	h.end(at, old)
	return true
}

// mayKeep reports whether the file may stay next to the one that it was to replace.
func (h *Hold) mayKeep() bool {
	v := h.space.volume
	v.mu.Lock()
	defer v.mu.Unlock()
	free := h.space.freeLocked().minus(h.credit)
	return free.bytes >= 0 && free.files >= 0
}

// End counts what there is of the file now. Further calls do nothing.
func (h *Hold) End() {
	if h == nil {
		return
	}
	for v := h.space.volume; ; {
		v.mu.Lock()
		at, isOver := h.path, h.ended
		v.mu.Unlock()
		if isOver || h.endAt(at) {
			return
		}
	}
}

// endAt is End for a file at that path. It reports whether it is there: a rename may have moved it.
func (h *Hold) endAt(at string) bool {
	v := h.space.volume
	defer h.disk.forget(h)
	left := amount{}
	if at != "" {
		defer v.begin(at)()
		if info, err := v.tree.Lstat(at); err == nil {
			left = amountOf(info)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if h.path != at {
		return false
	}
	h.setLocked(left)
	h.detachLocked()
	h.endLocked()
	return true
}

func (h *Hold) endLocked() {
	v := h.space.volume
	h.ended = true
	v.dropCreditLocked(h.target)
	delete(v.active, h)
}

// dropCreditLocked ends the credit for the file at, because it may be another by now.
func (v *Volume) dropCreditLocked(at string) {
	if h := v.credits[at]; h != nil {
		delete(v.credits, at)
		h.old, h.target = amount{}, ""
		h.creditLocked()
	}
}

// lostLocked says that a file that counted for old has lost the name at.
func (v *Volume) lostLocked(at string, old amount) {
	v.dropCreditLocked(at)
	if other := v.holds[at]; other != nil {
		other.detachLocked()
	} else {
		addLocked(v.aboveLocked(at), amount{}.minus(old), true)
	}
}

// Track calls change, which removes the files called names, and whatever is below them, or changes what they are. It
// counts the difference.
func (s *Space) Track(change func() error, names ...string) error {
	return s.track(true, change, names...)
}

// TrackEntry is Track for one name and nothing below it.
func (s *Space) TrackEntry(change func() error, name string) error {
	return s.track(false, change, name)
}

func (s *Space) track(deep bool, change func() error, names ...string) error {
	if s == nil || !s.volume.counts() {
		return change()
	}
	v := s.volume
	places := make([]string, len(names))
	for i, name := range names {
		places[i] = s.place(name)
	}
	end := v.begin(places...)
	defer end()
	before := make([]amount, len(names))
	changes, wasAlone := v.changesAbove(places)
	isLarge := false
	for i, at := range places {
		before[i] = v.amountAt(at, deep)
		isLarge = isLarge || before[i].files > 1
	}
	err := change()
	for i, at := range places {
		after := v.amountAt(at, deep)
		v.mu.Lock()
		if after != before[i] {
			v.dropCreditLocked(at)
		}
		addLocked(v.aboveLocked(at), after.minus(before[i]), false)
		v.mu.Unlock()
		if after != before[i] {
			v.recountHomes(at, false)
		}
	}
	now, isAlone := v.changesAbove(places)
	if isLarge && !(wasAlone && isAlone && now == changes) { // files below may have changed after they were counted
		for _, at := range places {
			v.recountHomes(at, true)
		}
	}
	return err
}

// changesAbove returns a number that grows with each change in the homes above the places, and whether the caller's is the
// only one that is being made.
func (v *Volume) changesAbove(places []string) (all uint64, isAlone bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	isAlone = true
	for _, at := range places {
		for _, h := range v.aboveLocked(at) {
			all += h.changes
			isAlone = isAlone && h.busy == 1
		}
	}
	return all, isAlone
}

// recountHomes counts the homes again that are in the directory at, and with above those that contain it.
func (v *Volume) recountHomes(at string, above bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for name, h := range v.homes {
		isInside := name == at || strings.HasPrefix(name, at+"/")
		if isInside || above && slices.Contains(v.aboveLocked(at), h) {
			h.changes++
			h.spoiled = true
			v.countLocked(h)
		}
	}
}

// counts reports whether the volume has any home to count.
func (v *Volume) counts() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.homes) > 0
}

// Make calls change to make name, a directory or a link, and missing directories above it. The error may be an *Error.
func (s *Space) Make(name string, change func() error) error {
	if s == nil || !s.volume.counts() {
		return change()
	}
	if err := s.Ready(); err != nil {
		return err
	}
	v := s.volume
	missing := s.missing(name)
	defer v.begin(missing...)()
	missing = slices.DeleteFunc(missing, func(at string) bool { // made by others meanwhile
		_, err := v.tree.Lstat(at)
		return err == nil
	})
	need := int64(len(missing))
	v.mu.Lock()
	if free := s.freeLocked().files; s.home != nil && need > free {
		err := &Error{Reason: Files, Limit: s.limit.Files, Used: s.home.total.files, Free: max(free, 0)}
		v.mu.Unlock()
		return v.refused(err)
	}
	for _, at := range missing {
		addLocked(v.aboveLocked(at), amount{0, 1}, true)
	}
	v.mu.Unlock()
	failed := change()
	for _, at := range missing {
		after := v.amountAt(at, false)
		v.mu.Lock()
		addLocked(v.aboveLocked(at), after.minus(amount{0, 1}), true)
		v.mu.Unlock()
	}
	return failed
}

// missing returns the places of name and of the directories above it that do not exist.
func (s *Space) missing(name string) (all []string) {
	for name = path.Clean("/" + name); name != "/"; name = path.Dir(name) {
		at := s.place(name)
		if _, err := s.volume.tree.Lstat(at); err == nil {
			break
		}
		all = append(all, at)
	}
	return all
}

// Rename calls change to move oldname to newname.
func (s *Space) Rename(oldname, newname string, change func() error) error {
	if s == nil || !s.volume.counts() {
		return change()
	}
	v := s.volume
	from, to := s.place(oldname), s.place(newname)
	info, err := v.tree.Lstat(from)
	if err != nil || !info.IsDir() || from == to {
		return s.Track(func() error {
			err := change()
			if err == nil && from != to {
				v.moveHolds(from, to)
			}
			return err
		}, oldname, newname)
	}
	defer v.begin(from, to)()
	changes, wasAlone := v.changesAbove([]string{from, to})
	size := amount{0, 1}
	if !slices.Equal(v.above(from), v.above(to)) {
		size = v.amountAt(from, true)
	}
	if err := change(); err != nil {
		return err
	}
	now, isAlone := v.changesAbove([]string{from, to})
	isSpoiled := !(wasAlone && isAlone && now == changes)
	v.mu.Lock()
	addLocked(v.aboveLocked(from), amount{}.minus(size), true)
	addLocked(v.aboveLocked(to), size, true)
	v.mu.Unlock()
	v.moveHolds(from, to)
	v.recountHomes(from, isSpoiled)
	v.recountHomes(to, isSpoiled)
	return nil
}

// moveHolds says that the file or directory from is called to now. Uploads that write into it go on.
func (v *Volume) moveHolds(from, to string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var moved []*Hold
	for at, h := range v.holds {
		if at == from || strings.HasPrefix(at, from+"/") {
			moved = append(moved, h)
		}
	}
	for _, h := range moved {
		h.attachLocked(to + strings.TrimPrefix(h.path, from))
	}
}
