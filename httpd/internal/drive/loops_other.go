//go:build !linux

package drive

import (
	"context"
	"errors"
)

// Loops serve the connections of listening sockets. This system has none.
type Loops struct{}

// Start fails.
func Start(Config) (*Loops, error) { return nil, errors.ErrUnsupported }

// Stats returns nothing.
func (*Loops) Stats() []LoopStats { return nil }

// StopAccepting does nothing.
func (*Loops) StopAccepting() {}

// BeginDrain does nothing.
func (*Loops) BeginDrain() {}

// Wait does nothing.
func (*Loops) Wait(context.Context) error { return nil }

// Cut does nothing.
func (*Loops) Cut() {}
