package inspect

import (
	"cmp"
	"errors"
	"io/fs"
	"slices"
	"time"

	"sluice/metrics"
)

// ReadProcess reads all that the system reports about a process. The error is
// metrics.ErrNoProcess if it has ended.
func ReadProcess(p *metrics.Process) (*Process, error) {
	var s metrics.Snapshot
	if err := p.Read(&s, metrics.All); err != nil {
		return nil, err
	}
	info := &Process{PID: s.ID.PID, Name: s.Name}
	info.setIdentity(&s)
	info.setUsage(&s)
	return info, info.list(p)
}

// setIdentity fills in what the process is.
func (info *Process) setIdentity(s *metrics.Snapshot) {
	if s.Have.Has(metrics.FieldState) {
		info.State = s.State.String()
	}
	if s.Have.Has(metrics.FieldParent) && s.Parent > 0 {
		info.Parent = &processID{s.Parent, nameOf(s.Parent)}
	}
	if s.Have.Has(metrics.FieldStarted) {
		info.Started = new(s.Started.Round(10 * time.Millisecond))
	}
	if s.Have.Has(metrics.FieldIdentity) {
		info.Exe, info.Cwd, info.Args, info.Terminal = s.Identity.Exe, s.Identity.Cwd, s.Identity.Args, s.Identity.Terminal
	}
	if o := s.Owner; s.Have.Has(metrics.FieldOwner) {
		info.User = username(o)
		if o.HaveIDs {
			info.UIDs, info.GIDs = &ids{o.UID, o.EUID, o.SavedUID}, &ids{o.GID, o.EGID, o.SavedGID}
		}
	}
}

// setUsage fills in what the process uses.
func (info *Process) setUsage(s *metrics.Snapshot) {
	if c := s.CPU; s.Have.Has(metrics.FieldCPU) {
		info.CPU = &cpuInfo{User: c.User.Seconds(), System: c.System.Seconds()}
		if c.HaveChildren {
			info.CPU.ChildUser, info.CPU.ChildSystem = new(c.ChildUser.Seconds()), new(c.ChildSystem.Seconds())
		}
	}
	if s.Have.Has(metrics.FieldMemory) {
		info.Memory = newMemoryInfo(s)
	}
	if s.Have.Has(metrics.FieldIO) {
		info.IO = newIOInfo(&s.IO)
	}
	if s.Have.Has(metrics.FieldFaults) {
		info.Faults = &faultInfo{s.Faults.Minor, s.Faults.Major}
	}
	if s.Have.Has(metrics.FieldSwitches) {
		info.Switches = &switchesInfo{s.Switches.Voluntary, s.Switches.Involuntary}
	}
	if s.Have.Has(metrics.FieldThreads) {
		info.Threads = &s.Threads
	}
	if s.Have.Has(metrics.FieldFDs) {
		info.FDs = &s.FDs
	}
	if s.Have.Has(metrics.FieldNice) {
		info.Nice = &s.Nice
	}
}

func newMemoryInfo(s *metrics.Snapshot) *memoryInfo {
	m := &memoryInfo{RSS: s.Memory.RSS, VMS: s.Memory.VMS}
	if s.Memory.HaveParts {
		m.Shared, m.Text, m.Data = &s.Memory.Shared, &s.Memory.Text, &s.Memory.Data
	}
	if s.Have.Has(metrics.FieldFootprint) {
		m.USS, m.PSS, m.Swap = &s.Footprint.USS, &s.Footprint.PSS, &s.Footprint.Swap
	}
	if host, err := Host().Memory(); err == nil {
		if percent, ok := s.MemoryPercent(metrics.RSS, host.Total); ok {
			m.Percent = &percent
		}
	}
	return m
}

func newIOInfo(c *metrics.IO) *ioInfo {
	var info ioInfo
	if c.Have.Has(metrics.IOOps) {
		info.ReadOps, info.WriteOps = &c.ReadOps, &c.WriteOps
	}
	if c.Have.Has(metrics.IOChars) {
		info.ReadChars, info.WriteChars = &c.ReadChars, &c.WriteChars
	}
	if c.Have.Has(metrics.IOBytes) {
		info.ReadBytes, info.WriteBytes = &c.ReadBytes, &c.WriteBytes
	}
	return &info
}

// list fills in the lists. A list that the system does not report stays empty.
func (info *Process) list(p *metrics.Process) error {
	for _, list := range []func(*metrics.Process) error{
		info.readIONice, info.listAffinity, info.listChildren, info.listFiles, info.listConnections, info.listThreads, info.listLimits, info.listMaps,
	} {
		switch err := list(p); {
		case errors.Is(err, fs.ErrPermission):
			info.Denied = true
		case err != nil && !errors.Is(err, errors.ErrUnsupported):
			return err
		}
	}
	return nil
}

func (info *Process) listChildren(p *metrics.Process) error {
	children, err := p.Children()
	for _, c := range children {
		info.Children = append(info.Children, processID{c.PID, nameOf(c.PID)})
	}
	slices.SortFunc(info.Children, func(a, b processID) int { return cmp.Compare(a.PID, b.PID) })
	return err
}

func (info *Process) listFiles(p *metrics.Process) error {
	files, err := p.OpenFiles()
	for _, f := range files {
		file := fileInfo{FD: f.FD, Path: f.Path}
		if f.Position >= 0 {
			file.Position = &f.Position
		}
		info.OpenFiles = append(info.OpenFiles, file)
	}
	return err
}

func (info *Process) listConnections(p *metrics.Process) error {
	for _, protocol := range []metrics.Protocol{metrics.ProtocolTCP, metrics.ProtocolUDP} {
		all, err := readSockets(metrics.Filter{Protocol: protocol, PID: p.ID().PID})
		switch {
		case errors.Is(err, fs.ErrPermission):
			return err
		case err == nil && len(all) > 0: // an error may mean that there is no netlink
			info.Connections = append(info.Connections, SocketRows(all)...)
		}
	}
	return nil
}

func (info *Process) readIONice(p *metrics.Process) error {
	priority, err := p.IOPriority()
	if err == nil {
		info.IONice = &ioNice{priority.Class.String(), priority.Level}
	}
	return err
}

func (info *Process) listAffinity(p *metrics.Process) (err error) {
	info.Affinity, err = p.Affinity()
	return err
}

func (info *Process) listMaps(p *metrics.Process) error {
	maps, err := p.MemoryMaps()
	info.Maps = sumMaps(maps)
	return err
}

// sumMaps adds up the mappings of each file. The sums with the most memory in RAM come
// first.
func sumMaps(maps []metrics.MemoryMap) (sums []mapInfo) {
	index := make(map[string]int)
	for i := range maps {
		m := &maps[i]
		at, ok := index[m.Path]
		if !ok {
			at = len(sums)
			index[m.Path] = at
			sums = append(sums, mapInfo{Path: m.Path})
		}
		s := &sums[at]
		s.Mappings++
		s.Size += m.End - m.Start
		s.RSS, s.PSS, s.Swap = s.RSS+m.RSS, s.PSS+m.PSS, s.Swap+m.Swap
		s.SharedClean, s.SharedDirty = s.SharedClean+m.SharedClean, s.SharedDirty+m.SharedDirty
		s.PrivateClean, s.PrivateDirty = s.PrivateClean+m.PrivateClean, s.PrivateDirty+m.PrivateDirty
		s.Referenced, s.Anonymous = s.Referenced+m.Referenced, s.Anonymous+m.Anonymous
	}
	slices.SortStableFunc(sums, func(a, b mapInfo) int { return cmp.Compare(b.RSS, a.RSS) })
	return sums
}

func (info *Process) listThreads(p *metrics.Process) error {
	threads, err := p.Threads()
	for _, t := range threads {
		info.ThreadTimes = append(info.ThreadTimes, threadInfo{t.ID, t.User.Seconds(), t.System.Seconds()})
	}
	return err
}

func (info *Process) listLimits(p *metrics.Process) error {
	limits, err := p.Limits()
	for r, name := range resourceNames {
		if l, ok := limits[metrics.Resource(r)]; ok {
			info.Limits = append(info.Limits, limitInfo{name, limited(l.Soft), limited(l.Hard)})
		}
	}
	return err
}

// resourceNames are the names of prlimit(1), in lower case.
var resourceNames = [...]string{
	metrics.LimitCPU: "cpu", metrics.LimitFileSize: "fsize", metrics.LimitData: "data", metrics.LimitStack: "stack",
	metrics.LimitCore: "core", metrics.LimitRSS: "rss", metrics.LimitProcesses: "nproc", metrics.LimitOpenFiles: "nofile",
	metrics.LimitLocked: "memlock", metrics.LimitAddressSpace: "as", metrics.LimitLocks: "locks", metrics.LimitSignals: "sigpending",
	metrics.LimitQueues: "msgqueue", metrics.LimitNice: "nice", metrics.LimitRealtime: "rtprio", metrics.LimitRealtimeTime: "rttime",
}

// limited returns a limit, or nil for no limit.
func limited(l uint64) *uint64 {
	if l == metrics.Unlimited {
		return nil
	}
	return &l
}
