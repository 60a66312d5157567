package quota

import "time"

// Settle waits until all counts under way are done. It is for tests, as SetWait.
func Settle(v *Volume) {
	for {
		v.mu.Lock()
		isIdle := !v.working
		for _, h := range v.homes {
			isIdle = isIdle && !h.spoiled
		}
		v.mu.Unlock()
		if isIdle {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// SetWait sets how long changes wait for the first count.
func SetWait(v *Volume, d time.Duration) { v.wait = d }
