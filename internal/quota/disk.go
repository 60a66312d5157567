package quota

import (
	"errors"
	"math"
	"sync"
	"time"

	"sluice/internal/fileid"
	"sluice/internal/vfs"
)

// disks are the file systems below a volume that have a reserve.
type disks struct {
	mu  sync.Mutex // guards the field below
	all map[diskID]*disk
}

// diskID identifies a disk.
type diskID struct {
	device uint64
	tree   vfs.Tree // where the device is not known
}

// disk counts the free space of a file system that uploads may still take. Nil has no reserve.
type disk struct {
	volume *Volume
	dir    string // a directory of it

	mu      sync.Mutex // guards the fields below
	checked time.Time  // when the system was asked
	budget  int64      // what may be taken until it is asked again
	reserve int64
	holds   map[*Hold]*extent
}

// extent is a file that an upload writes to.
type extent struct {
	file Stater // nil: not known
	size int64  // there is room for it; or unset
}

// unset is the size of an extent that has not grown.
const unset = -1

const (
	diskInterval = 200 * time.Millisecond // between two questions to the system
	diskRefusals = 20 * time.Millisecond  // the same, while uploads are refused
)

// of returns the disk of the directory dir; nil: it has no reserve.
func (d *disks) of(v *Volume, dir string) *disk {
	if v.reserve.IsZero() {
		return nil
	}
	info, err := v.tree.Stat(dir)
	if err != nil {
		return nil // nothing can be written there
	}
	id := diskID{device: fileid.OfInfo(info).Device}
	if id.device == 0 {
		id.tree, _ = vfs.Unjoined(v.tree, dir)
	}
	known := d.disk(v, id)
	known.mu.Lock() // not with that of d: it is held while the system is asked, which may hang
	known.dir = dir // the one before may have been removed
	known.mu.Unlock()
	return known
}

// disk returns the disk with an ID.
func (d *disks) disk(v *Volume, id diskID) *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = make(map[diskID]*disk)
	}
	if d.all[id] == nil {
		d.all[id] = &disk{volume: v, holds: make(map[*Hold]*extent)}
	}
	return d.all[id]
}

// watch says which file a Hold writes to.
func (d *disk) watch(h *Hold, f Stater) {
	if d == nil || f == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.holds[h] == nil {
		d.holds[h] = &extent{size: unset}
	}
	d.holds[h].file = f
}

// forget ends a Hold. Others can take the room that it has not used when the system is asked again.
func (d *disk) forget(h *Hold) {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.holds, h)
}

// grow makes room for size bytes of the file of h, which has have bytes.
func (d *disk) grow(h *Hold, have, size int64) *Error {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	e := d.holds[h]
	if e == nil {
		e = &extent{size: unset}
		d.holds[h] = e
	}
	if e.size == unset {
		e.size = have
	}
	n := size - e.size
	if n <= 0 {
		return nil
	}
	if d.askLocked(n); d.budget < n {
		return d.fullLocked()
	}
	d.budget -= n
	e.size = size
	return nil
}

// room returns how many bytes may be written.
func (d *disk) room() int64 {
	if d == nil {
		return math.MaxInt64 / 2
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.askLocked(math.MaxInt64)
	return d.budget
}

func (d *disk) full() *Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.fullLocked()
}

func (d *disk) fullLocked() *Error {
	return &Error{Reason: Disk, Limit: d.reserve, Free: max(d.budget, 0)}
}

// askLocked asks the system for the free space, if that was long ago, or if n bytes do not fit.
func (d *disk) askLocked(n int64) {
	age := time.Since(d.checked)
	if age < diskRefusals || age < diskInterval && d.budget >= n {
		return
	}
	d.checked = time.Now()
	free, size, err := d.volume.space(d.dir)
	if err != nil { // it is not known, so the file system itself decides
		d.budget, d.reserve = math.MaxInt64/2, 0
		return
	}
	d.reserve = d.volume.reserve.of(size)
	d.budget = free - d.reserve
	for _, e := range d.holds {
		if e.size > 0 {
			d.budget -= max(e.size-e.allocated(), 0)
		}
	}
}

// allocated returns how much of the file is on the disk already.
func (e *extent) allocated() int64 {
	if e.file == nil {
		return 0
	}
	info, err := e.file.Stat()
	if err != nil {
		return e.size // closed
	}
	if n, ok := allocatedOf(info); ok {
		return n
	}
	return info.Size()
}

// space returns the free bytes of the disk with the directory dir, and its size.
func (v *Volume) space(dir string) (free, size int64, err error) {
	free, err = v.tree.Free(dir)
	if err == nil && v.reserve.Percent > 0 {
		disk, ok := v.tree.(interface {
			Capacity(name string) (int64, error)
		})
		if !ok {
			return 0, 0, errors.ErrUnsupported
		}
		size, err = disk.Capacity(dir)
	}
	return free, size, err
}
