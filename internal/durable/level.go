package durable

import (
	"fmt"
	"time"
)

// Level says which changes are on the disk before a command is acknowledged to the client.
type Level int

const (
	// Full: the content of new and replaced files, and new names of files, directories and links. Removals and changed
	// times and modes follow within a second.
	Full Level = iota
	// Strict: all changes.
	Strict
	// Rename: the content of a file before it gets its name, so that after a crash the name means the old file or the
	// complete new one.
	Rename
	// None: no change. After a crash a file may be incomplete or empty.
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

// MarshalText returns the name of the level.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText sets the level by its name.
func (l *Level) UnmarshalText(text []byte) error {
	for level, name := range levels {
		if name == string(text) {
			*l = Level(level)
			return nil
		}
	}
	return fmt.Errorf("%q is not a durability level: use strict, full, rename or none", text)
}

// Policy says how to sync changes.
type Policy struct {
	Level Level

	// OnSync, if not nil, is called after each sync. The goroutine is one that waits for the sync, or one of the
	// Syncer.
	OnSync func(SyncResult)
}

// SyncResult describes one sync.
type SyncResult struct {
	Directory bool // whether it was for names in a directory, rather than for a file
	Duration  time.Duration
	Err       error // nil: the data is on the disk
}

// Error means that a change was made and is visible, but may not survive a crash.
type Error struct{ Err error }

// Error includes the error of the sync.
func (e *Error) Error() string {
	return "the change was made, but may not survive a crash: " + e.Err.Error()
}

// Unwrap returns the error of the sync.
func (e *Error) Unwrap() error { return e.Err }
