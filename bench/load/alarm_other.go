//go:build !linux

package load

import (
	"context"
	"time"
)

// An alarm wakes a goroutine at a time, as exactly as the runtime's timers do.
type alarm struct{ ctx context.Context }

func newAlarm(ctx context.Context) *alarm   { return &alarm{ctx} }
func (a *alarm) sleep(d time.Duration) bool { return sleep(a.ctx, d) }
func (a *alarm) close()                     {}
