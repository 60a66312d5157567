package filecache

import (
	"os"
	"sync"

	"sluice/internal/residence"
)

// devices remembers the residence of files by the number of their device, because fstatfs(2) asks the server of an NFS
// or FUSE mount each time. It does so only while a file of the device is open: after that the system may give the
// number to another file system.
type devices struct {
	mu    sync.Mutex // guards the field below
	known map[uint64]device
}

type device struct {
	residence residence.Residence
	files     int // that are open
}

// openDevices are the devices of the files of all Caches.
var openDevices = devices{known: make(map[uint64]device)}

// residenceOf is residence.Of, except in tests.
var residenceOf = residence.Of

// add counts the open file f of the device and returns its residence.
func (d *devices) add(number uint64, f *os.File) residence.Residence {
	if r, ok := d.count(number, residence.Unknown, false); ok {
		return r
	}
	r, _ := d.count(number, residenceOf(f), true) // not locked, because it may hang
	return r
}

// count counts a file of a device, if its residence is known already or given.
func (d *devices) count(number uint64, given residence.Residence, isGiven bool) (residence.Residence, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known, ok := d.known[number]
	if !ok {
		if !isGiven {
			return residence.Unknown, false
		}
		known.residence = given
	}
	known.files++
	d.known[number] = known
	return known.residence, true
}

// remove ends the count of a file that is closed afterwards.
func (d *devices) remove(number uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	known := d.known[number]
	if known.files--; known.files == 0 {
		delete(d.known, number)
		return
	}
	d.known[number] = known
}
