package metrics

import (
	"fmt"
	"time"
)

// DiskIO holds the counters of a disk or partition since boot.
type DiskIO struct {
	Name string // like "nvme0n1"
	Part bool   // a partition, whose counts are included in those of its disk

	Reads, Writes           uint64 // completed requests
	ReadBytes, WriteBytes   uint64
	ReadMerged, WriteMerged uint64        // requests that were merged into another before they reached the disk
	ReadTime, WriteTime     time.Duration // sum over all requests, which may overlap
	Busy                    time.Duration // time with at least one request in progress
	InFlight                uint64        // requests in progress now

	Have DiskFields
}

// DiskFields is a set of fields of a DiskIO. Name, ReadBytes and WriteBytes are
// always known.
type DiskFields uint8

// The fields of a DiskIO. The first three stand for both reads and writes.
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

// Disks returns the counters of all disks and partitions.
func (h Host) Disks() ([]DiskIO, error) {
	d, err := h.disks()
	if err != nil {
		return nil, fmt.Errorf("metrics: disks: %w", err)
	}
	return d, nil
}
