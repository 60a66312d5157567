package metrics

import (
	"bytes"
	"errors"
	"io/fs"
	"path"
	"strings"
	"time"
)

func (h Host) disks() ([]DiskIO, error) {
	b, err := readPath(path.Join(h.proc(), "diskstats"))
	if err != nil {
		return nil, err
	}
	disks := parseDisks(b)
	block := path.Join(h.sys(), "block")
	if checkExists(block) != nil {
		return disks, nil
	}
	for i, d := range disks {
		// A disk has a directory in /sys/block; a partition has one in its disk's.
		err := checkExists(path.Join(block, strings.ReplaceAll(d.Name, "/", "!")))
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			disks[i].Part = err != nil
			disks[i].Have |= DiskPart
		}
	}
	return disks, nil
}

// parseDisks reads the content of /proc/diskstats, see the kernel's
// admin-guide/iostats: device numbers, name, and at least 11 fields. Sectors are
// 512 bytes on any disk, times are in milliseconds. It leaves out shorter lines,
// such as those of partitions before Linux 2.6.25.
func parseDisks(b []byte) []DiskIO {
	var disks []DiskIO
	for line := range bytes.Lines(b) {
		f := bytes.Fields(line)
		if len(f) < 14 {
			continue
		}
		var v [11]uint64
		ok := true
		for i := range v {
			var rest []byte
			var isNumber bool
			v[i], rest, isNumber = number(f[3+i])
			ok = ok && isNumber && len(rest) == 0
		}
		if !ok {
			continue
		}
		const sector = 512
		ms := func(n uint64) time.Duration { return time.Duration(n) * time.Millisecond }
		disks = append(disks, DiskIO{
			Name:  string(f[2]),
			Reads: v[0], ReadMerged: v[1], ReadBytes: v[2] * sector, ReadTime: ms(v[3]),
			Writes: v[4], WriteMerged: v[5], WriteBytes: v[6] * sector, WriteTime: ms(v[7]),
			InFlight: v[8], Busy: ms(v[9]),
			Have: DiskCounts | DiskMerged | DiskTimes | DiskBusy | DiskInFlight,
		})
	}
	return disks
}
