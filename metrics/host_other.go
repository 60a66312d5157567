//go:build !linux && !(netbsd && 386) && !(openbsd && ppc64)

package metrics

import (
	"cmp"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
)

func (h Host) memory() (HostMemory, error) {
	v, err := mem.VirtualMemory()
	if err != nil {
		return HostMemory{}, libraryError(err)
	}
	available := min(v.Available, v.Total)
	m := HostMemory{Total: v.Total, Available: available, Used: v.Total - available, Free: v.Free}
	if v.Buffers != 0 {
		m.Buffers = v.Buffers
		m.Have |= HostBuffers
	}
	if v.Cached != 0 {
		m.Cached = v.Cached
		m.Have |= HostCached
	}
	return m, nil
}

func (h Host) swap() (HostSwap, error) {
	s, err := mem.SwapMemory()
	if err != nil {
		return HostSwap{}, libraryError(err)
	}
	return HostSwap{Total: s.Total, Used: s.Used, Free: s.Free}, nil
}

func (h Host) cpus() (CPUs, error) {
	logical, err := cpu.Counts(true)
	if err != nil || logical == 0 {
		logical = runtime.NumCPU()
	}
	physical, err := cpu.Counts(false)
	if err != nil {
		physical = 0
	}
	return CPUs{Logical: logical, Physical: physical}, nil
}

// cpuFields are the fields that gopsutil knows on each system, besides User, System
// and Idle. It sets the others to 0.
var cpuFields = map[string]CPUUseFields{
	"aix":       CPUIOWait,
	"darwin":    CPUNice,
	"dragonfly": CPUNice | CPUIRQ,
	"freebsd":   CPUNice | CPUIRQ,
	"illumos":   CPUIOWait,
	"netbsd":    CPUNice | CPUIRQ,
	"openbsd":   CPUNice | CPUIRQ,
	"solaris":   CPUIOWait,
}

func (h Host) cpu() (c HostCPU, err error) {
	total, err := cpu.Times(false)
	if err != nil {
		return c, libraryError(err)
	}
	if len(total) == 0 {
		return c, errors.ErrUnsupported
	}
	c.Total = cpuUse(-1, &total[0])
	each, err := cpu.Times(true)
	if err != nil {
		return c, nil // the sum is all that the system reports
	}
	for i := range each {
		c.Each = append(c.Each, cpuUse(i, &each[i]))
	}
	return c, nil
}

func cpuUse(n int, t *cpu.TimesStat) CPUUse {
	return CPUUse{
		Number: n, User: seconds(t.User), Nice: seconds(t.Nice), System: seconds(t.System), Idle: seconds(t.Idle),
		IOWait: seconds(t.Iowait), IRQ: seconds(t.Irq), Have: cpuFields[runtime.GOOS],
	}
}

func (h Host) users() ([]User, error) {
	all, err := host.Users()
	if errors.Is(err, fs.ErrNotExist) { // the system keeps no record of logins
		return nil, errors.ErrUnsupported
	}
	if err != nil {
		return nil, libraryError(err)
	}
	users := make([]User, 0, len(all))
	for _, u := range all {
		users = append(users, User{Name: u.User, Terminal: u.Terminal, Host: u.Host, Since: time.Unix(int64(u.Started), 0)})
	}
	return users, nil
}

func (h Host) boot() (time.Time, error) {
	s, err := host.BootTime()
	return time.Unix(int64(s), 0), libraryError(err)
}

// diskFields are the fields that gopsutil knows on each system. It sets the others
// to 0.
var diskFields = map[string]DiskFields{
	"darwin":  DiskCounts | DiskTimes,
	"freebsd": DiskCounts | DiskTimes | DiskBusy,
	"netbsd":  DiskCounts,
	"openbsd": DiskCounts,
	"windows": DiskCounts | DiskTimes,
}

func (h Host) disks() ([]DiskIO, error) {
	counters, err := disk.IOCounters()
	if err != nil {
		return nil, libraryError(err)
	}
	ms := func(n uint64) time.Duration { return time.Duration(n) * time.Millisecond }
	var disks []DiskIO
	for name, c := range counters {
		disks = append(disks, DiskIO{
			Name:  name,
			Reads: c.ReadCount, ReadBytes: c.ReadBytes, ReadTime: ms(c.ReadTime),
			Writes: c.WriteCount, WriteBytes: c.WriteBytes, WriteTime: ms(c.WriteTime),
			Busy: ms(c.IoTime),
			Have: diskFields[runtime.GOOS],
		})
	}
	slices.SortFunc(disks, func(a, b DiskIO) int { return cmp.Compare(a.Name, b.Name) })
	return disks, nil
}

func (h Host) netIO() (map[string]NetIO, error) {
	counters, err := net.IOCounters(true)
	if err != nil { // Interfaces returns the addresses without counters
		return nil, nil
	}
	all := make(map[string]NetIO, len(counters))
	for _, c := range counters {
		all[c.Name] = NetIO{
			SentBytes: c.BytesSent, RecvBytes: c.BytesRecv,
			SentPackets: c.PacketsSent, RecvPackets: c.PacketsRecv,
			SendErrors: c.Errout, RecvErrors: c.Errin,
			SendDrops: c.Dropout, RecvDrops: c.Dropin,
		}
	}
	return all, nil
}
