package metrics

import (
	"fmt"
	"time"
)

// DiskIO is what a disk has done since boot.
type DiskIO struct {
	Name string // as "nvme0n1"
	Part bool   // a partition: its counts are in those of its disk too

	Reads, Writes           uint64 // requests that were done
	ReadBytes, WriteBytes   uint64
	ReadMerged, WriteMerged uint64        // requests that were joined to another before they reached the disk
	ReadTime, WriteTime     time.Duration // of all requests, which overlap
	Busy                    time.Duration // in which there was a request: its share of a second is how busy the disk is
	InFlight                uint64        // requests under way now

	Have DiskFields
}

// DiskFields is a set of fields of a DiskIO. Name and bytes are always told.
type DiskFields uint8

// The fields of a DiskIO; the first three stand for reads and writes.
const (
	DiskCounts DiskFields = 1 << iota
	DiskMerged
	DiskTimes
	DiskBusy
	DiskInFlight
	DiskPart
)

// Has reports whether all of g are in f.
func (f DiskFields) Has(g DiskFields) bool { return f&g == g }

// Disks reads the counters of all disks.
func (h Host) Disks() ([]DiskIO, error) {
	d, err := h.disks()
	if err != nil {
		return nil, fmt.Errorf("metrics: disks: %w", err)
	}
	return d, nil
}
