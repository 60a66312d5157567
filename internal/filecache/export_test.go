package filecache

import (
	"os"
	"time"

	"sluice/internal/residence"
)

// SetClock sets the Cache's clock, before the first call.
func (c *Cache) SetClock(now func() time.Time) { c.now = now }

// Sweep removes entries as the timer does.
func (c *Cache) Sweep() { c.sweep() }

// SetResidence sets what finds the residence of a file, until undo.
func SetResidence(of func(*os.File) residence.Residence) (undo func()) {
	residenceOf = of
	return func() { residenceOf = residence.Of }
}

// OpenDevices returns the number of devices of which files are open.
func OpenDevices() int {
	openDevices.mu.Lock()
	defer openDevices.mu.Unlock()
	return len(openDevices.known)
}
