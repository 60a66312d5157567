package digest

import (
	"os"
	"sync"
)

// holes knows where a file has the next hole, which reads as zeros.
type holes struct {
	data int64 // until here is data
	hole int64 // and from there until here is a hole
}

// seeking is held while the position of a file is moved to find holes, and moved back: files may be shared.
var seeking sync.Mutex

// at returns the length of the hole at off, or 0 if there is none or it is not known, of a file that is read up to end.
func (h *holes) at(f File, off, end int64) int64 {
	admitted, isAdmitted := f.(admittedFile)
	if isAdmitted {
		f = admitted.File
	}
	osFile, ok := f.(*os.File) // and none that is derived from one
	switch {
	case off < h.data, !ok:
		return 0
	case off < h.hole:
		return min(h.hole, end) - off
	case !seeking.TryLock(): // another search may wait for its disk
		return 0
	}
	defer seeking.Unlock()
	if isAdmitted {
		if admitted.disk.Enter() != nil {
			return 0 // the read will say so
		}
		defer admitted.disk.Leave()
	}
	h.data, h.hole = nextHole(osFile, off, end)
	if off < h.data {
		return 0
	}
	return min(h.hole, end) - off
}
