package metrics

import (
	"bytes"
	"path"
)

func (h Host) memory() (HostMemory, error) {
	b, err := readPath(path.Join(h.proc(), "meminfo"))
	if err != nil {
		return HostMemory{}, err
	}
	m, ok := parseMemory(b)
	if !ok {
		return HostMemory{}, errMalformed
	}
	if _, ok := numberOf(b, "MemAvailable"); !ok { // before Linux 3.14
		zones, err := readPath(path.Join(h.proc(), "zoneinfo"))
		if err != nil {
			return HostMemory{}, err
		}
		m.setAvailable(estimateAvailable(b, zones))
	}
	if limit, used, ok := h.memoryLimit(); ok && limit < m.Total {
		m.Limit, m.LimitUsed = limit, used
		m.Have |= HostLimit
	}
	return m, nil
}

// parseMemory reads the content of /proc/meminfo, which is in KiB.
func parseMemory(b []byte) (m HostMemory, ok bool) {
	read := func(to *uint64, key string, have HostMemoryFields) bool {
		n, ok := numberOf(b, key)
		if ok {
			*to = n << 10
			m.Have |= have
		}
		return ok
	}
	if !read(&m.Total, "MemTotal", 0) || !read(&m.Free, "MemFree", 0) {
		return HostMemory{}, false
	}
	read(&m.Buffers, "Buffers", HostBuffers)
	read(&m.Cached, "Cached", HostCached)
	read(&m.Shared, "Shmem", HostShared)
	read(&m.Slab, "Slab", HostSlab)
	read(&m.Dirty, "Dirty", HostDirty)
	var available uint64
	read(&available, "MemAvailable", 0)
	m.setAvailable(available)
	return m, true
}

// setAvailable sets Available and Used. In some containers /proc/meminfo has the
// total of the container but the available memory of the host; then Free is the
// best known value.
func (m *HostMemory) setAvailable(n uint64) {
	if n > m.Total {
		n = m.Free
	}
	m.Available = min(n, m.Total)
	m.Used = m.Total - m.Available
}

// estimateAvailable computes MemAvailable as newer kernels do (si_mem_available in
// mm/page_alloc.c): of caches and slab, half counts as needed, but at most the low
// watermark.
func estimateAvailable(meminfo, zoneinfo []byte) uint64 {
	kib := func(key string) uint64 {
		n, _ := numberOf(meminfo, key)
		return n << 10
	}
	low := lowWatermark(zoneinfo)
	cache := kib("Active(file)") + kib("Inactive(file)")
	slab := kib("SReclaimable")
	have := kib("MemFree") + cache - min(cache/2, low) + slab - min(slab/2, low)
	return have - min(have, low)
}

// lowWatermark returns the sum of the low watermarks of all zones in
// /proc/zoneinfo, in bytes. The file has pages.
func lowWatermark(b []byte) (sum uint64) {
	for line := range bytes.Lines(b) {
		if f := bytes.Fields(line); len(f) == 2 && string(f[0]) == "low" {
			n, _, _ := number(f[1])
			sum += n * pageSize
		}
	}
	return sum
}

func (h Host) swap() (HostSwap, error) {
	b, err := readPath(path.Join(h.proc(), "meminfo"))
	if err != nil {
		return HostSwap{}, err
	}
	total, ok1 := numberOf(b, "SwapTotal")
	free, ok2 := numberOf(b, "SwapFree")
	if !ok1 || !ok2 || free > total {
		return HostSwap{}, errMalformed
	}
	s := HostSwap{Total: total << 10, Free: free << 10, Used: (total - free) << 10}
	if b, err := readPath(path.Join(h.proc(), "vmstat")); err == nil {
		in, ok1 := spacedNumberOf(b, "pswpin")
		out, ok2 := spacedNumberOf(b, "pswpout")
		s.In, s.Out, s.HaveMoved = in*pageSize, out*pageSize, ok1 && ok2
	}
	return s, nil
}

// spacedNumberOf returns the number after "key " at the beginning of a line.
func spacedNumberOf(b []byte, key string) (uint64, bool) {
	for line := range bytes.Lines(b) {
		if rest, ok := bytes.CutPrefix(line, []byte(key+" ")); ok {
			n, _, ok := number(rest)
			return n, ok
		}
	}
	return 0, false
}
