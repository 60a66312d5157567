package durable

import (
	"fmt"
	"time"
)

// Level says what is on the disk when a client is told that its command was done.
type Level int

const (
	// Full is for new and replaced files, new directories and links, and new names of files: their content and their
	// names. What was removed, and a changed time or mode, follows within a second.
	Full Level = iota
	// Strict is Full, and the rest is on the disk as well.
	Strict
	// Rename is for the content of files alone, before they get their names: after a crash a name stands for the old
	// file or the whole new one.
	Rename
	// None leaves all to the kernel: after a crash a file may be half, or empty.
	None
)

var levels = [...]string{Full: "full", Strict: "strict", Rename: "rename", None: "none"}

// String returns the name of the level.
func (l Level) String() string {
	if l < 0 || int(l) >= len(levels) {
		return fmt.Sprintf("Level(%d)", int(l))
	}
	return levels[l]
}

// MarshalText is String.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads the name of a level.
func (l *Level) UnmarshalText(text []byte) error {
	for level, name := range levels {
		if name == string(text) {
			*l = Level(level)
			return nil
		}
	}
	return fmt.Errorf("%q is no durability: it is strict, full, rename or none", text)
}

// Policy is what somebody wants of the disk.
type Policy struct {
	Level Level

	// OnSync, if not nil, is called after each sync that was made for it, on the goroutine that has made it: one
	// that waits for it, or one of a Syncer.
	OnSync func(SyncResult)
}

// SyncResult is what was brought to the disk, or could not be.
type SyncResult struct {
	Directory bool          // names in one, and not the content of a file
	Duration  time.Duration // that it took
	Err       error         // nil: it is on the disk
}

// Error means that something was changed, and may not survive a crash.
type Error struct{ Err error }

// Error says so, and why.
func (e *Error) Error() string { return "it is done, but may not survive a crash: " + e.Err.Error() }

// Unwrap returns what the disk has said.
func (e *Error) Unwrap() error { return e.Err }
